from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from scoring.codes import named_elsewhere
        from segmentation.audiences.services import used_elsewhere

        from .named_codes import places
        from .uses import uses

        used_elsewhere.append(uses)
        named_elsewhere.append(places)
