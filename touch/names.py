"""What the gates are called and what they ask, in the reader's language: the one place for it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .gates import Gate

Texts = dict[Gate, str | Promise]

GATE_NAMES: Texts = {
    Gate.CELL: _("Cell"),
    Gate.VALIDITY: _("Validity"),
    Gate.CITY: _("City"),
    Gate.CHANNEL: _("Channel"),
    Gate.ELIGIBILITY: _("Eligibility"),
    Gate.EXCLUSIVITY: _("Exclusivity"),
    Gate.OPT_OUT: _("Opt-out"),
    Gate.CONTACT_POLICY: _("Contact policy"),
    Gate.CONTROL_GROUP: _("Control group"),
    Gate.CAPACITY: _("Capacity"),
}
GATE_MEANINGS: Texts = {
    Gate.CELL: _("Is the customer in a cell to which a campaign offers the policy?"),
    Gate.VALIDITY: _("Is the policy valid and does the campaign run on the day of the contact?"),
    Gate.CITY: _("May the policy be sold in the customer's city?"),
    Gate.CHANNEL: _("Does the policy go by this channel?"),
    Gate.ELIGIBILITY: _("Does the policy's condition hold for this customer?"),
    Gate.EXCLUSIVITY: _("Does the customer hold neither the policy nor another of its group?"),
    Gate.OPT_OUT: _("Does the customer want to hear of it, and by this channel?"),
    Gate.CONTACT_POLICY: _("Do the limits and the quiet hours allow the contact?"),
    Gate.CONTROL_GROUP: _("Is the customer in no group that is left alone for comparison?"),
    Gate.CAPACITY: _("Is there any left?"),
}
