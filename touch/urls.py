"""Pages of customers, their recommendations, and what was decided before."""

from django.urls import path

from . import decision_views, views

urlpatterns = [
    path("customers/", views.search, name="customer-search"),
    path("customers/<str:customer_no>/", views.customer, name="customer"),
    path("customers/<str:customer_no>/opt-outs/", views.opt_outs, name="customer-opt-outs"),
    path("decisions/", decision_views.search, name="decision-search"),
    path("decisions/<uuid:identifier>/", decision_views.decision, name="decision"),
    path(
        "decisions/<uuid:identifier>/feedback/", decision_views.feedback, name="decision-feedback"
    ),
]
