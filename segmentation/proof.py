"""The proof that a definition is a partition: whoever the customer, one cell is his (law 1).

It needs no customers. Each dimension is shown to put every value that its attribute can have, and
the unknown one, into exactly one band; a cell is one band of each dimension, so customers of the
scope are in exactly one. A definition that fails is refused with a value that shows why.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from decimal import Decimal
from difflib import get_close_matches
from functools import singledispatch
from itertools import pairwise
from math import isfinite
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.errors import DomainError, at, did_you_mean
from common.intervals import Interval, check_partition
from rules import Attribute, Catalogue, RuleError, compile_condition

from .definition import MatrixDefinition, Split
from .dimensions import (
    AttributeDimension,
    Boolean,
    Categories,
    Dimension,
    Quantiles,
    Rules,
    Thresholds,
)
from .tree import find_fault

# Published matrices reached 10,000 records (S1). Beyond a hundred thousand cells most would hold
# nobody, and no marketing matrix could speak of them.
MAX_CELLS = 100_000

TYPES = {
    "thresholds": ("integer", "number"),
    "quantiles": ("integer", "number"),
    "categories": ("category", "text"),
    "boolean": ("boolean",),
}


def prove(
    definition: MatrixDefinition, catalogue: Catalogue, cities: Collection[str]
) -> dict[str, Any]:
    """Return what was proved, as plain values; raise DomainError on the first fault.

    ``where`` of the error is the path of the fault in the definition's JSON. ``cities`` are the
    codes that thresholds may be overridden for.
    """
    _check_unique(definition.dimensions, _("dimension"), ["dimensions"])
    _check_grid(definition)
    _check_size(definition.grid_size, definition)
    if definition.scope:
        check_rule(definition.scope, catalogue, ["scope"])
    for rule in filter(None, (definition.group.rule, *definition.group.without)):
        check_rule(rule, catalogue, ["strategy"])
    for index, dimension in enumerate(definition.dimensions):
        with at("dimensions", index):
            _check_unique(dimension.all_bands, _("band"), ["bands"])
            if isinstance(dimension, AttributeDimension):
                _check_null_band(dimension)
                _check_attribute(dimension, catalogue)
            _check_partition(dimension, catalogue, cities)
    if definition.edits:
        _check_edited(definition)
    return {
        "cells": definition.size,
        "bands": {d.code: len(d.all_bands) for d in definition.dimensions},
        "partition": True,
    }


# --- what every dimension must be ---


def _check_unique(items: Iterable[Any], what: str, where: list[Any]) -> None:
    for code, times in Counter(item.code for item in items).items():
        if times > 1:
            raise DomainError(
                "duplicate_code",
                _("Each %(what)s must have a code of its own; '%(code)s' is given %(times)d times.")
                % {"what": what, "code": code, "times": times},
                where=where,
            )


def _check_grid(definition: MatrixDefinition) -> None:
    """The grid's dimensions are the matrix's, and every other one decides something."""
    known = [dimension.code for dimension in definition.dimensions]
    for place, code in enumerate(definition.grid):
        if code not in known:
            raise DomainError(
                "unknown_dimension",
                _("The matrix has no dimension '%(code)s'; there are %(known)s.")
                % {"code": code, "known": ", ".join(known)},
                where=["grid", place],
            )
    used = {d.code for d in definition.grid_dimensions}
    used |= {edit.by for edit in definition.edits if isinstance(edit, Split)}
    for place, code in enumerate(known):
        if code not in used:
            raise DomainError(
                "idle_dimension",
                _("Dimension '%s' must be one of the grid's, or a cell must be split by it.")
                % code,
                where=["dimensions", place],
            )


def _check_size(size: int, definition: MatrixDefinition) -> None:
    if size > MAX_CELLS:
        bands = " × ".join(str(len(d.all_bands)) for d in definition.grid_dimensions)
        raise DomainError(
            "too_many_cells",
            _(
                "A matrix may have at most %(limit)s cells; %(bands)s bands and the splits make "
                "%(size)s. Leave out a dimension, join bands, split fewer cells, or make a second "
                "matrix of some of the dimensions."
            )
            % {"limit": f"{MAX_CELLS:,}", "bands": bands, "size": f"{size:,}"},
            where=["dimensions"],
            cells=size,
            limit=MAX_CELLS,
        )


def _check_edited(definition: MatrixDefinition) -> None:
    """The cells, however they came about, are a partition: shown by their boxes alone."""
    _check_size(definition.size, definition)
    tree = definition.tree
    fault = find_fault(tree.leaves(), tree.sizes)
    if fault is not None:
        bands, times = fault
        raise DomainError(
            "bands_overlap" if times else "bands_gap",
            _("A customer with %(bands)s would be in %(times)d cells; he must be in one.")
            % {"bands": definition.spelled(bands), "times": times},
            where=["edits"],
            example=definition.bands(bands),
        )


def _check_null_band(dimension: AttributeDimension) -> None:
    if dimension.null_band is None:
        raise DomainError(
            "no_null_band",
            _(
                "Dimension '%(code)s' must have a null band: a customer whose %(attribute)s is "
                "unknown would be in no cell."
            )
            % {"code": dimension.code, "attribute": dimension.attribute},
            where=[],
            example={dimension.attribute: None},
        )


def _check_attribute(dimension: AttributeDimension, catalogue: Catalogue) -> None:
    attribute = catalogue.get(dimension.attribute)
    if attribute is None:
        hint = did_you_mean(get_close_matches(dimension.attribute, catalogue, n=1))
        raise DomainError(
            "unknown_attribute",
            _("There is no attribute '%s' that a matrix may use.") % dimension.attribute + hint,
            where=["attribute"],
        )
    if attribute.type not in TYPES[dimension.kind]:
        raise DomainError(
            "wrong_type",
            _(
                "Bands of kind %(kind)s need an attribute of type %(wanted)s; %(code)s is of "
                "type %(type)s."
            )
            % {
                "kind": dimension.kind,
                "wanted": " / ".join(TYPES[dimension.kind]),
                "code": attribute.code,
                "type": attribute.type,
            },
            where=["attribute"],
        )


def check_rule(text: str, catalogue: Catalogue, where: list[Any]) -> None:
    try:
        compile_condition(text, catalogue)
    except RuleError as error:
        language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
        message = error.render(language)
        raise DomainError(error.code, message, where=where, **error.extra()) from error


# --- what its kind must be: every value in exactly one band ---


@singledispatch
def _check_partition(dimension: Dimension, catalogue: Catalogue, cities: Collection[str]) -> None:
    raise NotImplementedError(dimension.kind)


@_check_partition.register
def _thresholds(dimension: Thresholds, catalogue: Catalogue, cities: Collection[str]) -> None:
    places = {band.code: index for index, band in enumerate(dimension.bands)}
    intervals = [Interval(band.code, band.low, band.high) for band in dimension.bands]
    try:
        check_partition(dimension.attribute, intervals)
    except DomainError as error:
        band = error.extra.get("band", error.extra.get("left"))
        error.extra["where"] = ["bands", places[band]] if band else ["bands"]
        if "value" in error.extra:
            error.extra["example"] = {dimension.attribute: error.extra["value"]}
        raise
    with at("city_limits"):
        _check_limits(dimension)
    for city, cuts in dimension.city_cuts.items():
        with at("city_cuts", city):
            _check_city(city, cities)
            _check_cuts(cuts, len(dimension.bands) - 1)
            check_within(dimension, cuts)


def _check_city(city: str, cities: Collection[str]) -> None:
    if city not in cities:
        hint = did_you_mean(get_close_matches(city, cities, n=1))
        message = _("There is no city '%s' in the organisation.") % city + hint
        raise DomainError("unknown_city", message, where=[])


def _check_cuts(cuts: Collection[float], wanted: int) -> None:
    if len(cuts) != wanted:
        raise DomainError(
            "cuts_count",
            _("A city's cuts part all the bands: %(wanted)d cuts are needed, got %(came)d.")
            % {"wanted": wanted, "came": len(cuts)},
            where=[],
        )
    if not all(isfinite(cut) for cut in cuts) or any(a >= b for a, b in pairwise(cuts)):
        raise DomainError(
            "cuts_order",
            _("A city's cuts must be finite and ascend; got %s. Equal cuts leave a band empty.")
            % ", ".join(map(str, cuts)),
            where=[],
        )


def _check_limits(dimension: Thresholds) -> None:
    """One pair per cut, around the province's own, so that a city may always keep that."""
    limits = dimension.city_limits
    if limits and len(limits) != len(dimension.cuts):
        raise DomainError(
            "limits_count",
            _("Each cut needs its limits for cities: %(wanted)d pairs are needed, got %(came)d.")
            % {"wanted": len(dimension.cuts), "came": len(limits)},
            where=[],
        )
    for place, ((least, most), cut) in enumerate(zip(limits, dimension.cuts, strict=False)):
        if not least <= cut <= most:
            raise DomainError(
                "limits_order",
                _("The limits of a cut must hold the province's own %(cut)s; got %(low)s–%(high)s.")
                % {"cut": cut, "low": least, "high": most},
                where=[place],
            )


