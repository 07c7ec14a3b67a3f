"""The pages of the models."""

from django.urls import path

from . import judgement_views, movement_views, views

urlpatterns = [
    path("", views.models, name="models"),
    path("<str:code>/", views.model, name="model"),
    path("<str:code>/train/", views.model_train, name="model-train"),
    path("<str:code>/training/", views.model_training, name="model-training"),
    path("<str:code>/cancel/", views.model_cancel, name="model-cancel"),
    path("<str:code>/judgements/", judgement_views.judgements, name="model-judgements"),
    path("<str:code>/movement/", movement_views.model_movement, name="model-movement"),
    path("<str:code>/movement.csv", movement_views.model_movement_csv, name="model-movement-csv"),
    path("<str:code>/<int:number>/", views.model_version, name="model-version"),
    path(
        "<str:code>/<int:number>/acknowledge/",
        views.model_acknowledge,
        name="model-acknowledge",
    ),
]
