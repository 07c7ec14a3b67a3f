"""What a person asks of a proposal, and the draft as he may edit it."""

import json
from datetime import date
from typing import Any

import pyarrow.parquet as pq
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from common.definitions import CODE
from common.errors import DomainError
from customers.models import Attribute, Origin, Type
from customers.selectors import attributes_for
from lake.models import Partition

from ..definition import MatrixDefinition
from ..models import Strategy
from ..proof import MAX_CELLS
from .propose import BINNABLE, Outcome, Wish, latest_of


def candidates_for(reader: User) -> list[Attribute]:
    """What dimensions may be cut by, of what the reader may see: nothing that could leak."""
    known = attributes_for(reader).filter(origin=Origin.SOURCE, type__in=BINNABLE)
    return list(known)


def _text(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", **attrs})


def _number() -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "form-control"})


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


class WishForm(forms.Form):
    """``wish`` and ``snapshot`` are what was asked for, once the form is valid."""

    target = forms.ChoiceField(
        label=gettext_lazy("What is to be foretold"), required=False, widget=_select()
    )
    policy = forms.CharField(
        label=gettext_lazy("or the take-up of a policy"),
        help_text=gettext_lazy("Its number: who ordered it after the snapshot's day."),
        required=False,
        max_length=40,
        widget=_text(),
    )
    day = forms.ChoiceField(
        label=gettext_lazy("Snapshot"),
        help_text=gettext_lazy("What was known on that day is what dimensions are cut by."),
        widget=_select(),
    )
    until = forms.ChoiceField(
        label=gettext_lazy("Outcome until"),
        help_text=gettext_lazy("A later day; an outcome that the snapshot holds needs none."),
        required=False,
        widget=_select(),
    )
    candidates = forms.MultipleChoiceField(
        label=gettext_lazy("Attributes to choose from"),
        widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 10}),
    )
    cells = forms.IntegerField(
        label=gettext_lazy("Cells at most"),
        help_text=gettext_lazy("Bands of the unknown come beside them."),
        min_value=4,
        max_value=MAX_CELLS,
        initial=16,
        widget=_number(),
    )
    least = forms.IntegerField(
        label=gettext_lazy("Customers in each cell at least"),
        min_value=1,
        initial=1000,
        widget=_number(),
    )
    code = forms.RegexField(
        CODE["pattern"], label=gettext_lazy("Code of the matrix"), widget=_text()
    )
    strategy = forms.ChoiceField(label=gettext_lazy("Strategic group"), widget=_select())
    name_zh = forms.CharField(
        label=gettext_lazy("Name in Chinese"), max_length=120, widget=_text(lang="zh-hans")
    )
    name_en = forms.CharField(
        label=gettext_lazy("Name in English"), max_length=120, widget=_text(lang="en")
    )

    def __init__(self, *args: Any, reader: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.snapshots = {p.business_date.isoformat(): p for p in latest_of("customers")}
        known = candidates_for(reader)
        days = [(day, day) for day in sorted(self.snapshots, reverse=True)]
        self.fields["target"].choices = [("", "–"), *_targets(known)]
        self.fields["day"].choices = days
        self.fields["until"].choices = [("", "–"), *_later_days(days)]
        self.fields["candidates"].choices = [(a.code, a.name) for a in known]
        self.fields["candidates"].initial = [a.code for a in known]
        self.fields["strategy"].choices = [(s.code, s.name) for s in Strategy.objects.all()]
        if labelled := _labelled_day(self.snapshots):
            self.fields["day"].initial = labelled

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if bool(said.get("target")) == bool(said.get("policy", "").strip()):
            self.add_error("target", _("Choose an outcome, or type the number of a policy."))
        return said

    @property
    def snapshot(self) -> Partition:
        return self.snapshots[self.cleaned_data["day"]]

    @property
    def wish(self) -> Wish:
        said = self.cleaned_data
        until = date.fromisoformat(said["until"]) if said["until"] else None
        if said["target"]:
            kind, code = said["target"].split(":", 1)
        else:
            kind, code = "orders", said["policy"].strip()
        its_own = kind == "becomes" and code in said["candidates"]
        candidates = [c for c in said["candidates"] if not (its_own and c == code)]
        named = {name: said[name] for name in ("code", "strategy", "name_zh", "name_en")}
        return Wish(
            outcome=Outcome(kind, code, until),
            candidates=tuple(candidates),
            cells=said["cells"],
            least=said["least"],
            **named,
        )


def _targets(known: list[Attribute]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Outcomes by name. A label's rates by cell tell of nobody, so whoever proposes may use it."""
    labels = Attribute.objects.filter(origin=Origin.LABEL, type=Type.BOOLEAN)
    truths = [a for a in known if a.type == Type.BOOLEAN]
    return [
        (_("Outcomes"), [(f"label:{a.code}", a.name) for a in labels]),
        (_("Becomes true"), [(f"becomes:{a.code}", a.name) for a in truths]),
    ]


def _later_days(days: list[tuple[str, str]]) -> list[tuple[str, str]]:
    orders = {p.business_date.isoformat() for p in latest_of("orders")}
    return [(day, day) for day in sorted(orders | {day for day, _name in days}, reverse=True)]


def _labelled_day(snapshots: dict[str, Partition]) -> str | None:
    """The newest snapshot that knows any outcome."""
    labels = set(Attribute.objects.filter(origin=Origin.LABEL).values_list("code", flat=True))
    for day in sorted(snapshots, reverse=True):
        nulls = snapshots[day].facts.get("nulls", {})
        names = labels & set(pq.read_schema(snapshots[day].file(0)).names)
        if any(nulls.get(name, 0.0) < 1.0 for name in names):
            return day
    return None


class DraftForm(forms.Form):
    """The draft as text. ``definition`` is what it says, once the form is valid."""

    body = forms.CharField(
        label=gettext_lazy("Draft"),
        help_text=gettext_lazy("Edit it here, or as a draft once it is saved."),
        max_length=1_000_000,
        widget=forms.Textarea(attrs={"class": "form-control font-monospace", "rows": 18}),
    )

    definition: MatrixDefinition | None = None

    def clean_body(self) -> str:
        text: str = self.cleaned_data["body"]
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                _("Line %(line)d, column %(column)d: this is no JSON.")
                % {"line": error.lineno, "column": error.colno}
            ) from error
        try:
            self.definition = MatrixDefinition.from_json(body)
        except DomainError as error:
            raise forms.ValidationError(error.message) from error
        return text


def as_text(definition: MatrixDefinition) -> str:
    return json.dumps(definition.to_json(), ensure_ascii=False, indent=2)
