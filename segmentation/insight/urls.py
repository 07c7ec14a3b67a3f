"""Insight, and matrices proposed from data."""

from django.urls import path

from ..proposals import views as propose_views
from . import views as insight_views

urlpatterns = [
    path("", insight_views.insight, name="insight"),
    path("start/", insight_views.insight_start, name="insight-start"),
    path("workbook/", insight_views.insight_workbook, name="insight-workbook"),
    path("propose/", propose_views.propose, name="matrix-proposal"),
]
