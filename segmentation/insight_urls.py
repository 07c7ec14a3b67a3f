"""Insight, and matrices proposed from data."""

from django.urls import path

from . import insight_views, propose_views

urlpatterns = [
    path("", insight_views.insight, name="insight"),
    path("start/", insight_views.insight_start, name="insight-start"),
    path("workbook/", insight_views.insight_workbook, name="insight-workbook"),
    path("propose/", propose_views.propose, name="matrix-proposal"),
]
