"""What a customer has, is or does, as a yes or no: the items between which associations are sought.

An item belongs to a side (bearer, service, person, data, voice), and is a condition on one
attribute, which it can say in the rule language too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isinf

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Item:
    """Neither codes nor limits: the attribute is a boolean, and the item is that it is true.

    code        names the item; unique among those counted together
    codes       the category's codes that count as having it
    low, high   low <= value < high; infinite: open
    """

    code: str
    side: str
    attribute: str
    codes: tuple[str, ...] = ()
    low: float = -inf
    high: float = inf

    def __post_init__(self) -> None:
        if self.codes and self.is_range:
            raise ValueError(f"{self.code}: an item has either codes or limits, this has both")
        if not self.low < self.high:
            raise ValueError(f"{self.code}: {self.low} to {self.high} holds no value")

    @property
    def is_range(self) -> bool:
        return not (isinf(self.low) and isinf(self.high))

    def held(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Return for each row whether he has it; null where the attribute is null (or NaN)."""
        column = batch.column(self.attribute)
        if self.codes:
            found = pc.is_in(column, pa.array(self.codes, pa.string()))
            return pc.if_else(pc.is_valid(column), found, pa.scalar(None, pa.bool_()))
        if not self.is_range:
            return column
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        column = column.cast(pa.float64())
        return pc.and_(pc.greater_equal(column, self.low), pc.less(column, self.high))

    @property
    def rule(self) -> str:
        """Who has it, in the rule language."""
        if self.codes:
            if len(self.codes) == 1:
                return f"{self.attribute} = {_text(self.codes[0])}"
            return f"{self.attribute} in ({', '.join(map(_text, self.codes))})"
        if not self.is_range:
            return f"{self.attribute} = true"
        limits = [f"{self.attribute} >= {_number(self.low)}"] if self.low > -inf else []
        limits += [f"{self.attribute} < {_number(self.high)}"] if self.high < inf else []
        return " and ".join(limits)

    @property
    def lacking_rule(self) -> str:
        """Who lacks it, in the rule language: not those of whom it is unknown."""
        if self.codes or self.is_range:
            return f"not ({self.rule})"
        return f"{self.attribute} = false"


def flags(side: str, attributes: Sequence[str]) -> list[Item]:
    """One item per boolean attribute, named like it."""
    return [Item(attribute, side, attribute) for attribute in attributes]


def codes_of(side: str, attribute: str, codes: Sequence[str]) -> list[Item]:
    """One item per code of a category: ``brand=gotone``."""
    return [Item(f"{attribute}={code}", side, attribute, (code,)) for code in codes]


def bands_of(side: str, attribute: str, cuts: Sequence[float]) -> list[Item]:
    """The bands between the cuts, open at both ends: ``age<25``, ``age=25-40``, ``age>=40``."""
    return [
        Item(_band_code(attribute, low, high), side, attribute, low=low, high=high)
        for low, high in pairwise([-inf, *cuts, inf])
    ]


def has_and_lacks_rule(has: Item, lacks: Item) -> str:
    """Who has the one and lacks the other, in the rule language."""
    return f"{has.rule} and {lacks.lacking_rule}"


def _band_code(attribute: str, low: float, high: float) -> str:
    if isinf(low):
        return f"{attribute}<{_number(high)}"
    if isinf(high):
        return f"{attribute}>={_number(low)}"
    return f"{attribute}={_number(low)}-{_number(high)}"


def _text(code: str) -> str:
    return "'" + code.replace("'", "''") + "'"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
