"""The rows that a model learns from: features as of a day, and only then what happened after it.

The rows are a partition of the dataset ``training``: made once, named by what they were made from,
so a training that was killed finds them again.
"""

import zlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import ngettext
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from customers.purchases import PURCHASES, is_bought, purchases, read_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from .kinds.earlier import population_of
from .learning.refusal import NotEstimable
from .rows import AGE, AS_OF, CITY, CUSTOMER, HELD_OUT, OUTCOME, TREATED, Rows, features_of

TRAINING = "training"
VERSION = 3
HELD_OUT_QUARTERS = 4
SNAPSHOT, HAPPENED, TRIAL = "snapshot", "happened", "trial"
TREATED_ARM = "treated"


def training_rows(
    inputs: dict[str, Any], *, most: int, progress: Callable[[int, int], None]
) -> Partition:
    """Return the partition of rows for a training's pinned inputs.

    ``most``: whole parts of each snapshot are read, as many as hold no more rows than this. Its
    facts: ``rows``, and of several days ``purged``, rows left out for their days' windows reach
    into the day that is held out. Raises NotEstimable: no_rows, unknown_outcomes, nobody_in_trial
    (of any of the days), duplicate_customers, days_too_close.
    """
    snapshots = pinned(inputs["snapshots"])
    snapshots.sort(key=lambda s: s.business_date)
    newest = snapshots[-1].business_date
    key = key_of("training", VERSION, inputs, most)
    known = partitions.find(TRAINING, newest, key)
    if known is not None:
        return known
    overlapping = _overlapping(inputs["definition"], [s.business_date for s in snapshots])
    tables, purged = [], 0
    for done, snapshot in enumerate(snapshots):
        table = _Extract(inputs, snapshot, most // len(snapshots), progress).table()
        if snapshot.business_date in overlapping:
            purged += table.num_rows
        else:
            tables.append(table)
        progress(done + 1, len(snapshots))
    # In one order, however the lake is cut into parts: the same customers give the same model.
    table = pa.concat_tables(tables).sort_by([(AS_OF, "ascending"), (CUSTOMER, "ascending")])
    table = table.append_column(HELD_OUT, pa.array(_held_out(table, len(snapshots) > 1)))
    with partitions.writing(TRAINING, newest, key, parts=1) as draft:
        pq.write_table(table, draft.file(0), compression="zstd")
        draft.facts = {
            "rows": table.num_rows,
            "purged": purged,
            "snapshots": [str(s) for s in snapshots],
        }
    assert draft.partition is not None
    return draft.partition


def pinned(ids: list[int]) -> list[Partition]:
    """Return the partitions that a training was pinned to. DomainError where one is gone."""
    found = Partition.objects.in_bulk(ids)
    gone = [one for one in ids if one not in found]
    if gone:
        raise DomainError(
            "inputs_pruned",
            ngettext(
                "%(n)d of the deliveries that this training was asked over has been removed from "
                "the lake since: ask for the training anew, as of a day that is still kept.",
                "%(n)d of the deliveries that this training was asked over have been removed from "
                "the lake since: ask for the training anew, as of a day that is still kept.",
                len(gone),
            )
            % {"n": len(gone)},
        )
    return list(found.values())


def coverage(inputs: dict[str, Any], most: int) -> dict[str, int]:
    """Return how many customers the pinned snapshots hold; ``read``, where not all are read.

    Of several snapshots the sums. Who is outside the population, or has no outcome, is among those
    read and not among the rows.
    """
    snapshots = pinned(inputs["snapshots"])
    held = sum(s.rows for s in snapshots)
    read = sum(_rows_read(s, most // len(snapshots)) for s in snapshots)
    return {"in_snapshots": held} | ({"read": read} if read < held else {})


def _rows_read(snapshot: Partition, most: int) -> int:
    return sum(pq.read_metadata(snapshot.file(part)).num_rows for part in _parts(snapshot, most))


def _parts(snapshot: Partition, most: int) -> range:
    """Whole parts, the first ones: as many as hold about so many rows, one at least."""
    whole = snapshot.parts * most // max(1, snapshot.rows)
    return range(max(1, min(snapshot.parts, whole)))


def read(partition: Partition, inputs: dict[str, Any]) -> Rows:
    features = features_of(inputs["features"], inputs["definition"].get("categories", {}))
    return Rows(pq.read_table(partition.file(0)), features)


class _Extract:
    """One snapshot's rows: who is in the population, what was known of him, what he did then."""

    def __init__(
        self,
        inputs: dict[str, Any],
        snapshot: Partition,
        most: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self.inputs = inputs
        self.snapshot = snapshot
        self.most = most
        self.progress = progress
        self.params = Params(snapshot.business_date)
        self.read = [*inputs["features"], *inputs["also"]]
        self.bought = [name for name in self.read if is_bought(name)]

    def table(self) -> pa.Table:
        """The rows, at least one. Raises NotEstimable."""
        if not self._labelled():
            raise self._nobody()
        tree = self._tree()
        with DuckDB(threads=1) as engine:
            engine.register(SNAPSHOT, [self.snapshot.file(part) for part in self._parts()])
            for name, tables in self._events().items():
                engine.register(name, [p.file(n) for p in tables for n in range(p.parts)])
            if self.bought:
                bought = self._purchases()
                engine.register(PURCHASES, [bought.file(part) for part in self._parts()])
            table = engine.arrow(tree, self.params.values)
        if not table.num_rows:
            raise self._nobody()
        _refuse_twice(table)
        return table

    def _labelled(self) -> bool:
        """Whether the snapshot has the label's column: a day may be delivered without it."""
        label = self.inputs["definition"].get("label") if self.inputs["outcome"] else None
        return not isinstance(label, str) or label in self._columns()

    def _columns(self) -> set[str]:
        return set(pq.read_schema(self.snapshot.file(0)).names)

    def _nobody(self) -> NotEstimable:
        """Why there are no rows: nobody in the population, or of all who are no outcome."""
        rows = self._population()
        if not rows or not self.inputs["outcome"]:
            return NotEstimable("no_rows")
        day = str(self.snapshot.business_date)
        if self.inputs["outcome"] == "trial":
            trial = self.inputs["definition"]["trial"]["code"]
            return NotEstimable("nobody_in_trial", rows=rows, day=day, trial=trial)
        return NotEstimable("unknown_outcomes", rows=rows, day=day)

    def _population(self) -> int:
        """How many are in the population, whether or not their outcome is known."""
        params = Params(self.snapshot.business_date)
        query = sqlglot.select(exp.Count(this=exp.Star())).from_(SNAPSHOT)
        rule = population_of(self.inputs["definition"])
        if rule is not None:
            query = query.where(rule.sql(params, SNAPSHOT))
        with DuckDB(threads=1) as engine:
            engine.register(SNAPSHOT, [self.snapshot.file(part) for part in self._parts()])
            return int(engine.rows(query, params.values)[0][0])

    def _parts(self) -> range:
        return _parts(self.snapshot, self.most)

    def _tree(self) -> exp.Select:
        chosen = [
            exp.alias_(_column("customer_no"), CUSTOMER, quoted=True),
            exp.alias_(_column("city"), CITY, quoted=True),
            exp.alias_(self._date(self.snapshot.business_date), AS_OF, quoted=True),
            *(read_of(name) if is_bought(name) else _column(name) for name in self.read),
        ]
        if "age" in self._columns():
            chosen.append(exp.alias_(_column("age"), AGE, quoted=True))
        query = sqlglot.select(*chosen).from_(SNAPSHOT)
        outcome = self._outcome()
        if outcome is not None:
            query = query.select(exp.alias_(outcome, OUTCOME, quoted=True))
        query = self._joined(query)
        rule = population_of(self.inputs["definition"])
        if rule is not None:
            query = query.where(rule.sql(self.params, SNAPSHOT))
        return query

    def _outcome(self) -> exp.Expression | None:
        """Whether it happened; a label that is unknown leaves its row out."""
        definition = self.inputs["definition"]
        if self.inputs["outcome"] == "":
            return None
        if isinstance(definition.get("label"), str):
            happened: exp.Expression = exp.cast(_column(definition["label"]), "BOOLEAN")
        else:
            happened = exp.Not(this=_column("customer_no", HAPPENED).is_(exp.null()))
        return exp.Not(this=exp.paren(happened)) if definition.get("opposite") else happened

    def _joined(self, query: exp.Select) -> exp.Select:
        definition = self.inputs["definition"]
        if isinstance(definition.get("label"), str):
            known = exp.Not(this=_column(definition["label"]).is_(exp.null()))
            query = query.where(known)
        elif self.inputs["outcome"]:
            label = definition.get("label") or definition["trial"]
            happened = ordered_within(label, self.snapshot.business_date, self.params)
            query = query.join(happened, on=_same_customer(HAPPENED), join_type="left")
        if self.inputs["outcome"] == "trial":
            code, day = definition["trial"]["code"], self.snapshot.business_date
            query = query.select(_column(TREATED, TRIAL))
            took_part = in_trial(code, day, self.params)
            query = query.join(took_part, on=_same_customer(TRIAL), join_type="inner")
        if self.bought:
            query = query.join(PURCHASES, on=_same_customer(PURCHASES), join_type="left")
        return query

    def _purchases(self) -> Partition:
        """What customers had bought before the snapshot's day, as pinned."""
        return purchases(
            pinned(self.inputs["orders"]),
            self.bought,
            as_of=self.snapshot.business_date,
            parts=self.snapshot.parts,
            progress=self.progress,
        )

    def _events(self) -> dict[str, list[Partition]]:
        """The tables that the tree names beside the snapshot, as pinned."""
        tables: dict[str, list[Partition]] = {}
        for name in ("orders", "trials"):
            if self.inputs.get(name):
                tables[name] = pinned(self.inputs[name])
        return tables

    def _date(self, day: date) -> exp.Expression:
        return self.params.bind(day, "DATE")


def refuse_future(as_of: date, within_days: int, known_until: date) -> None:
    """Outcomes that are still to come would read as outcomes that did not come."""
    last = _window(as_of, within_days)[1] - timedelta(days=1)
    if last > known_until:
        raise NotEstimable("label_in_future", needed=str(last), known=str(known_until))


def ordered_within(label: dict[str, Any], as_of: date, params: Params) -> exp.Subquery:
    """Who ordered one of the policies within the window that begins with the day itself.

    ``label``: {ordered, within_days}; the table is ``orders``, the result's name HAPPENED. Features
    are those of the day's beginning: an order of the day came after them.
    """
    policies = [params.bind(policy, "VARCHAR") for policy in label["ordered"]]
    begin, end = (params.bind(day, "DATE") for day in _window(as_of, label["within_days"]))
    return (
        sqlglot.select(_column("customer_no", "orders"))
        .distinct()
        .from_("orders")
        .where(_column("policy", "orders").isin(*policies))
        .where(exp.GTE(this=_column("ordered_on", "orders"), expression=begin))
        .where(exp.LT(this=_column("ordered_on", "orders"), expression=end))
        .subquery(HAPPENED)
    )


def in_trial(code: str, day: date, params: Params) -> exp.Subquery:
    """Who took part in the trial from this day on, and whether the lot had them contacted.

    The table is ``trials``, the result's name TRIAL; its columns: customer_no, TREATED.
    """
    treated = exp.EQ(this=_column("arm", "trials"), expression=params.bind(TREATED_ARM, "VARCHAR"))
    of_it = exp.EQ(this=_column("trial", "trials"), expression=params.bind(code, "VARCHAR"))
    on_day = exp.EQ(this=_column("assigned_on", "trials"), expression=params.bind(day, "DATE"))
    return (
        sqlglot.select(_column("customer_no", "trials"), exp.alias_(treated, TREATED, quoted=True))
        .from_("trials")
        .where(of_it)
        .where(on_day)
        .subquery(TRIAL)
    )


def ordered_outcome(definition: dict[str, Any]) -> dict[str, Any] | None:
    """Return {ordered, within_days} of an outcome that orders tell; None: they don't."""
    told = definition.get("label") or definition.get("trial")
    return told if isinstance(told, dict) else None


def _overlapping(definition: dict[str, Any], days: list[date]) -> set[date]:
    """Return the days before the newest whose window reaches into that of the newest.

    The newest is held out: orders that its outcomes are told by must tell no outcome that is learnt
    from. Of a label that is an attribute no window is known. Raises NotEstimable if all overlap.
    """
    window = ordered_outcome(definition)
    if window is None:
        return set()
    *earlier, newest = days
    found = {day for day in earlier if _window(day, window["within_days"])[1] > newest}
    if earlier and len(found) == len(earlier):
        raise NotEstimable("days_too_close", within=window["within_days"], newest=str(newest))
    return found


def _window(as_of: date, within_days: int) -> tuple[date, date]:
    return as_of, as_of + timedelta(days=within_days)


def _column(name: str, table: str = SNAPSHOT) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _same_customer(table: str) -> exp.EQ:
    return exp.EQ(this=_column("customer_no"), expression=_column("customer_no", table))


def _refuse_twice(table: pa.Table) -> None:
    customers = len(table.column(CUSTOMER).unique())
    if customers < table.num_rows:
        raise NotEstimable("duplicate_customers", rows=table.num_rows, customers=customers)


def _held_out(table: pa.Table, by_time: bool) -> np.ndarray:
    """Where there is time, the newest day is held out; else a quarter, by a hash of the number."""
    if by_time:
        days = table.column(AS_OF).to_numpy()
        return np.asarray(days == days.max())
    numbers = table.column(CUSTOMER).to_pylist()
    return np.array([zlib.crc32(n.encode()) % HELD_OUT_QUARTERS == 0 for n in numbers], dtype=bool)
