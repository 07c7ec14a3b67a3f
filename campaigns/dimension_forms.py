"""The form of a dimension, by its kind: what is typed becomes a proved dimension or an error."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import DomainError
from customers.catalogue import rule_catalogue
from customers.models import Attribute, Origin
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import (
    AttributeDimension,
    Boolean,
    Categories,
    Dimension,
    Quantiles,
    Rules,
    Thresholds,
)
from segmentation.proof import TYPES, prove
from segmentation.services import cities

KINDS = {
    Thresholds.kind: gettext_lazy("cut points of a number"),
    Quantiles.kind: gettext_lazy("shares of the customers, ranked by a number"),
    Categories.kind: gettext_lazy("values of a category"),
    Boolean.kind: gettext_lazy("yes or no"),
    Rules.kind: gettext_lazy("rules, the first that is true"),
}
SPARE_ROWS, LEAST_ROWS, MOST_ROWS = 2, 4, 60
SEPARATORS = str.maketrans("，、；;\n", ",,,,,")
Row = dict[str, Any]


def _text(label: Any, *, required: bool = True, size: int = 40, **attrs: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "form-control", **attrs})
    return forms.CharField(label=label, required=required, max_length=size, widget=widget)


class _Bare(forms.Form):
    """Labels as the table's headings say them; errors beside the field."""

    use_required_attribute = False


