"""What people send from the customer's page: what became of an offer, and opt-outs."""

import uuid
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.words import OPTED_OUT_NAMES
from customers.meetings import Channel, Outcome

from .feedback import Reported

# What customers say most often; any other words will do.
REASONS = (
    _("no need of it"),
    _("too dear"),
    _("has something like it"),
    _("bound by a contract"),
    _("wants to think it over"),
    _("no time now"),
)


def fresh_key() -> str:
    """Of one form as it is shown: sent twice it counts once."""
    return uuid.uuid4().hex


class FeedbackForm(forms.Form):
    """One outcome of one policy that a decision offered."""

    policy = forms.CharField(max_length=20)
    outcome = forms.ChoiceField(choices=Outcome)
    reason = forms.CharField(max_length=200, required=False)
    channel = forms.ChoiceField(choices=[("", ""), *Channel.choices], required=False)
    key = forms.RegexField(r"^[0-9a-f]{32}$")

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if said.get("outcome") == Outcome.DECLINED and not said.get("reason"):
            self.add_error("reason", _("Say in a few words why the customer declined."))
        return said

    def reported(self, decision: UUID) -> Reported:
        said = self.cleaned_data
        return Reported(decision, said["policy"], said["outcome"], said["reason"], said["channel"])

    def request_key(self) -> str:
        """Each outcome of the form is a request of its own."""
        return f"{self.cleaned_data['key']}:{self.cleaned_data['outcome']}"

    def refusal(self) -> str:
        """The first fault in words."""
        return next(str(error) for errors in self.errors.values() for error in errors)


class OptOutForm(forms.Form):
    """All that the customer does not want. ``seen``: what held when the form was shown."""

    opted_out = forms.MultipleChoiceField(choices=list(OPTED_OUT_NAMES.items()), required=False)
    seen = forms.CharField(required=False)

    def wanted(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["opted_out"])


def seen_of(opted_out: Iterable[str]) -> str:
    return ",".join(sorted(opted_out))
