"""Who bought when and for how much: the orders of many days, one row per customer.

An order counts from the day after it: as of a day, what was ordered before that day. Ages are
counted in days to the day, so an order of its eve is 1 day old. An order of 0 yuan or more is a
purchase (a gift counts); one of less is a return: it takes its yuan off, and no purchase away.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, Self, get_args

import pyarrow as pa
import sqlglot
from sqlglot import exp

from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from lake.parts import part_of_sql
from rules import Params

PURCHASES = "purchases"
# Raise it when equal orders give another result.
VERSION = 1
ORDERS = "orders"
CUSTOMER = "customer_no"
# Exact sums: the same to the last digit in whichever order the rows are added. Finer parts of a
# yuan are rounded; what is no amount at all (of 10^14 yuan and more) counts for nothing.
YUAN = "DECIMAL(18, 4)"
NO_ORDERS = pa.schema(
    {
        "order_no": pa.string(),
        CUSTOMER: pa.string(),
        "ordered_on": pa.date32(),
        "amount": pa.float64(),
    }
)

Figure = Literal["first", "second", "last", "purchases", "money", "repeats", "spend"]
Progress = Callable[[int, int], None]
_Query = tuple[exp.Select, dict[str, Any]]
_CODE = re.compile(rf"__({'|'.join(get_args(Figure))})_(\d+)_(\d+)")


@dataclass(frozen=True)
class Bought:
    """A column: a figure of what a customer bought when orders were ``within`` to ``before`` old.

    first, second, last  age of that purchase in days, two of one day being two; null: there is none
    purchases            how many; 0 of who has orders of other days only
    money                yuan, returns taken off
    repeats              days with a purchase after the first such day
    spend                mean yuan of a repeat, returns not counted; null without any

    Orders are ``before`` < age <= ``within`` days old. Its code begins with two underscores, as no
    attribute's does.
    """

    figure: Figure
    within: int
    before: int = 0

    @property
    def code(self) -> str:
        return f"__{self.figure}_{self.within}_{self.before}"

    @classmethod
    def of(cls, code: str) -> Self:
        match = _CODE.fullmatch(code)
        if match is None:
            raise ValueError(f"{code} is no column of purchases")
        figure, within, before = match.groups()
        return cls(figure, int(within), int(before))  # type: ignore[arg-type]


def is_bought(code: str) -> bool:
    return _CODE.fullmatch(code) is not None


def read_of(code: str) -> exp.Expression:
    """Return a column as whoever joins it must read it: of everybody, with a row or without.

    Who has a row depends on the longest window of all columns, so without one nobody's purchases
    and yuan are unknown: they are 0.
    """
    column = exp.column(code, table=PURCHASES, quoted=True)
    if Bought.of(code).figure in ("purchases", "money"):
        return exp.alias_(_or_zero(column), code, quoted=True)
    return column


def days_of(codes: Collection[str]) -> int:
    """Return how old the oldest order is that these columns count; 0 of none."""
    return max((Bought.of(code).within for code in codes), default=0)


def orders_of(first: date, last: date) -> list[Partition]:
    """Return the newest partition of orders of each business date from ``first`` to ``last``."""
    return delivered_of(ORDERS, first, last)


def delivered_of(table: str, first: date, last: date) -> list[Partition]:
    """Return the newest partition of each business date of a table of events."""
    found = Partition.objects.of(table).filter(business_date__range=(first, last))
    return list(found.order_by("business_date", "-pk").distinct("business_date"))


def purchases(
    orders: Sequence[Partition],
    codes: Collection[str],
    *,
    as_of: date,
    parts: int,
    progress: Progress,
) -> Partition:
    """Return the partition of what customers bought before ``as_of``: customer_no, then ``codes``.

    One row per customer who ordered within the longest of the columns' windows, ordered by
    customer_no, in the same ``parts`` as every other dataset; ages are integers, the others
    doubles. ``orders``: partitions of the days; those that can hold nothing that counts are not
    read. The orders of ``as_of`` itself are read too, for what they deliver late. An order that was
    delivered on several days is one order, of its earliest day and its greatest amount.

    One pass over four columns of the orders; memory is the engine's, whatever their number.
    """
    since = as_of - timedelta(days=days_of(codes))
    read = [p for p in orders if since <= p.business_date <= as_of]
    columns = [Bought.of(code) for code in sorted(set(codes))]
    key = key_of("purchases", VERSION, sorted(map(str, read)), [c.code for c in columns], parts)
    known = partitions.find(PURCHASES, as_of, key)
    if known is not None:
        return known
    alike = all(p.parts == parts for p in read)
    with partitions.writing(PURCHASES, as_of, key, parts=parts) as draft:
        with DuckDB() as engine:
            for part in range(parts):
                files = [f for p in read for f in ([p.file(part)] if alike else p.files)]
                engine.register(ORDERS, files or NO_ORDERS.empty_table())
                own = None if alike else part_of_sql(_column(CUSTOMER), parts).eq(part)
                query, values = _query(columns, as_of, own)
                engine.write(query, draft.file(part), values)
                progress(part + 1, parts)
        draft.facts = {"days": len(read), "orders": sum(p.rows for p in read)}
    assert draft.partition is not None
    return draft.partition


def _query(columns: Sequence[Bought], as_of: date, within: exp.Expression | None) -> _Query:
    """What the rows are, and the values: orders put together by day, these by customer."""
    params = Params()
    longest = max((c.within for c in columns), default=0)
    once = _once(params.bind(as_of, "DATE"), params.bind(as_of - timedelta(longest), "DATE"))
    if within is not None:
        once = once.where(within)
    bought = exp.GTE(this=_column("amount"), expression=exp.Literal.number(0))
    yuan = exp.Sum(this=_column("amount"))
    days = (
        sqlglot.select(_column(CUSTOMER), _column("age"))
        .select(exp.alias_(_where(exp.Count(this=exp.Star()), bought), "bought", quoted=True))
        .select(exp.alias_(_where(yuan, bought), "spent", quoted=True))
        .select(exp.alias_(yuan.copy(), "money", quoted=True))
        .from_(once.subquery("once"))
        .group_by(_column(CUSTOMER), _column("age"))
    )
    told = [
        exp.alias_(getattr(_Figures(c, params), c.figure)(), c.code, quoted=True) for c in columns
    ]
    customers = sqlglot.select(_column(CUSTOMER), *told).from_(days.subquery("days"))
    return customers.group_by(_column(CUSTOMER)).order_by(_column(CUSTOMER)), params.values


def _once(today: exp.Expression, oldest: exp.Expression) -> exp.Select:
    """Each order once, from the oldest day that counts to the eve of today."""
    ordered_on = _column("ordered_on")
    age = exp.DateDiff(this=today, expression=ordered_on.copy(), unit=exp.var("DAY"))
    amount = exp.TryCast(this=_column("amount"), to=exp.DataType.build(YUAN))
    return (
        sqlglot.select(_column(CUSTOMER))
        .select(exp.alias_(exp.Max(this=age), "age", quoted=True))
        .select(exp.alias_(exp.Max(this=amount), "amount", quoted=True))
        .from_(ORDERS)
        .where(exp.GTE(this=ordered_on.copy(), expression=oldest))
        .where(exp.LT(this=ordered_on.copy(), expression=today.copy()))
        .group_by(_column(CUSTOMER), _column("order_no"))
    )


class _Figures:
    """One column's figures over a customer's days: its name is the method's."""

    def __init__(self, column: Bought, params: Params) -> None:
        self.within = exp.and_(
            exp.LTE(this=_column("age"), expression=params.bind(column.within, "INTEGER")),
            exp.GT(this=_column("age"), expression=params.bind(column.before, "INTEGER")),
        )
        some = exp.GT(this=_column("bought"), expression=exp.Literal.number(0))
        self.buying = exp.and_(self.within, some)

    def first(self) -> exp.Expression:
        return exp.cast(self._of(exp.Max(this=_column("age"))), "INTEGER")

    def last(self) -> exp.Expression:
        return exp.cast(self._of(exp.Min(this=_column("age"))), "INTEGER")

    def second(self) -> exp.Expression:
        """DuckDB only: ``max(age, 2)`` is the list of the two greatest."""
        twice = exp.GT(this=self._of_oldest("bought"), expression=exp.Literal.number(1))
        two = self._of(exp.func("max", _column("age"), exp.Literal.number(2), dialect="duckdb"))
        later = exp.Bracket(this=exp.paren(two), expressions=[exp.Literal.number(1)])
        return exp.cast(exp.If(this=twice, true=self.first(), false=later), "INTEGER")

    def purchases(self) -> exp.Expression:
        return _or_zero(self._of(exp.Sum(this=_column("bought"))))

    def money(self) -> exp.Expression:
        return _or_zero(_where(exp.Sum(this=_column("money")), self.within))

    def repeats(self) -> exp.Expression:
        """Null, not less than 0, of who has returns only."""
        none = exp.LT(this=self._repeats(), expression=exp.Literal.number(0))
        return _double(exp.If(this=none, true=exp.null(), false=self._repeats()))

    def spend(self) -> exp.Expression:
        spent = self._of(exp.Sum(this=_column("spent")))
        later = exp.paren(exp.Sub(this=spent, expression=self._of_oldest("spent")))
        some = exp.GT(this=self._repeats(), expression=exp.Literal.number(0))
        mean = exp.Div(this=_double(later), expression=exp.paren(self._repeats()))
        return exp.If(this=some, true=mean, false=exp.null())

    def _repeats(self) -> exp.Expression:
        days = self._of(exp.Count(this=exp.Star()))
        return exp.Sub(this=days, expression=exp.Literal.number(1))

    def _of_oldest(self, name: str) -> exp.Expression:
        """What the first day of buying has."""
        return self._of(exp.ArgMax(this=_column(name), expression=_column("age")))

    def _of(self, aggregate: exp.Expression) -> exp.Expression:
        return _where(aggregate, self.buying)


def _or_zero(value: exp.Expression) -> exp.Expression:
    return _double(exp.func("coalesce", value, exp.Literal.number(0)))


def _where(aggregate: exp.Expression, condition: exp.Expression) -> exp.Expression:
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition.copy()))


def _double(value: exp.Expression) -> exp.Expression:
    return exp.cast(value, "DOUBLE")


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
