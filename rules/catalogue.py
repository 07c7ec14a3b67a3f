"""What a rule may speak about: the customer attributes, with their types, names and units."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

AttributeType = Literal["integer", "number", "boolean", "category", "text", "date"]

ATTRIBUTE_TYPES: tuple[str, ...] = get_args(AttributeType)

# Words of the language itself: an attribute of that name could never be written in a rule.
KEYWORDS = frozenset(
    {"and", "or", "not", "in", "between", "like", "is", "null", "true", "false", "date"}
)
FUNCTIONS = ("coalesce", "days_since")
RESERVED_WORDS = KEYWORDS.union(FUNCTIONS)

_CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Attribute:
    """One attribute of a customer.

    code      the name in rules and the column in tables: lower case, digits, underscores
    type      one of ATTRIBUTE_TYPES; an integer is exact up to 2**53
    values    categories only: (code, Chinese label, English label) of every value there is
    unit_*    what a number counts, as it follows the figure: 元, yuan, %
    nullable  whether a customer may lack it; rules work the same either way

    Raises ValueError when the definition itself is wrong.
    """

    code: str
    type: AttributeType
    name_zh: str
    name_en: str
    values: tuple[tuple[str, str, str], ...] = ()
    unit_zh: str = ""
    unit_en: str = ""
    nullable: bool = True

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(
                f"attribute code {self.code!r}: must be a lower-case letter followed by "
                "at most 62 lower-case letters, digits or underscores"
            )
        if self.code in RESERVED_WORDS:
            raise ValueError(f"attribute code {self.code!r} is a word of the rule language")
        if self.type not in ATTRIBUTE_TYPES:
            raise ValueError(
                f"attribute {self.code}: type {self.type!r} is none of {ATTRIBUTE_TYPES}"
            )
        if (self.type == "category") != bool(self.values):
            raise ValueError(f"attribute {self.code}: a category, and only a category, has values")
        codes = [value[0] for value in self.values]
        if len(set(codes)) != len(codes):
            raise ValueError(f"attribute {self.code}: a value is listed twice in {codes}")


class Catalogue(Mapping[str, Attribute]):
    """The attributes by code, in the order given. Raises ValueError on a code given twice."""

    def __init__(self, attributes: Iterable[Attribute]) -> None:
        self._by_code: dict[str, Attribute] = {}
        for attribute in attributes:
            if attribute.code in self._by_code:
                raise ValueError(f"attribute {attribute.code!r} is defined twice")
            self._by_code[attribute.code] = attribute

    def __getitem__(self, code: str) -> Attribute:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)
