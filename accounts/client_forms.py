"""What an administrator fills in about a system client."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .client_services import MOST_BURST, MOST_DAYS
from .clients import OPERATIONS
from .forms import OrganisationField
from .models import SystemClient, User
from .selectors import organisations_for


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"} | attributes)


def _number(**attributes: str) -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "form-control"} | attributes)


class ClientForm(forms.Form):
    """What a client is called, where it belongs, what it may do and how often."""

    name_zh = forms.CharField(label=_("Chinese name"), max_length=120, widget=_text())
    name_en = forms.CharField(label=_("English name"), max_length=120, widget=_text())
    organisation = OrganisationField(
        queryset=None,
        label=_("Organisation"),
        help_text=_("It meets the customers of this organisation and of no other."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    operations = forms.MultipleChoiceField(
        label=_("Operations"), choices=[(p.value, p.label) for p in OPERATIONS]
    )
    rate = forms.FloatField(
        label=_("Calls a second"),
        help_text=_("in the long run; whoever is faster is answered 429"),
        initial=50,
        widget=_number(step="any", min="0"),
    )
    burst = forms.IntegerField(
        label=_("Calls at once"),
        help_text=_("after a rest"),
        initial=100,
        min_value=1,
        max_value=MOST_BURST,
        widget=_number(),
    )

    def __init__(self, *args: Any, reader: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations_for(reader)

    @classmethod
    def of(cls, client: SystemClient, reader: User) -> "ClientForm":
        """The form as the client stands."""
        said = {name: getattr(client, name) for name in cls.base_fields}
        return cls(initial=said | {"organisation": client.organisation_id}, reader=reader)


class NewClientForm(ClientForm):
    code = forms.SlugField(
        label=_("Code"),
        help_text=_("letters, digits, hyphens and underscores; never changed afterwards"),
        max_length=40,
        widget=_text(),
    )
    field_order = ("code", "name_zh", "name_en", "organisation", "operations", "rate", "burst")


class KeyForm(forms.Form):
    days = forms.IntegerField(
        label=_("Good for so many days"),
        help_text=_("1 to 400; calls with it are refused afterwards"),
        initial=365,
        min_value=1,
        max_value=MOST_DAYS,
        widget=_number(),
    )
