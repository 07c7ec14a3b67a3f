from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TouchConfig(AppConfig):
    name = "touch"
    verbose_name = _("Touch points")
