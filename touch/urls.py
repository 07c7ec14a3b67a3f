"""Pages of customers and their recommendations."""

from django.urls import path

from . import views

urlpatterns = [
    path("customers/", views.search, name="customer-search"),
    path("customers/<str:customer_no>/", views.customer, name="customer"),
]
