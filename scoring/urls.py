"""The pages of the models."""

from django.urls import path

from . import judgement_views, views

urlpatterns = [
    path("", views.models, name="models"),
    path("<str:code>/", views.model, name="model"),
    path("<str:code>/train/", views.model_train, name="model-train"),
    path("<str:code>/training/", views.model_training, name="model-training"),
    path("<str:code>/cancel/", views.model_cancel, name="model-cancel"),
    path("<str:code>/judgements/", judgement_views.judgements, name="model-judgements"),
    path("<str:code>/<int:number>/", views.model_version, name="model-version"),
]