def check_within(dimension: Thresholds, cuts: Collection[float]) -> None:
    """Refuse a city's cut that the province does not allow; () limits allow any."""
    for place, (cut, (least, most)) in enumerate(zip(cuts, dimension.city_limits, strict=False)):
        if not least <= cut <= most:
            raise DomainError(
                "cut_outside_limits",
                _(
                    "The province allows cities a cut from %(low)s to %(high)s between "
                    "'%(left)s' and '%(right)s'; got %(cut)s."
                )
                % {
                    "low": least,
                    "high": most,
                    "left": dimension.bands[dimension.order[place]].code,
                    "right": dimension.bands[dimension.order[place + 1]].code,
                    "cut": cut,
                },
                where=[place],
            )


@_check_partition.register
def _quantiles(dimension: Quantiles, catalogue: Catalogue, cities: Collection[str]) -> None:
    total = sum(Decimal(str(band.share)) for band in dimension.bands)
    if total != 1:
        raise DomainError(
            "shares_sum",
            _("The shares of '%(code)s' must sum to exactly 1; they sum to %(total)s.")
            % {"code": dimension.code, "total": total.normalize()},
            where=["bands"],
        )


@_check_partition.register
def _categories(dimension: Categories, catalogue: Catalogue, cities: Collection[str]) -> None:
    attribute = catalogue[dimension.attribute]
    owners: dict[str, str] = {}
    for index, band in enumerate(dimension.bands):
        with at("bands", index):
            if not band.values and not band.other:
                raise _empty(band.code, _("list its values, or let it be the 'other' band"))
            for value in band.values:
                _check_value(value, band.code, attribute, owners)
                owners[value] = band.code
    _check_exhaustive(dimension, attribute, owners)


