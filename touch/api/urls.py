"""Addresses of the touch point, version 1."""

from django.urls import path

from . import views

urlpatterns = [
    path(
        "customers/<str:customer_no>/recommendations",
        views.Recommendations.as_view(),
        name="api-recommendations",
    ),
    path(
        "recommendations:batch",
        views.RecommendationsBatch.as_view(),
        name="api-recommendations-batch",
    ),
    path("decisions/<uuid:decision>", views.Decisions.as_view(), name="api-decision"),
    path("feedback", views.FeedbackReports.as_view(), name="api-feedback"),
    path(
        "customers/<str:customer_no>/opt-outs",
        views.CustomerOptOuts.as_view(),
        name="api-opt-outs",
    ),
]
