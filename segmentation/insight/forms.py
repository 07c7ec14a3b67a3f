"""What a person chooses to profile: cells, an audience or mark, or a rule typed."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from customers.catalogue import rule_catalogue
from customers.models import Attribute
from customers.selectors import attributes_for
from rules import Catalogue

from ..audiences.models import Audience, Mark
from ..cells import cells_in
from ..definition import MatrixDefinition
from ..models import Cell, MatrixVersion
from .groups import ByCells, ByColumn, Everyone, Group, Rest, checked_rule
from .today import Today

KINDS = (
    ("cells", gettext_lazy("cells of a matrix")),
    ("named", gettext_lazy("an audience or a mark")),
    ("rule", gettext_lazy("a rule")),
)
AGAINST = (
    ("rest", gettext_lazy("all other customers")),
    ("everyone", gettext_lazy("all customers")),
    *KINDS,
)


def visible_catalogue(reader: User) -> Catalogue:
    """What the reader's rules may name: a rule on a hidden attribute would tell its values."""
    visible = set(attributes_for(reader).values_list("code", flat=True))
    hidden = set(Attribute.objects.values_list("code", flat=True)) - visible
    return Catalogue(a for code, a in rule_catalogue().items() if code not in hidden)


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


class GroupForm(forms.Form):
    """One group. ``group`` is what was chosen, once the form is valid."""

    kinds = KINDS

    kind = forms.ChoiceField(label=gettext_lazy("Which customers"), widget=_select())
    bands = forms.MultipleChoiceField(
        label=gettext_lazy("Bands of one matrix"),
        help_text=gettext_lazy("Several of a dimension: any of them. A dimension without: all."),
        required=False,
        widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 8}),
    )
    cell = forms.IntegerField(
        label=gettext_lazy("or one cell's number"),
        required=False,
        min_value=1,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    named = forms.ChoiceField(
        label=gettext_lazy("Audience or mark"), required=False, widget=_select()
    )
    rule = forms.CharField(
        label=gettext_lazy("Rule"),
        help_text=gettext_lazy("As in policies, such as: arpu >= 80 and not is_campus"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"class": "form-control font-monospace", "rows": 2}),
    )

    def __init__(self, *args: Any, reader: User, today: Today, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.catalogue = visible_catalogue(reader)
        self.group: Group | None = None
        self.fields["kind"].choices = self.kinds
        self.fields["bands"].choices = list(_bands(today))
        self.fields["named"].choices = [("", "–"), *_named(reader, today)]

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if "kind" in said and not self.errors:
            try:
                self.group = self._chosen(said)
            except DomainError as error:
                self.add_error(FIELD_OF.get(said["kind"], "kind"), error.message)
        return said

    def _chosen(self, said: dict[str, Any]) -> Group:
        match said["kind"]:
            case "cells":
                return self._cells(said)
            case "named":
                return self._named(said)
            case "rule":
                return self._rule(said)
            case "rest":
                return Rest()
            case "everyone":
                return Everyone()
            case kind:
                raise NotImplementedError(kind)

    def _rule(self, said: dict[str, Any]) -> Group:
        if not said["rule"].strip():
            raise DomainError("no_rule", _("Type the rule that chooses the customers."))
        return checked_rule(said["rule"], self.catalogue)

    def _named(self, said: dict[str, Any]) -> Group:
        if not said["named"]:
            raise DomainError("nothing_named", _("Choose an audience or a mark."))
        kind, code = said["named"].split(":", 1)
        return ByColumn(kind, code)

    def _cells(self, said: dict[str, Any]) -> Group:
        if said["cell"]:
            return self._one_cell(said["cell"])
        chosen = [value.split("/") for value in said["bands"]]
        matrices = {matrix for matrix, _dimension, _band in chosen}
        if len(matrices) != 1:
            raise DomainError(
                "one_matrix", _("Choose bands of one matrix, or type the number of a cell.")
            )
        (matrix,) = matrices
        box: dict[str, tuple[str, ...]] = {}
        for _matrix, dimension, band in chosen:
            box[dimension] = (*box.get(dimension, ()), band)
        return ByCells(matrix, tuple(cells_in(self.today.matrices[matrix], box)), box)

    def _one_cell(self, number: int) -> Group:
        for code, version in self.today.matrices.items():
            if Cell.objects.of_version(version).filter(number=number).exists():
                return ByCells(code, (number,))
        raise DomainError(
            "unknown_cell",
            _("No matrix of %(day)s has a cell %(number)d.")
            % {"day": self.today.business_date, "number": number},
        )


FIELD_OF = {"cells": "bands", "named": "named", "rule": "rule"}


class AgainstForm(GroupForm):
    """What it is held against: by default, all others."""

    kinds = AGAINST


def _bands(today: Today) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Options by matrix and dimension: ``matrix/dimension/band``."""
    for code, version in today.matrices.items():
        yield from _bands_of(code, version)


def _bands_of(code: str, version: MatrixVersion) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    language = get_language() or "en"
    for dimension in MatrixDefinition.from_json(version.body).dimensions:
        heading = f"{version.matrix.name} · {dimension.name.in_language(language)}"
        yield (
            heading,
            [
                (f"{code}/{dimension.code}/{band.code}", band.name.in_language(language))
                for band in dimension.all_bands
            ],
        )


def _named(reader: User, today: Today) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The audiences and marks that the reader may see and the day holds."""
    for heading, model in ((_("Audiences"), Audience), (_("Marks"), Mark)):
        options = [
            (f"{row.kind}:{row.code}", row.name)
            for row in model.objects.visible_to(reader).active()
            if ByColumn(row.kind, row.code).column in today.homes
        ]
        if options:
            yield heading, options
