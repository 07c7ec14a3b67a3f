"""Channel profitability of counts: what the set engine counted, priced by the tariffs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import pyarrow as pa

from .channels import Line, Part, Profitability, Rule, Tariff, priced
from .features import Feature
from .refusal import NotEstimable


@dataclass(frozen=True)
class Count:
    """What fell to a channel and segment; ``channel`` None: orders that no contact came before.

    orders, responded  purchases, or shares of them; contacts credited with one
    revenue            yuan, returns taken off
    """

    channel: str | None
    segment: str
    contacts: int
    responded: int
    orders: float
    revenue: float

    @classmethod
    def read(cls, table: pa.Table) -> "list[Count]":
        """``table``: a column per field, others beside."""
        return [cls(**row) for row in table.select([f.name for f in fields(cls)]).to_pylist()]


class ChannelReturn:
    """Prices counts; it scores nobody and has no features.

    tariffs       channel → its prices, as keywords of ``Tariff``
    margin_share  of the revenue, what is left before the costs told here
    """

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        *,
        tariffs: Mapping[str, Mapping[str, float]],
        margin_share: float,
        rule: Rule,
        window_days: int,
    ) -> None:
        self.features = features
        self.tariffs = {channel: dict(tariff) for channel, tariff in tariffs.items()}
        self.margin_share = margin_share
        self.rule = rule
        self.window_days = window_days

    def fit(self, counts: Sequence[Count]) -> Self:
        """Refuse a channel without a tariff (NotEstimable): its cost is unknown, not 0."""
        unpriced = {c.channel for c in counts if c.channel is not None} - {*self.tariffs}
        if unpriced:
            raise NotEstimable("no_tariff", channels=", ".join(sorted(unpriced)))
        return self

    def profitability(self, counts: Sequence[Count]) -> Profitability:
        """Return the lines by channel and segment; credited + uncredited = total."""
        lines = [
            self._line(c.channel, c) for c in sorted(counts, key=_place) if c.channel is not None
        ]
        return Profitability(
            self.rule,
            self.window_days,
            self._part(counts),
            self._part([c for c in counts if c.channel is None]),
            lines,
        )

    def _line(self, channel: str, count: Count) -> Line:
        tariff = Tariff(**self.tariffs[channel])
        part = self._part([count])
        return priced(channel, count.segment, count.contacts, part, count.responded, tariff)

    def _part(self, counts: Sequence[Count]) -> Part:
        revenue = sum(c.revenue for c in counts)
        return Part(sum(c.orders for c in counts), revenue, revenue * self.margin_share)


def _place(count: Count) -> tuple[str, str]:
    return count.channel or "", count.segment
