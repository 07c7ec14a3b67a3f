"""Contacts and orders of all customers, counted per channel and segment in the set engine.

The counts are a partition of the dataset ``training``, as the rows of other models are: made once,
named by what they were made from.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from common.keys import key_of
from customers.purchases import NO_ORDERS, ORDERS, YUAN
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from lake.parts import part_of_sql
from rules import Params

from .dataset import pinned
from .kinds.channel_profitability import CONTACTS, period_of
from .kinds.earlier import population_of
from .learning.channel_counts import Count
from .learning.refusal import NotEstimable
from .rows import HELD_OUT

TRAINING = "training"
VERSION = 1
CUSTOMER = "customer_no"
SNAPSHOT = "snapshot"
NO_CONTACTS = pa.schema(
    {
        "contact_no": pa.string(),
        CUSTOMER: pa.string(),
        "contacted_on": pa.date32(),
        "channel": pa.string(),
    }
)
EMPTY = {CONTACTS: NO_CONTACTS, ORDERS: NO_ORDERS}


def channel_counts(inputs: dict[str, Any], *, progress: Callable[[int, int], None]) -> Partition:
    """Return the partition of counts (see ``Count``) for a training's pinned inputs.

    Contacts and orders are those of the definition's period, which ends with the snapshot's day;
    what was delivered later is not read. One that was delivered on several days is one, of its
    earliest day (the channel first by code, the greatest amount). Customers outside the population
    count nowhere. ``facts``: customers, contacts and orders. Raises NotEstimable.
    """
    [snapshot] = pinned(inputs["snapshots"])
    day = snapshot.business_date
    key = key_of("channel_counts", VERSION, inputs)
    known = partitions.find(TRAINING, day, key)
    if known is not None:
        return known
    counting = _Counting(inputs, snapshot)
    with DuckDB(threads=1) as engine:
        for part in range(snapshot.parts):
            counting.add(engine, part)
            progress(part + 1, snapshot.parts)
    if not counting.customers:
        raise NotEstimable("no_rows")
    counts = counting.counts()
    contacts = sum(c.contacts for c in counts)
    if not contacts:
        first = day - timedelta(days=period_of(inputs["definition"]) - 1)
        raise NotEstimable("no_contacts", first=str(first), last=str(day))
    table = pa.Table.from_pylist([vars(c) | {HELD_OUT: False} for c in counts])
    with partitions.writing(TRAINING, day, key, parts=1) as draft:
        pq.write_table(table, draft.file(0), compression="zstd")
        orders = sum(c.orders for c in counts)
        draft.facts = {"rows": counting.customers, "contacts": contacts, "orders": round(orders)}
    assert draft.partition is not None
    return draft.partition


class _Counting:
    """Counts of the parts so far, by (channel, segment); orders of no contact by (None, segment).

    One thread: shares of yuan are added in one order, so the same inputs give the same figures.
    """

    def __init__(self, inputs: dict[str, Any], snapshot: Partition) -> None:
        self.snapshot = snapshot
        self.definition = inputs["definition"]
        last = snapshot.business_date
        first = last - timedelta(days=period_of(self.definition) - 1)
        self.period = first, last
        self.events = {
            table: [p for p in pinned(inputs[table]) if first <= p.business_date <= last]
            for table in (CONTACTS, ORDERS)
        }
        self.customers = 0
        self.found: dict[tuple[str | None, str], list[float]] = {}

    def add(self, engine: DuckDB, part: int) -> None:
        """Count one part of the customers with what is theirs of the events."""
        engine.register(SNAPSHOT, self.snapshot.file(part))
        own = {table: self._register(engine, table, part) for table in EMPTY}
        ask = _Question(self.definition, *self.period)
        customers, different = engine.rows(ask.customers(), ask.params.values)[0]
        if different < customers:
            raise NotEstimable("duplicate_customers", rows=customers, customers=different)
        self.customers += customers
        ask = _Question(self.definition, *self.period)
        contacts = ask.contacts_by_line(own[CONTACTS])
        for channel, segment, n in engine.rows(contacts, ask.params.values):
            self._line(channel, segment)[0] += n
        ask = _Question(self.definition, *self.period)
        credits = ask.credits_by_line(own[CONTACTS], own[ORDERS])
        for channel, segment, *figures in engine.rows(credits, ask.params.values):
            line = self._line(channel, segment)
            for place, figure in enumerate(figures, start=1):
                line[place] += float(figure or 0)

    def counts(self) -> list[Count]:
        return [
            Count(channel, segment, int(line[0]), int(line[1]), line[2], line[3])
            for (channel, segment), line in sorted(
                self.found.items(), key=lambda one: (one[0][0] or "", one[0][1])
            )
        ]

    def _line(self, channel: str | None, segment: str) -> list[float]:
        return self.found.setdefault((channel, segment), [0, 0, 0.0, 0.0])

    def _register(self, engine: DuckDB, table: str, part: int) -> exp.Expression | None:
        """Register a table's events of the part; what is to be asked of rows cut otherwise."""
        read, parts = self.events[table], self.snapshot.parts
        alike = all(p.parts == parts for p in read)
        files = [f for p in read for f in ([p.file(part)] if alike else p.files)]
        engine.register(table, files or EMPTY[table].empty_table())
        return None if alike else part_of_sql(_column(CUSTOMER), parts).eq(part)


