"""What the kinds share that read what customers bought, not what the snapshot says of them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from common.errors import DomainError
from customers.purchases import Bought, days_of

from ..learning.features import Feature, matrix
from ..learning.refusal import NotEstimable
from ..rows import Rows
from .base import Definition, Kind, Matrix

# A record ends somewhere: who bought longer ago is like one who has never bought.
RECORD_DAYS = 365
DAYS = {"type": "integer", "minimum": 1, "maximum": 1500}


class PurchasedKind(Kind):
    """``record_days``: how old an order may be to count at all.

    The scores are columns of purchases told in other words, so there are no reasons to write.
    """

    properties: ClassVar[dict[str, Any]] = {"record_days": DAYS}

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        if "reasons" in item:
            raise DomainError(
                "no_reasons",
                _(
                    "These scores are what the customer bought in other words: they have no "
                    "reasons to write."
                ),
                where=[*where, "reasons"],
            )

    @abstractmethod
    def bought(self, definition: Definition) -> Sequence[Bought]:
        """The features, in the order of the estimator's."""

    def told(self, definition: Definition) -> Sequence[Bought]:
        """What the report needs beside them."""
        return []

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return [column.code for column in self.bought(definition)]

    def beside(self, definition: Definition) -> list[str]:
        return [column.code for column in self.told(definition)]

    def tables(self, definition: Definition) -> list[str]:
        return ["orders"]

    def days_of_events(self, definition: Definition) -> int:
        return days_of([*self.features(definition, []), *self.beside(definition)])

    def settled(self, definition: Definition, fitted: Any) -> Definition:
        """Nothing is read of the snapshot: there is nothing that it could lack."""
        return super().settled(definition, fitted) | {"scores": self.features(definition, [])}


def record_of(definition: Definition) -> int:
    days: int = definition.get("record_days", RECORD_DAYS)
    return days


def refuse_short_record(item: Definition, least: int, where: list[Any]) -> None:
    """The record must be as long as what is told from it."""
    if record_of(item) < least:
        raise DomainError(
            "record_shorter_than_window",
            _(
                "Its windows reach %(least)d days back, and orders are on record for "
                "%(days)d days only: raise record_days or shorten the window."
            )
            % {"least": least, "days": record_of(item)},
            where=[*where, "record_days"] if "record_days" in item else where,
        )


def columns_of(rows: Rows, columns: Sequence[Bought]) -> Matrix:
    """Return rows × these columns of purchases."""
    return matrix(rows.table, [Feature(column.code) for column in columns])


def refuse_nobody(rows: Rows, definition: Definition) -> None:
    """Raise NotEstimable where there are customers, and none of them has bought."""
    record = record_of(definition)
    [last] = columns_of(rows, [Bought("last", record)]).T
    if np.isnan(last).all():
        raise NotEstimable("nobody_bought", days=record)


def history_of(first: NDArray[np.float64]) -> int:
    """For how many days orders are on record: as long as anybody's first purchase is ago."""
    return int(np.nanmax(first, initial=0.0))
