"""What is counted of two groups: one pass over the published day, by the engine.

Slice by slice (some parts) the datasets are laid side by side by customer number, each customer is
placed in A, in B, in both or in neither, and the engine adds up sufficient statistics by region: n,
mean and variance of every number, customers by value of every category. Only medians are read from
customers themselves: all of a small region, of a large one a random sample.

The result is a partition ``profiles`` of one part, named by what it was made from, so that equal
questions are answered once.

| column | |
| --- | --- |
| attribute | code; ``city`` too |
| kind | ``number`` (a region's sums), ``value`` (customers with a value), ``median`` (of A or B) |
| region | 1: in A, 2: in B, 3: in both; of a median 1: A, 2: B |
| value | of a ``value``: its code; null: all values beyond the most frequent of a text |
| customers | with known value; of a median: how many it was read from |
| mean, m2 | of a number; the mean of a ``median`` is the median |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import CITY, rule_catalogue
from customers.models import Attribute, Origin, Type
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue, Params

from ..bands import SOURCE, column
from ..reading import CUSTOMER
from .counted import IN_A, IN_B, Counted, Measured
from .groups import Group, Rest, group_from_json
from .today import DATASETS, Today

PROFILES = "profiles"
PLACED, INSIDE = "placed", "inside"
CHOSEN_A, CHOSEN_B = "chosen_a", "chosen_b"
REGIONS = (1, 2, 3)
# Customers that are laid side by side at once, if a part alone has not more.
SLICE = 400_000
# Greater numbers are no measurement, and their squares would not fit.
MOST = 1e100
# A median is read from at most so many customers of a region: ± 0.4 points of rank, at 95 %.
SAMPLE = 50_000
DRAWS = 1_000_000
# Of a text, so many of a slice's most frequent values are counted by name.
KEPT_VALUES = 2_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Question:
    """A against B, among the customers of ``cities``; None: of the whole province."""

    group: Group
    against: Group = field(default_factory=Rest)
    cities: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "group": self.group.to_json(),
            "against": self.against.to_json(),
            "cities": None if self.cities is None else sorted(self.cities),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Question":
        cities = body["cities"]
        return cls(
            group_from_json(body["group"]),
            group_from_json(body["against"]),
            None if cities is None else tuple(cities),
        )


def profile_key(question: Question, today: Today) -> str:
    """The name of the answer: what it is made from, and nothing else."""
    attributes = [[m.code, m.type] for m in measured_attributes(today)]
    return key_of("profiles", 1, question.to_json(), today.keys, attributes)


def known_profile(question: Question, today: Today) -> Partition | None:
    return partitions.find(PROFILES, today.business_date, profile_key(question, today))


def measure(question: Question, today: Today, *, progress: Progress) -> Partition:
    """Return the partition ``profiles`` of the question, made now unless it is there.

    Raises DomainError ``group_reads_missing`` when the day has no such column.
    """
    known = known_profile(question, today)
    if known is not None:
        return known
    catalogue = rule_catalogue()
    attributes = measured_attributes(today)
    _check_reads(question, today, catalogue)
    counted = Counted(attributes)
    with DuckDB() as engine:
        for name, group in ((CHOSEN_A, question.group), (CHOSEN_B, question.against)):
            table = group.table()
            if table is not None:
                engine.register(name, table)
        asked = _Asked(question, today, attributes, catalogue)
        for done, parts in enumerate(asked.slices, 1):
            asked.count(engine, parts, counted)
            progress(done, len(asked.slices))
    key = profile_key(question, today)
    with partitions.writing(PROFILES, today.business_date, key, parts=1) as draft:
        draft.facts = {
            "regions": {str(region): counted.customers[region] for region in REGIONS},
            "question": question.to_json(),
        }
        pq.write_table(counted.table(), draft.file(0), compression="zstd")
    assert draft.partition is not None
    return draft.partition


def measured_attributes(today: Today) -> list[Measured]:
    """Every attribute of the day but labels, in the catalogue's order, and the city last.

    Whether a reader may see one is asked when he looks.
    """
    known = Attribute.objects.exclude(origin=Origin.LABEL).values_list("code", "type")
    found = [(code, type_) for code, type_ in known if code in today.homes]
    return [
        Measured(code, type_, f"a{place}")
        for place, (code, type_) in enumerate([*found, (CITY, Type.CATEGORY)])
    ]


def _check_reads(question: Question, today: Today, catalogue: Catalogue) -> None:
    read = question.group.columns(catalogue) | question.against.columns(catalogue)
    absent = sorted(read - today.homes.keys())
    if absent:
        raise DomainError(
            "group_reads_missing",
            _("The published day %(day)s has no %(columns)s. It comes with the next day.")
            % {"day": today.business_date, "columns": ", ".join(absent)},
            status=409,
            columns=absent,
        )


class _Asked:
    """The statements of one question; the same trees serve every part."""

    def __init__(
        self, question: Question, today: Today, attributes: Sequence[Measured], catalogue: Catalogue
    ) -> None:
        self.question, self.today, self.catalogue = question, today, catalogue
        self.attributes = attributes
        self.params = Params(today.business_date)
        read = question.group.columns(catalogue) | question.against.columns(catalogue)
        self.columns = sorted({a.code for a in attributes} | read | {CITY})
        self.datasets = [d for d in DATASETS if d in {today.homes[c] for c in self.columns}]
        self.place = self._placing()
        self.numbers = [a for a in attributes if a.is_number]
        self.truths = [a for a in attributes if a.is_truth]
        self.categories = [a for a in attributes if not a.is_number and not a.is_truth]
        self.sums = self._sums()
        self.values = self._values()

    @property
    def slices(self) -> list[range]:
        """The parts that are counted together: as many as a statement is worth its planning for."""
        parts = self.today.snapshot.parts
        size = max(1, SLICE * parts // max(1, self.today.snapshot.rows))
        return [range(first, min(first + size, parts)) for first in range(0, parts, size)]

    def count(self, engine: DuckDB, parts: range, counted: "Counted") -> None:
        for dataset in self.datasets:
            partition = self.today.partitions[dataset]
            engine.register(dataset, [partition.file(part) for part in parts])
        engine.rows(self.place, self.params.values)
        sizes: dict[int, int] = {}
        for region, customers, *sums in engine.rows(self.sums):
            sizes[region] = customers
            counted.add_sums(region, customers, sums, self.numbers, self.truths)
        for place, region, value, customers in engine.rows(self.values):
            counted.add_value(self.categories[place].code, region, value, customers)
        if self.numbers and sizes:
            counted.add_sample(sizes, self._sampled(engine, sizes), self.numbers)

    # --- placing ---

    def _placing(self) -> exp.Expression:
        """CREATE TABLE placed: region, draw and every attribute, of customers in A or B."""
        inside = (
            sqlglot.select("*", exp.alias_(self._region(), "region"))
            .from_(exp.alias_(self._joined().subquery(), SOURCE))
            .where(self._in_scope())
        )
        select = (
            sqlglot.select(
                column("region", INSIDE),
                exp.alias_(_draw(column(CUSTOMER, INSIDE)), "draw"),
                *[exp.alias_(self._value(a), a.place) for a in self.attributes],
            )
            .from_(inside.subquery(INSIDE))
            .where(exp.GT(this=column("region", INSIDE), expression=_number(0)))
        )
        return exp.Create(this=exp.to_table(PLACED), kind="TABLE", replace=True, expression=select)

    def _joined(self) -> exp.Select:
        """The datasets side by side; a customer whom one lacks has nulls there."""
        first, *others = self.datasets
        homes = [column(c, self.today.homes[c]) for c in self.columns]
        tree = sqlglot.select(column(CUSTOMER, first), *homes).from_(first)
        for other in others:
            same = column(CUSTOMER, first).eq(column(CUSTOMER, other))
            tree = tree.join(other, on=same, join_type="left")
        return tree

    def _in_scope(self) -> exp.Expression:
        cities = self.question.cities
        if cities is None:
            return exp.true()
        listed = [self.params.bind(city, "TEXT") for city in sorted(cities)]
        return exp.In(this=column(CITY), expressions=listed) if listed else exp.false()

    def _region(self) -> exp.Expression:
        in_a = self.question.group.condition(self.params, self.catalogue, CHOSEN_A)
        if isinstance(self.question.against, Rest):
            in_b: exp.Expression = exp.not_(exp.paren(in_a.copy()))
        else:
            in_b = self.question.against.condition(self.params, self.catalogue, CHOSEN_B)
        return exp.Add(this=_bit(in_a, IN_A), expression=_bit(in_b, IN_B))

    def _value(self, attribute: Measured) -> exp.Expression:
        value = column(attribute.code, INSIDE)
        if attribute.type == Type.DATE:
            # As its age, so that a mean and a difference read as days.
            today = self.params.bind(self.today.business_date, "DATE")
            value = exp.DateDiff(this=today, expression=value, unit=exp.var("DAY"))
        if attribute.is_number:
            number = exp.cast(value, "DOUBLE")
            most = self.params.bind(MOST, "DOUBLE")
            # NaN and infinity are above it: unknown, as everywhere (docs/adr/0004).
            known = exp.LTE(this=exp.Abs(this=number.copy()), expression=most)
            return exp.Case(ifs=[exp.If(this=known, true=number)])
        return exp.cast(value, "BOOLEAN" if attribute.is_truth else "TEXT")

    # --- counting ---

    def _sums(self) -> exp.Expression:
        """region, customers, then n, mean and variance by number, n and trues by truth."""
        sums: list[exp.Expression] = []
        for a in self.numbers:
            value = column(a.place, PLACED)
            sums += [exp.Count(this=value), exp.Avg(this=value.copy())]
            sums.append(exp.VariancePop(this=value.copy()))
        for a in self.truths:
            value = column(a.place, PLACED)
            sums += [exp.Count(this=value), exp.Sum(this=_bit(value.copy(), 1))]
        region = column("region", PLACED)
        everybody = exp.Count(this=exp.Star())
        return sqlglot.select(region, everybody, *sums).from_(PLACED).group_by(region.copy())

    def _values(self) -> exp.Expression:
        """place of the category, region, value, customers; null: not among the most frequent."""
        counts = [self._values_of(place, a) for place, a in enumerate(self.categories)]
        return sqlglot.union(*counts, distinct=False) if len(counts) > 1 else counts[0]

    def _values_of(self, place: int, attribute: Measured) -> exp.Select:
        value, region = column(attribute.place, PLACED), column("region", PLACED)
        said: exp.Expression = value
        if attribute.type == Type.TEXT:
            frequent = sqlglot.select(column("kept", "frequent")).from_(_frequent(attribute))
            kept = exp.In(this=value.copy(), query=exp.Subquery(this=frequent))
            said = exp.Case(ifs=[exp.If(this=kept, true=value.copy())])
        inner = (
            sqlglot.select(region, exp.alias_(said, "value"))
            .from_(PLACED)
            .where(exp.not_(exp.Is(this=value.copy(), expression=exp.null())))
        )
        by = [column("region", "known"), column("value", "known")]
        return (
            sqlglot.select(_number(place), *by, exp.Count(this=exp.Star()))
            .from_(inner.subquery("known"))
            .group_by(*[key.copy() for key in by])
        )

    def _sampled(self, engine: DuckDB, sizes: Mapping[int, int]) -> pa.Table:
        """region and every number of a random sample, each region by its own rate."""
        region, draw = column("region", PLACED), column("draw", PLACED)
        params = Params()
        drawn = [
            exp.and_(
                region.copy().eq(_number(place)),
                exp.LT(this=draw.copy(), expression=params.bind(rate * DRAWS, "DOUBLE")),
            )
            for place, rate in self._rates(sizes).items()
        ]
        numbers = [column(a.place, PLACED) for a in self.numbers]
        tree = sqlglot.select(region, *numbers).from_(PLACED).where(exp.or_(*drawn))
        return engine.arrow(tree, params.values)

    def _rates(self, sizes: Mapping[int, int]) -> dict[int, float]:
        return rates(sizes, len(self.slices))


def rates(sizes: Mapping[int, int], slices: int) -> dict[int, float]:
    """The share of a slice's customers that is drawn, by region."""
    most = max(1, SAMPLE // slices)
    return {region: min(1.0, most / size) for region, size in sizes.items()}


def _frequent(attribute: Measured) -> exp.Subquery:
    value = column(attribute.place, PLACED)
    most = exp.Ordered(this=exp.Count(this=exp.Star()), desc=True)
    return (
        sqlglot.select(exp.alias_(value, "kept"))
        .from_(PLACED)
        .where(exp.not_(exp.Is(this=value.copy(), expression=exp.null())))
        .group_by(value.copy())
        .order_by(most, exp.Ordered(this=value.copy()))
        .limit(KEPT_VALUES)
        .subquery("frequent")
    )


def _draw(number: exp.Expression) -> exp.Expression:
    """0 … DRAWS - 1 by the half of MD5 that doesn't decide the part: the same sample every time."""
    digest = exp.func("md5_number_lower", number, dialect="duckdb")
    return exp.cast(exp.Mod(this=digest, expression=_number(DRAWS)), exp.DataType.Type.INT)


def _bit(condition: exp.Expression, value: int) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=condition, true=_number(value))], default=_number(0))


def _number(value: int) -> exp.Expression:
    return exp.Literal.number(value)
