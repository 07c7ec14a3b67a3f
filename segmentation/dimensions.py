"""Dimensions: each cuts the customers into bands, by one attribute or by rules.

Frozen values, equal when they say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from common.errors import DomainError

Json = dict[str, Any]

EXACT = 2**53  # up to here every whole number is a double


@dataclass(frozen=True)
class Name:
    """What people call it, in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en

    def to_json(self) -> Json:
        return {"zh": self.zh, "en": self.en}


# --- bands ---


@dataclass(frozen=True)
class Band:
    """A piece of a dimension. By itself it is a null band: the customers whose value is unknown.

    A number is unknown when it is null, NaN or infinite, as in the rule language.
    """

    code: str
    name: Name

    def to_json(self) -> Json:
        return {"code": self.code, "name": self.name.to_json()} | self._says()

    def _says(self) -> Json:
        return {}


@dataclass(frozen=True)
class ThresholdBand(Band):
    """``low`` ≤ value < ``high``; infinite where a side is open."""

    low: float = -inf
    high: float = inf

    def _says(self) -> Json:
        limits = {"from": self.low, "to": self.high}
        return {name: limit for name, limit in limits.items() if abs(limit) != inf}


@dataclass(frozen=True)
class QuantileBand(Band):
    """The next ``share`` of the customers, counted from the greatest value down."""

    share: float

    def _says(self) -> Json:
        return {"share": self.share}


@dataclass(frozen=True)
class CategoryBand(Band):
    """The customers with one of these values, and with ``other`` all whom no band names."""

    values: tuple[str, ...] = ()
    other: bool = False

    def _says(self) -> Json:
        said: Json = {"values": list(self.values)} if self.values else {}
        return said | ({"other": True} if self.other else {})


@dataclass(frozen=True)
class BooleanBand(Band):
    value: bool

    def _says(self) -> Json:
        return {"value": self.value}


@dataclass(frozen=True)
class RuleBand(Band):
    """The customers for whom the rule is true and no earlier band's is; ``rest``: all others."""

    rule: str = ""
    rest: bool = False

    def _says(self) -> Json:
        said: Json = {"rule": self.rule} if self.rule else {}
        return said | ({"else": True} if self.rest else {})


# --- dimensions ---


@dataclass(frozen=True)
class Dimension:
    """A filter condition of the matrix; ``bands`` in the order in which people see them."""

    kind: ClassVar[str]

    code: str
    name: Name
    bands: tuple[Any, ...]

    @property
    def all_bands(self) -> tuple[Band, ...]:
        """The bands by index, the null band last. A customer's place in the dimension is one."""
        return self.bands

    def to_json(self) -> Json:
        return {
            "code": self.code,
            "name": self.name.to_json(),
            "kind": self.kind,
            "bands": [band.to_json() for band in self.bands],
        }


@dataclass(frozen=True)
class AttributeDimension(Dimension):
    """Cut by the values of one attribute; without a null band it is a draft, never published."""

    attribute: str
    null_band: Band | None = None

    @property
    def all_bands(self) -> tuple[Band, ...]:
        return (*self.bands, self.null_band) if self.null_band else self.bands

    def to_json(self) -> Json:
        null_band = {"null_band": self.null_band.to_json()} if self.null_band else {}
        return super().to_json() | {"attribute": self.attribute} | null_band


@dataclass(frozen=True)
class Thresholds(AttributeDimension):
    """Bands by limits of a number. ``city_cuts`` replace the province's cuts in a city (S3).

    Cuts ascend: cut i parts bands ``order[i]`` and ``order[i + 1]``, a value equal to it is above.
    ``city_limits``: per cut the least and the greatest that a city may choose for itself; () where
    only the province sets cities' cuts.
    """

    kind = "thresholds"
    bands: tuple[ThresholdBand, ...]
    city_cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    city_limits: tuple[tuple[float, float], ...] = ()

    @property
    def order(self) -> tuple[int, ...]:
        """Indices of the bands, lowest first."""
        return tuple(sorted(range(len(self.bands)), key=lambda index: self.bands[index].low))

    @property
    def cuts(self) -> tuple[float, ...]:
        """The province's cuts."""
        return tuple(self.bands[index].low for index in self.order[1:])

    def to_json(self) -> Json:
        cuts = {city: list(cuts) for city, cuts in self.city_cuts.items()}
        limits = [list(pair) for pair in self.city_limits]
        own = {"city_cuts": cuts, "city_limits": limits}
        return super().to_json() | {name: said for name, said in own.items() if said}


@dataclass(frozen=True)
class Quantiles(AttributeDimension):
    """Bands by rank in the whole snapshot, the greatest values first.

    A band reaches down to the value at its rank and takes every customer who has that value, so
    that equals are never parted: a tie goes to the higher band.
    """

    kind = "quantiles"
    bands: tuple[QuantileBand, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """Indices of the bands, lowest first."""
        return tuple(reversed(range(len(self.bands))))


@dataclass(frozen=True)
class Categories(AttributeDimension):
    kind = "categories"
    bands: tuple[CategoryBand, ...]


@dataclass(frozen=True)
class Boolean(AttributeDimension):
    kind = "boolean"
    bands: tuple[BooleanBand, ...]


@dataclass(frozen=True)
class Rules(Dimension):
    """The first band whose rule is true; a rule that is null of a customer is not true of him."""

    kind = "rules"
    bands: tuple[RuleBand, ...]


# --- reading ---


def dimension_from(body: Json) -> Dimension:
    bands = tuple(_band(body["kind"], band) for band in body["bands"])
    said: Json = {"code": body["code"], "name": Name(**body["name"]), "bands": bands}
    if body["kind"] == Rules.kind:
        return Rules(**said)
    null_band = body.get("null_band")
    said |= {
        "attribute": body["attribute"],
        "null_band": Band(null_band["code"], Name(**null_band["name"])) if null_band else None,
    }
    if body["kind"] == Thresholds.kind:
        own = body.get("city_cuts", {}).items()
        cuts = {city: tuple(_limit(cut) for cut in cuts) for city, cuts in own}
        limits = tuple((_limit(low), _limit(high)) for low, high in body.get("city_limits", ()))
        return Thresholds(**said, city_cuts=cuts, city_limits=limits)
    return {kind.kind: kind for kind in (Quantiles, Categories, Boolean)}[body["kind"]](**said)


def _band(kind: str, body: Json) -> Band:
    code, name = body["code"], Name(**body["name"])
    match kind:
        case Thresholds.kind:
            low, high = _limit(body.get("from", -inf)), _limit(body.get("to", inf))
            return ThresholdBand(code, name, low, high)
        case Quantiles.kind:
            return QuantileBand(code, name, body["share"])
        case Categories.kind:
            return CategoryBand(code, name, tuple(body.get("values", ())), "other" in body)
        case Boolean.kind:
            return BooleanBand(code, name, body["value"])
        case Rules.kind:
            return RuleBand(code, name, body.get("rule", ""), "else" in body)
    raise AssertionError(f"a kind that the schema does not know: {kind}")


def _limit(value: float) -> float:
    """The limit as it is compared, a double; smaller whole numbers stay as people wrote them.

    JSON knows longer numbers, and a database gives 1e308 back as a whole one of 309 digits.
    """
    try:
        double = float(value)
    except OverflowError as error:
        raise DomainError(
            "bad_matrix",
            _("A limit or cut must be a number below 1.8e308 in size; a longer one came."),
        ) from error
    return value if abs(double) < EXACT else double
