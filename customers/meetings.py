"""Where customers are met and what comes of it: in files, policies, rules and at touch points."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    FRONT_DESK = "front_desk", _("front desk")
    OUTBOUND_CALL = "outbound_call", _("outbound call")
    SMS = "sms", _("SMS")
    APP = "app", _("app")
    WEB = "web", _("web")


class Outcome(models.TextChoices):
    SHOWN = "shown", _("shown")
    ACCEPTED = "accepted", _("accepted")
    DECLINED = "declined", _("declined")
    ORDERED = "ordered", _("ordered")
    COMPLAINED = "complained", _("complained")


class Arm(models.TextChoices):
    """The side of a trial on which the lot put a customer."""

    TREATED = "treated", _("contacted")
    CONTROL = "control", _("left alone")
