"""The pages of the contact policy."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.contact_policy, name="contact-policy"),
    path("<str:code>/", views.contact_versions, name="contact-versions"),
    path("<str:code>/edit/", views.contact_edit, name="contact-edit"),
]