class _Question:
    """One question asked of a part; ``params`` holds its values, so each is asked once."""

    def __init__(self, definition: dict[str, Any], first: date, last: date) -> None:
        self.definition = definition
        self.params = Params(last)
        self.first, self.last = first, last

    def customers(self) -> exp.Select:
        count, number = exp.Count(this=exp.Star()), _column(CUSTOMER)
        different = exp.Count(this=exp.Distinct(expressions=[number]))
        return sqlglot.select(count, different).from_(self._people().subquery("people"))

    def contacts_by_line(self, own: exp.Expression | None) -> exp.Select:
        """channel, segment, contacts."""
        return (
            sqlglot.select(_column("channel"), _column("segment"), exp.Count(this=exp.Star()))
            .from_(self._contacts(own).subquery("met"))
            .join(self._people().subquery("people"), using=[CUSTOMER])
            .group_by(_column("channel"), _column("segment"))
        )

    def credits_by_line(
        self, contacts: exp.Expression | None, orders: exp.Expression | None
    ) -> exp.Select:
        """channel (null: no contact is credited), segment, responded, orders, revenue."""
        share = exp.Div(this=_number(1), expression=exp.cast(_column("shared"), "DOUBLE"))
        bought = exp.GTE(this=_column("amount"), expression=_number(0))
        contact = exp.Tuple(expressions=[_column(CUSTOMER), _column("contact_no")])
        met = exp.Not(this=_column("contact_no").is_(exp.null()))
        return (
            sqlglot.select(_column("channel"), _column("segment"))
            .select(
                _where(exp.Count(this=exp.Distinct(expressions=[contact])), exp.and_(bought, met)),
                _where(exp.Sum(this=share), bought),
                exp.Sum(
                    this=exp.Mul(
                        this=exp.cast(_column("amount"), "DOUBLE"), expression=exp.paren(share)
                    )
                ),
            )
            .from_(self._credits(contacts, orders).subquery("credits"))
            .join(self._people().subquery("people"), using=[CUSTOMER])
            .group_by(_column("channel"), _column("segment"))
        )

    def _credits(
        self, contacts: exp.Expression | None, orders: exp.Expression | None
    ) -> exp.Select:
        """Each order with each contact that it is credited to, ``shared`` among so many."""
        latest = self.definition["rule"] == "last_touch"
        of_order = [_column(CUSTOMER, "bought"), _column("order_no", "bought")]
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=[c.copy() for c in of_order],
            order=exp.Order(
                expressions=[
                    exp.Ordered(this=_column(c, "met"), desc=latest)
                    for c in ("contacted_on", "contact_no")
                ]
            ),
        )
        many = exp.Window(this=exp.Count(this=exp.Star()), partition_by=of_order)
        linear = self.definition["rule"] == "linear"
        matched = (
            sqlglot.select(*(_column(c, "bought") for c in (CUSTOMER, "amount")))
            .select(*(_column(c, "met") for c in ("contact_no", "channel")))
            .select(exp.alias_(place, "place", quoted=True))
            .select(exp.alias_(many if linear else _number(1), "shared", quoted=True))
            .from_(self._orders(orders).subquery("bought"))
            .join(self._contacts(contacts).subquery("met"), on=self._before(), join_type="left")
        )
        credits = sqlglot.select(exp.Star()).from_(matched.subquery("matched"))
        first = exp.EQ(this=_column("place"), expression=_number(1))
        return credits if linear else credits.where(first)

    def _before(self) -> exp.Expression:
        """The same customer's contact, on the day of the order or at most the window before it."""
        on, ordered = _column("contacted_on", "met"), _column("ordered_on", "bought")
        age = exp.DateDiff(this=ordered, expression=on, unit=exp.var("DAY"))
        window = self.params.bind(self.definition["window_days"], "INTEGER")
        return exp.and_(
            exp.EQ(this=_column(CUSTOMER, "met"), expression=_column(CUSTOMER, "bought")),
            exp.GTE(this=age, expression=_number(0)),
            exp.LTE(this=age.copy(), expression=window),
        )

    def _people(self) -> exp.Select:
        """The population, each with his segment; unknown, or none named: ''."""
        segment: exp.Expression = exp.Literal.string("")
        if "segment" in self.definition:
            named = _column(self.definition["segment"], SNAPSHOT)
            segment = exp.func("coalesce", named, segment)
        query = sqlglot.select(_column(CUSTOMER, SNAPSHOT))
        query = query.select(exp.alias_(segment, "segment", quoted=True)).from_(SNAPSHOT)
        rule = population_of(self.definition)
        return query if rule is None else query.where(rule.sql(self.params, SNAPSHOT))

    def _contacts(self, own: exp.Expression | None) -> exp.Select:
        query = self._once(CONTACTS, "contact_no", "contacted_on", own)
        channel = exp.Min(this=_column("channel"))
        return query.select(exp.alias_(channel, "channel", quoted=True))

    def _orders(self, own: exp.Expression | None) -> exp.Select:
        """What is no amount at all counts for nothing, as in customers.purchases."""
        amount = exp.Max(this=exp.TryCast(this=_column("amount"), to=exp.DataType.build(YUAN)))
        query = self._once(ORDERS, "order_no", "ordered_on", own)
        return query.select(exp.alias_(amount, "amount", quoted=True))

    def _once(self, table: str, number: str, day: str, own: exp.Expression | None) -> exp.Select:
        """Each event of the period once, of its earliest day."""
        period = exp.Between(
            this=_column(day, table),
            low=self.params.bind(self.first, "DATE"),
            high=self.params.bind(self.last, "DATE"),
        )
        query = (
            sqlglot.select(_column(CUSTOMER), _column(number))
            .select(exp.alias_(exp.Min(this=_column(day, table)), day, quoted=True))
            .from_(table)
            .where(period)
            .group_by(_column(CUSTOMER), _column(number))
        )
        return query if own is None else query.where(own)


def _number(value: int) -> exp.Literal:
    return exp.Literal.number(value)


def _where(aggregate: exp.Expression, condition: exp.Expression) -> exp.Expression:
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition.copy()))


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table=table, quoted=True)
