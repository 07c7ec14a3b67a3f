"""Product association 产品关联度 (S2): what is held together, and who has A and lacks B.

It scores nobody: what it finds is a table that people and rules read.
"""

from collections import Counter
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Attribute, Type

from ..learning.association import SIDES, Pair, associate
from ..learning.features import Feature
from ..learning.items import Item, bands_of, codes_of, flags, has_and_lacks_rule
from ..learning.pair_counter import PairCounter
from ..reporting import plain
from ..rows import Rows
from .base import ATTRIBUTE, LIMIT, Definition, Kind, Matrix, Output, Progress

BANDED = {
    "type": "object",
    "properties": {
        "attribute": ATTRIBUTE,
        "bands": {"type": "array", "minItems": 1, "uniqueItems": True, "items": LIMIT},
    },
    "required": ["attribute", "bands"],
    "additionalProperties": False,
}
SIDE = {"type": "array", "minItems": 1, "items": {"anyOf": [ATTRIBUTE, BANDED]}}
SIDE_CODES = list(dict.fromkeys(side for pair in SIDES for side in pair))
BANDED_TYPES = (Type.NUMBER, Type.INTEGER)


class AssociationKind(Kind):
    """Publishes no attribute.

    sides    which attributes stand on which side: a boolean is one item, a category one per code, a
             number one per band between its cuts
    strata   a category within whose codes the lifts are told a second time
    """

    code: ClassVar[str] = "association"
    name: ClassVar[str | Promise] = gettext_lazy("product association")
    properties: ClassVar[dict[str, Any]] = {
        "sides": {
            "type": "object",
            "minProperties": 1,
            "properties": dict.fromkeys(SIDE_CODES, SIDE),
            "additionalProperties": False,
        },
        "strata": ATTRIBUTE,
    }
    required: ClassVar[tuple[str, ...]] = ("sides",)

    def check(self, item: Definition, where: list[Any]) -> None:
        if "reasons" in item:
            raise DomainError(
                "no_reasons",
                _("An association scores nobody, so it has no reasons to write."),
                where=[*where, "reasons"],
            )
        if not _pairs_of_sides(item):
            raise DomainError(
                "no_pair_of_sides",
                _("These sides meet no other: give those of one of %(pairs)s.")
                % {"pairs": ", ".join(" × ".join(pair) for pair in SIDES)},
                where=[*where, "sides"],
            )
        types = dict(Attribute.objects.values_list("code", "type"))
        seen: set[str] = set()
        for side, place, code, bands in _entries(item):
            at = [*where, "sides", side, place]
            if code in seen:
                raise DomainError(
                    "attribute_twice",
                    _("%s stands twice; an attribute stands on one side, once.") % code,
                    where=at,
                )
            seen.add(code)
            _check_bands(code, bands, types.get(code), at)
        _check_strata(item, types, where)

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        return []

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        named: list[tuple[str, list[Any]]] = [
            (code, ["sides", side, i]) for side, i, code, _bands in _entries(definition)
        ]
        if "strata" in definition:
            named.append((definition["strata"], ["strata"]))
        return named

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return list(dict.fromkeys(code for code, _place in self.named(definition)))

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> PairCounter:
        strata = definition.get("strata")
        counter = PairCounter(
            features,
            items=items_of(definition),
            stratum=strata,
            strata=definition["categories"][strata] if strata else (),
        )
        return counter.fit(rows.table, progress)

    def measure(
        self, definition: Definition, fitted: PairCounter, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """All pairs of all rows: nothing is predicted, so none need be held back."""
        found = associate(fitted.counted(rows.table, progress), _pairs_of_sides(definition))
        items = {item.code: item for item in fitted.items}
        told = [pair for pair in found.pairs if pair.not_estimable is None]
        untold = Counter(p.not_estimable for p in found.pairs if p.not_estimable is not None)
        return {
            "metrics": {
                "rows": found.rows,
                "tested": found.tested,
                "together": sum(pair.found == "together" for pair in told),
                "apart": sum(pair.found == "apart" for pair in told),
                "top_lift": told[0].lift if told else None,
            },
            "strata": definition.get("strata"),
            "items": {item.code: plain(item) | {"rule": item.rule} for item in fitted.items},
            "pairs": [_told(pair, items) for pair in told],
            "not_estimable": dict(untold),
        }

    def columns(
        self, definition: Definition, fitted: PairCounter, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        return {}

    def watched(self, fitted: PairCounter, x: Matrix) -> NDArray[np.float64]:
        """There is no score to watch."""
        return np.full(len(x), np.nan)


def items_of(definition: Definition) -> list[Item]:
    """The items of all sides. Categories are known by their codes, as pinned for the training."""
    items: list[Item] = []
    for side, _place, code, bands in _entries(definition):
        if bands is not None:
            items += bands_of(side, code, sorted(bands))
        elif code in definition["categories"]:
            items += codes_of(side, code, definition["categories"][code])
        else:
            items += flags(side, [code])
    return items


def _entries(definition: Definition) -> list[tuple[str, int, str, list[float] | None]]:
    """Side, place on it, attribute, and the cuts of a number."""
    return [
        (side, place, one, None)
        if isinstance(one, str)
        else (side, place, one["attribute"], one["bands"])
        for side, entries in definition["sides"].items()
        for place, one in enumerate(entries)
    ]


def _pairs_of_sides(definition: Definition) -> list[tuple[str, str]]:
    """Those of the usual pairs of sides of which both are given."""
    return [pair for pair in SIDES if {*pair} <= {*definition["sides"]}]


def _told(pair: Pair, items: dict[str, Item]) -> dict[str, Any]:
    first, then = items[pair.first], items[pair.then]
    return plain(pair) | {  # type: ignore[no-any-return]
        "rule": has_and_lacks_rule(first, then),
        "lacking": pair.first_n - pair.both_n,
    }


def _check_bands(code: str, bands: list[float] | None, kind: str | None, where: list[Any]) -> None:
    if bands is None and kind in BANDED_TYPES:
        raise DomainError(
            "bands_missing",
            _("%s is a number: give it bands, as {attribute, bands: [cut, …]}.") % code,
            where=where,
        )
    if bands is not None and kind is not None and kind not in BANDED_TYPES:
        raise DomainError(
            "bands_not_wanted",
            _("%(code)s is of type '%(type)s', and only numbers have bands.")
            % {"code": code, "type": kind},
            where=[*where, "bands"],
        )
    if kind == Type.DATE:
        raise DomainError(
            "wrong_type",
            _("An item is a boolean, a category or a number in bands; %s is a date.") % code,
            where=where,
        )


def _check_strata(item: Definition, types: dict[str, str], where: list[Any]) -> None:
    strata = item.get("strata")
    if strata in types and types[strata] != Type.CATEGORY:
        raise DomainError(
            "wrong_type",
            _("Lifts are told within the codes of a category; %(code)s is of type '%(type)s'.")
            % {"code": strata, "type": types[strata]},
            where=[*where, "strata"],
        )
