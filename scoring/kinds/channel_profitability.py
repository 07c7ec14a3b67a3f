"""Channel profitability 渠道效益 (S3): what came back per channel and segment for what was spent.

It scores nobody: what it finds is a table that people read.
"""

from typing import Any, ClassVar, get_args

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.meetings import Channel
from customers.models import Attribute, Type
from customers.purchases import ORDERS

from ..learning.channel_counts import ChannelReturn, Count
from ..learning.channels import Profitability, Rule
from ..learning.features import Feature
from ..reporting import plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress

CONTACTS = "contacts"
PERIOD_DAYS = 90
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
PRICE = {"type": "number", "minimum": 0, "maximum": 1_000_000}
DAYS = {"type": "integer", "minimum": 1, "maximum": 1500}
TARIFF = {
    "type": "object",
    "minProperties": 1,
    "properties": {"per_contact": PRICE, "per_order": PRICE, "revenue_share": SHARE},
    "additionalProperties": False,
}


class ChannelProfitabilityKind(Kind):
    """Publishes no attribute.

    segment       a category by whose codes the channels are told apart; none: not at all
    rule          which contact an order is credited to, of those ``window_days`` before it or less
    period_days   contacts and orders of so many days count, the day of the training being the last
    margin_share  of the revenue, what is left before contacts and commission are paid
    tariffs       channel → yuan per contact, yuan per order, share of the revenue; what is not
                  named of a tariff is free, a channel that occurs without one is refused
    """

    code: ClassVar[str] = "channel_profitability"
    name: ClassVar[str | Promise] = gettext_lazy("channel profitability")
    rows_of: ClassVar[str] = "channels"
    properties: ClassVar[dict[str, Any]] = {
        "segment": ATTRIBUTE,
        "rule": {"enum": [*get_args(Rule)]},
        "window_days": DAYS | {"minimum": 0},
        "period_days": DAYS,
        "margin_share": SHARE,
        "tariffs": {
            "type": "object",
            "minProperties": 1,
            "properties": dict.fromkeys(Channel.values, TARIFF),
            "additionalProperties": False,
        },
    }
    required: ClassVar[tuple[str, ...]] = ("rule", "window_days", "margin_share", "tariffs")

    def check(self, item: Definition, where: list[Any]) -> None:
        if "reasons" in item:
            raise DomainError(
                "no_reasons",
                _("Channel profitability scores nobody, so it has no reasons to write."),
                where=[*where, "reasons"],
            )
        if item["window_days"] >= period_of(item):
            raise DomainError(
                "period_shorter_than_window",
                _(
                    "Orders are credited to contacts of %(window)d days, and only %(period)d days "
                    "are looked at: raise period_days or shorten the window."
                )
                % {"window": item["window_days"], "period": period_of(item)},
                where=[*where, "window_days"],
            )
        attribute = Attribute.objects.filter(pk=item.get("segment")).first()
        if attribute is not None and attribute.type != Type.CATEGORY:
            raise DomainError(
                "wrong_type",
                _("Segments are the codes of a category; %(code)s is of type '%(type)s'.")
                % {"code": attribute.code, "type": attribute.type},
                where=[*where, "segment"],
            )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        return []

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        return [(definition["segment"], ["segment"])] if "segment" in definition else []

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return []

    def tables(self, definition: Definition) -> list[str]:
        return [CONTACTS, ORDERS]

    def days_of_events(self, definition: Definition) -> int:
        return period_of(definition)

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> ChannelReturn:
        return ChannelReturn(
            features,
            tariffs=definition["tariffs"],
            margin_share=definition["margin_share"],
            rule=definition["rule"],
            window_days=definition["window_days"],
        ).fit(Count.read(rows.table))

    def measure(
        self, definition: Definition, fitted: ChannelReturn, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """All counts: nothing is foretold, so none need be held back."""
        found = fitted.profitability(Count.read(rows.table))
        return {
            "metrics": {
                "contacts": sum(line.contacts for line in found.lines),
                "orders": found.total.orders,
                "credited": sum(line.credited.orders for line in found.lines),
                "cost": round(sum(line.cost for line in found.lines)),
                "profit": round(sum(line.profit for line in found.lines)),
            },
            **told(found),
            "segment": definition.get("segment"),
            "period_days": period_of(definition),
            "margin_share": fitted.margin_share,
            "tariffs": fitted.tariffs,
        }

    def columns(
        self, definition: Definition, fitted: ChannelReturn, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        return {}

    def watched(self, fitted: ChannelReturn, x: Matrix) -> NDArray[np.float64]:
        """There is no score to watch."""
        return np.full(len(x), np.nan)


def period_of(definition: Definition) -> int:
    days: int = definition.get("period_days", PERIOD_DAYS)
    return days


def told(found: Profitability) -> dict[str, Any]:
    """The lines as JSON, each response as an estimate of its contacts."""
    lines = []
    for line in found.lines:
        plainly = plain(line)
        response = {
            "value": plainly.pop("response"),
            "low": plainly.pop("response_low"),
            "high": plainly.pop("response_high"),
            "n": line.contacts,
        }
        lines.append(plainly | {"response": response})
    return plain(found) | {"lines": lines}  # type: ignore[no-any-return]
