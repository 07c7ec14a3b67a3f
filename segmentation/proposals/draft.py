"""Cuts as a draft that a person can read and edit: bands with names, one for the unknown."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from customers.models import Attribute

from ..definition import MatrixDefinition
from .cutting import Cut

if TYPE_CHECKING:
    from .propose import Wish

Json = dict[str, Any]
UNKNOWN = {"zh": "未知", "en": "unknown"}
LONGEST_NAME = 60


def draft_of(
    wish: "Wish", cuts: Sequence[Cut], attributes: Mapping[str, Attribute]
) -> MatrixDefinition:
    """Return the definition: a grid of the cuts, in the order given."""
    return MatrixDefinition.from_json(
        {
            "code": wish.code,
            "strategy": wish.strategy,
            "name": {"zh": wish.name_zh, "en": wish.name_en},
            "dimensions": [_dimension(cut, attributes[cut.attribute]) for cut in cuts],
        }
    )


def _dimension(cut: Cut, attribute: Attribute) -> Json:
    bands = {"thresholds": _thresholds, "categories": _categories, "boolean": _truths}
    return {
        "code": attribute.code[:40],
        "name": {"zh": attribute.name_zh, "en": attribute.name_en},
        "kind": cut.kind,
        "attribute": attribute.code,
        "bands": bands[cut.kind](cut, attribute),
        "null_band": {"code": "unknown", "name": UNKNOWN},
    }


def _thresholds(cut: Cut, attribute: Attribute) -> list[Json]:
    zh, en = attribute.unit_zh, f" {attribute.unit_en}" if attribute.unit_en else ""
    limits = [None, *cut.cuts, None]
    bands = []
    for place, (low, high) in enumerate(pairwise(limits), 1):
        said: Json = {"code": f"b{place}"}
        if low is None:
            said["name"] = {"zh": f"低于 {_plain(high)}{zh}", "en": f"below {_plain(high)}{en}"}
        elif high is None:
            said["name"] = {"zh": f"{_plain(low)}{zh}及以上", "en": f"{_plain(low)}{en} or more"}
        else:
            between = f"{_plain(low)} – {_plain(high)}"
            said["name"] = {"zh": f"{between}{zh}", "en": f"{between}{en}"}
        said |= {"from": _number(low)} if low is not None else {}
        said |= {"to": _number(high)} if high is not None else {}
        bands.append(said)
    return bands


def _categories(cut: Cut, attribute: Attribute) -> list[Json]:
    """The last of the bands takes values that the catalogue has not yet, too."""
    bands = []
    for place, group in enumerate(cut.groups, 1):
        values = [attribute.values[at] for at in group]
        names = {
            "zh": _joined([value["zh"] for value in values], "、"),
            "en": _joined([value["en"] for value in values], ", "),
        }
        band: Json = {"code": f"b{place}", "name": names}
        band["values"] = [value["code"] for value in values]
        bands.append(band)
    bands[-1]["other"] = True
    return bands


def _joined(names: Sequence[str], between: str) -> str:
    text = between.join(names)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _truths(cut: Cut, attribute: Attribute) -> list[Json]:
    return [
        {"code": "no", "name": {"zh": "否", "en": "no"}, "value": False},
        {"code": "yes", "name": {"zh": "是", "en": "yes"}, "value": True},
    ]


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _plain(value: float | None) -> str:
    return "" if value is None else f"{_number(value):,}"
