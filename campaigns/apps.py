from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from segmentation.audiences.services import used_elsewhere

        from .uses import uses

        used_elsewhere.append(uses)