class DimensionForm(_Bare):
    """Names and attribute; the bands are rows of their own (BandRow)."""

    code = _text(gettext_lazy("Code"), pattern="[a-z][a-z0-9_-]*")
    name_zh = _text(gettext_lazy("Chinese name"), size=120)
    name_en = _text(gettext_lazy("English name"), size=120)
    attribute = forms.ChoiceField(
        label=gettext_lazy("Attribute"), widget=forms.Select(attrs={"class": "form-select"})
    )
    null_code = _text(gettext_lazy("Code of the band of unknown values"))
    null_zh = _text(gettext_lazy("Its Chinese name"), size=120)
    null_en = _text(gettext_lazy("Its English name"), size=120)

    def __init__(self, *args: Any, kind: str, fixed_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if fixed_code:
            self.fields["code"].widget.attrs["readonly"] = True
        if kind == Rules.kind:
            for name in ("attribute", "null_code", "null_zh", "null_en"):
                del self.fields[name]
        else:
            usable = Attribute.objects.filter(type__in=TYPES[kind]).exclude(origin=Origin.LABEL)
            self.fields["attribute"].choices = [(a.code, f"{a.name} ({a.code})") for a in usable]


class BandRow(_Bare):
    """One band; a row without a code is no band. What else it asks goes by the kind."""

    code = _text(gettext_lazy("Code"), required=False)
    name_zh = _text(gettext_lazy("Chinese name"), required=False, size=120)
    name_en = _text(gettext_lazy("English name"), required=False, size=120)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= {
            Thresholds.kind: _threshold_fields,
            Quantiles.kind: _quantile_fields,
            Categories.kind: _category_fields,
            Boolean.kind: _boolean_fields,
            Rules.kind: _rule_fields,
        }[kind]()
        for name, one in self.fields.items():
            one.widget.attrs["aria-label"] = one.label
            self.fields[name] = one

    def clean(self) -> Row:
        said = super().clean() or {}
        wanted = ("code", "name_zh", "name_en")
        if any(said.get(name) not in (None, "", False) for name in self.fields):
            for name in wanted:
                if not said.get(name) and name not in self.errors:
                    self.add_error(name, _("This must be filled in."))
        return said


def _number(label: Any) -> forms.FloatField:
    widget = forms.TextInput(attrs={"class": "form-control", "inputmode": "decimal"})
    return forms.FloatField(label=label, required=False, widget=widget)


def _threshold_fields() -> dict[str, forms.Field]:
    return {
        "low": _number(gettext_lazy("from (empty: no limit)")),
        "least": _number(gettext_lazy("cities: not below")),
        "most": _number(gettext_lazy("cities: not above")),
    }


def _quantile_fields() -> dict[str, forms.Field]:
    return {"share": _number(gettext_lazy("share of the customers, in %"))}


def _category_fields() -> dict[str, forms.Field]:
    box = forms.CheckboxInput(attrs={"class": "form-check-input"})
    values = _text(gettext_lazy("values, comma between"), required=False, size=2000)
    return {
        "values": values,
        "other": forms.BooleanField(
            label=gettext_lazy("and all others"), required=False, widget=box
        ),
    }


def _boolean_fields() -> dict[str, forms.Field]:
    choices = [("", "–"), ("true", gettext_lazy("yes")), ("false", gettext_lazy("no"))]
    select = forms.Select(attrs={"class": "form-select"})
    return {
        "value": forms.ChoiceField(
            label=gettext_lazy("value"), choices=choices, required=False, widget=select
        )
    }


def _rule_fields() -> dict[str, forms.Field]:
    return {"rule": _text(gettext_lazy("rule (empty: all others)"), required=False, size=4000)}


class DimensionSheet:
    """The form and its rows, empty, filled from a dimension, or as they were typed."""

    def __init__(
        self,
        kind: str,
        *,
        data: Mapping[str, Any] | None = None,
        present: Dimension | None = None,
    ) -> None:
        self.kind, self.present, self.data = kind, present, data
        self.error: DomainError | None = None
        fixed = present is not None
        initial, filled = (_filled(present), _rows_of(present)) if present else ({}, [])
        self.form = DimensionForm(data, initial=initial, kind=kind, fixed_code=fixed)
        rows = _formset(kind)
        self.rows = rows(data, initial=filled, prefix="bands", form_kwargs={"kind": kind})
        self.rows.extra = max(SPARE_ROWS, LEAST_ROWS - len(filled))

    @property
    def headings(self) -> list[Any]:
        return [field.label for field in self.rows.empty_form.fields.values()]

    def dimension(self) -> Dimension | None:
        """What was typed, proved by itself; None, with the errors in the forms or ``error``."""
        if not (self.form.is_valid() & self.rows.is_valid()):
            return None
        said = self.form.cleaned_data
        if self.present and said["code"] != self.present.code:
            said["code"] = self.present.code
        try:
            made = _dimension(self.kind, said, [r for r in self._typed() if r.get("code")])
            made = _with_city_cuts(made, self.present)
            _prove_alone(made)
        except DomainError as error:
            self.error = error
            return None
        return made

    def _typed(self) -> Iterator[Row]:
        for row in self.rows:
            yield row.cleaned_data


def _formset(kind: str) -> Any:
    return forms.formset_factory(BandRow, extra=LEAST_ROWS, max_num=MOST_ROWS)


# --- from what is there to what is shown ---


def _filled(dimension: Dimension) -> Row:
    shown = {
        "code": dimension.code,
        "name_zh": dimension.name.zh,
        "name_en": dimension.name.en,
    }
    if isinstance(dimension, AttributeDimension):
        shown["attribute"] = dimension.attribute
        if dimension.null_band:
            null = dimension.null_band
            shown |= {"null_code": null.code, "null_zh": null.name.zh, "null_en": null.name.en}
    return shown


def _rows_of(dimension: Dimension) -> list[Row]:
    return [
        {"code": band.code, "name_zh": band.name.zh, "name_en": band.name.en}
        | _says(dimension, band, place)
        for place, band in enumerate(dimension.bands)
    ]


def _says(dimension: Dimension, band: Any, place: int) -> Row:
    match dimension:
        case Thresholds():
            rank = dimension.order.index(place)
            low = None if rank == 0 else band.low
            limits = dimension.city_limits[rank - 1] if rank and dimension.city_limits else ()
            return {"low": low} | dict(zip(("least", "most"), limits, strict=False))
        case Quantiles():
            return {"share": round(band.share * 100, 9)}
        case Categories():
            return {"values": ", ".join(band.values), "other": band.other}
        case Boolean():
            return {"value": "true" if band.value else "false"}
    return {"rule": band.rule}


# --- from what was typed to what it says ---


def _dimension(kind: str, said: Mapping[str, Any], rows: list[Row]) -> Dimension:
    """Read by the one schema that files are read by, so that both accept the same."""
    body: dict[str, Any] = {
        "code": said["code"],
        "name": {"zh": said["name_zh"], "en": said["name_en"]},
        "kind": kind,
    }
    if kind != Rules.kind:
        null = {"zh": said["null_zh"], "en": said["null_en"]}
        body |= {
            "attribute": said["attribute"],
            "null_band": {"code": said["null_code"], "name": null},
        }
    own = [_band(kind, row) for row in rows]
    if kind == Thresholds.kind:
        own, limits = _cut(rows)
        body |= {"city_limits": limits} if limits else {}
    names = [
        {"code": row["code"], "name": {"zh": row["name_zh"], "en": row["name_en"]}} for row in rows
    ]
    body["bands"] = [name | band for name, band in zip(names, own, strict=True)]
    matrix = {
        "code": "one",
        "strategy": "one",
        "name": {"zh": "一", "en": "one"},
        "dimensions": [body],
    }
    return MatrixDefinition.from_json(matrix).dimensions[0]


def _band(kind: str, row: Row) -> Row:
    if kind == Quantiles.kind:
        return {"share": round((row.get("share") or 0) / 100, 11)}
    if kind == Categories.kind:
        listed = (v.strip() for v in (row.get("values") or "").translate(SEPARATORS).split(","))
        values = list(filter(None, listed))
        return ({"values": values} if values else {}) | ({"other": True} if row["other"] else {})
    if kind == Boolean.kind:
        return {"value": row.get("value") == "true"}
    return {"rule": row["rule"]} if row.get("rule") else {"else": True}


def _cut(rows: list[Row]) -> tuple[list[Row], list[list[float]]]:
    """Each band reaches to where the next one begins, so there is no gap and no overlap."""
    starts = [_plain(row.get("low")) for row in rows]
    open_ = [place for place, low in enumerate(starts) if low is None]
    if len(open_) != 1:
        raise DomainError(
            "open_bands",
            _("Exactly one band, the lowest, has no lower limit; %(n)d have none.")
            % {"n": len(open_)},
        )
    known = sorted(low for low in starts if low is not None)
    if len(set(known)) < len(known):
        raise DomainError(
            "bands_overlap",
            _("Two bands begin at the same value: a customer with it would be in both."),
        )
    bands = []
    for low in starts:
        above = [start for start in known if low is None or start > low]
        limits = {"from": low, "to": above[0] if above else None}
        bands.append({name: limit for name, limit in limits.items() if limit is not None})
    return bands, _limits(rows, starts)


def _limits(rows: list[Row], starts: list[float | None]) -> list[list[float]]:
    """The cities' limits of each cut, ascending; [] where none are given."""
    by_cut = sorted(
        (low, _plain(row.get("least")), _plain(row.get("most")))
        for low, row in zip(starts, rows, strict=True)
        if low is not None
    )
    given = [(least, most) for _low, least, most in by_cut if least is not None or most is not None]
    if not given:
        return []
    if any(None in pair for pair in given) or len(given) < len(by_cut):
        raise DomainError(
            "limits_count",
            _("Where cities may choose, every cut needs both of its limits."),
        )
    return [[least, most] for _low, least, most in by_cut]


def _plain(value: float | None) -> float | int | None:
    """Whole numbers as people write them."""
    return int(value) if value is not None and value == int(value) else value


def _with_city_cuts(made: Dimension, present: Dimension | None) -> Dimension:
    """The cities' own cuts stay where there are as many cuts as before and they are allowed."""
    if not (isinstance(made, Thresholds) and isinstance(present, Thresholds)):
        return made
    kept = {
        city: cuts
        for city, cuts in present.city_cuts.items()
        if len(cuts) == len(made.cuts)
        and all(
            least <= cut <= most for cut, (least, most) in zip(cuts, made.city_limits, strict=False)
        )
    }
    return replace(made, city_cuts=kept)


def _prove_alone(dimension: Dimension) -> None:
    alone = MatrixDefinition.from_json(
        {
            "code": "one",
            "strategy": "one",
            "name": {"zh": "一", "en": "one"},
            "dimensions": [dimension.to_json()],
        }
    )
    prove(alone, rule_catalogue(), cities())
