"""What an administrator fills in about a user."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Organisation, User
from .roles import ROLES
from .selectors import organisations_for


class OrganisationField(forms.ModelChoiceField):
    def label_from_instance(self, organisation: Organisation) -> str:
        return organisation.indented_name


class RightsForm(forms.Form):
    """Where a user works and what roles they hold there."""

    organisation = OrganisationField(
        queryset=None,
        label=_("Organisation"),
        help_text=_("Everything the user sees is walled in by it."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, reader: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations_for(reader)
        self.fields["roles"].choices = [(code, role.name()) for code, role in ROLES.items()]

    def role_choices(self) -> list[dict[str, Any]]:
        """The roles as the page shows them: with what each may do, ticked if held."""
        held = self["roles"].value() or []
        return [
            {
                "code": code,
                "name": role.name(),
                "held": code in held,
                "may": sorted(str(p.label) for p in role.permissions),
            }
            for code, role in ROLES.items()
        ]


class NewUserForm(RightsForm):
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("First password"),
        help_text=_("At least 10 characters; the user should change it after the first login."),
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
    )
    field_order = ("username", "password", "organisation", "roles")


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
    )
