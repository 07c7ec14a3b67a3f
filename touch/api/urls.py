"""Addresses of recommendations, version 1."""

from django.urls import path

from .views import Recommendations

urlpatterns = [
    path(
        "customers/<str:customer_no>/recommendations",
        Recommendations.as_view(),
        name="api-recommendations",
    )
]
