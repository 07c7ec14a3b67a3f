"""Home, the daily runs, the language."""

from django.urls import path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("latest-run/", views.latest, name="latest-run"),
    path("runs/", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("language/", require_POST(set_language), name="set_language"),
]
