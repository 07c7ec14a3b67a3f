"""The pages of flows."""

from django.urls import path

from . import views as flow_views

urlpatterns = [
    path("", flow_views.flows, name="flows"),
    path("flows.csv", flow_views.flows_csv, name="flows-csv"),
]