def _check_value(value: str, band: str, attribute: Attribute, owners: dict[str, str]) -> None:
    known = [code for code, _zh, _en in attribute.values]
    if attribute.type == "category" and value not in known:
        hint = did_you_mean(get_close_matches(value, known, n=1))
        message = _("'%(value)s' is no value of %(attribute)s.") % {
            "value": value,
            "attribute": attribute.code,
        }
        raise DomainError("unknown_category", message + hint, where=["values"])
    if owners.get(value) == band:
        raise DomainError(
            "duplicate_value",
            _("Band '%(band)s' names the value '%(value)s' twice; name it once.")
            % {"band": band, "value": value},
            where=["values"],
        )
    if value in owners:
        raise DomainError(
            "bands_overlap",
            _("%(attribute)s = '%(value)s' is in both '%(first)s' and '%(second)s'.")
            % {
                "attribute": attribute.code,
                "value": value,
                "first": owners[value],
                "second": band,
            },
            where=["values"],
            example={attribute.code: value},
        )


def _check_exhaustive(dimension: Categories, attribute: Attribute, owners: dict[str, str]) -> None:
    others = [band.code for band in dimension.bands if band.other]
    if len(others) > 1:
        raise DomainError(
            "bands_overlap",
            _("'%(code)s' may have one 'other' band; it has %(others)s.")
            % {"code": dimension.code, "others": ", ".join(others)},
            where=["bands"],
        )
    if others:
        return
    uncovered = next((code for code, _zh, _en in attribute.values if code not in owners), None)
    if attribute.type == "text":
        uncovered = _unnamed_text(owners)
    if uncovered is None:
        return
    raise DomainError(
        "bands_gap",
        _(
            "%(attribute)s = '%(value)s' is in none of the bands of '%(code)s'. List every value, "
            "or make one band the 'other' band."
        )
        % {
            "attribute": attribute.code,
            "value": uncovered,
            "code": dimension.code,
        },
        where=["bands"],
        example={attribute.code: uncovered},
    )


def _unnamed_text(owners: Collection[str]) -> str:
    """A text that no band names: longer than any that one does."""
    return max(owners, key=len, default="") + "…"


@_check_partition.register
def _boolean(dimension: Boolean, catalogue: Catalogue, cities: Collection[str]) -> None:
    for value in (True, False):
        bands = [band.code for band in dimension.bands if band.value is value]
        if len(bands) != 1:
            raise DomainError(
                "bands_overlap" if bands else "bands_gap",
                _("%(attribute)s = %(value)s must be in exactly one band, and is in %(bands)s.")
                % {
                    "attribute": dimension.attribute,
                    "value": str(value).lower(),
                    "bands": ", ".join(bands) or _("none"),
                },
                where=["bands"],
                example={dimension.attribute: value},
            )


@_check_partition.register
def _rules(dimension: Rules, catalogue: Catalogue, cities: Collection[str]) -> None:
    for index, band in enumerate(dimension.bands):
        last = index == len(dimension.bands) - 1
        with at("bands", index):
            if bool(band.rule) == band.rest:
                raise _empty(band.code, _("give it either a rule or 'else: true'"))
            if band.rest and not last:
                raise _empty(dimension.bands[index + 1].code, _("the 'else' band must be the last"))
            if last and not band.rest:
                raise DomainError(
                    "bands_gap",
                    _(
                        "A customer for whom no rule of '%s' is true is in no band: the last band "
                        "must be 'else: true'."
                    )
                    % dimension.code,
                    where=[],
                )
            if band.rule:
                check_rule(band.rule, catalogue, ["rule"])


def _empty(band: str, advice: str) -> DomainError:
    return DomainError(
        "empty_band",
        _("Band '%(band)s' can hold no customer: %(advice)s.") % {"band": band, "advice": advice},
        where=[],
    )
