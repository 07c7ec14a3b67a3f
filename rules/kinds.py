"""The four kinds of value an expression can have, and the two languages it is explained in."""

from enum import StrEnum
from typing import Literal

Language = Literal["zh-hans", "en"]


class Kind(StrEnum):
    """What an expression yields. Integers and numbers are one kind, categories and texts too."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"


KIND_OF_TYPE = {
    "integer": Kind.NUMBER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "category": Kind.TEXT,
    "text": Kind.TEXT,
    "date": Kind.DATE,
}
