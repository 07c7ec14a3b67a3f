"""The pages of audiences, auxiliary matrices and imported lists."""

from django.urls import path

from . import list_views
from . import views as audience_views

urlpatterns = [
    path("", audience_views.audiences, name="audiences"),
    path("new/", audience_views.audience_new, name="audience-new"),
    path("named/<str:code>/", audience_views.audience, name="audience"),
    path("named/<str:code>/edit/", audience_views.audience_edit, name="audience-edit"),
    path("auxiliary/", audience_views.auxiliary, name="auxiliary"),
    path("auxiliary/new/", audience_views.auxiliary_new, name="auxiliary-new"),
    path("auxiliary/<str:code>/", audience_views.auxiliary_edit, name="auxiliary-edit"),
    path("auxiliary/<str:code>/mark/", audience_views.mark_new, name="mark-new"),
    path("marks/<str:code>/", audience_views.mark, name="mark"),
    path("marks/<str:code>/edit/", audience_views.mark_edit, name="mark-edit"),
    path("lists/", list_views.customer_lists, name="customer-lists"),
    path("lists/new/", list_views.list_new, name="list-new"),
    path("lists/named/<str:code>/", list_views.customer_list, name="customer-list"),
    path("lists/named/<str:code>/replace/", list_views.list_replace, name="list-replace"),
]
