"""The day's second step: every customer's scores, streamed through the models batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from common.keys import key_of
from customers.models import Type
from customers.purchases import PURCHASES, is_bought, read_of
from lake import partitions
from lake.engine import DuckDB, ahead
from lake.models import Partition
from rules import Params, is_true

from .applied import Applied, Encoded, applied, types_of
from .health import Watch
from .kinds.base import Matrix
from .met import met
from .models import ModelVersion

SCORES = "scores"
# Raise it when equal inputs give another result.
VERSION = 4
SNAPSHOT, BEFORE = "snapshot", "before"
CUSTOMER = "customer_no"
ARROW = {
    Type.NUMBER: pa.float64(),
    Type.CATEGORY: pa.string(),
    Type.TEXT: pa.string(),
    Type.BOOLEAN: pa.bool_(),
}


def score(
    snapshot: Partition,
    versions: Sequence[ModelVersion],
    *,
    yesterday: Partition | None = None,
    purchases: Partition | None = None,
    progress: Callable[[int, int], None],
) -> Partition:
    """Return the ``scores`` partition: customer_no and one column per output, in snapshot order.

    Null features go where each model sends them; a null score stays null. Who is outside a model's
    population has none of its scores. Where a feature is missing, or unknown of far more customers
    than it was in training, ``yesterday``'s scores of that model stand, marked stale; where nothing
    is stale, it does not count what the day before had. Memory holds one batch and one part's
    output. The facts count customers, per column the nulls, and per model what it met ("models",
    see scoring.health).
    ``purchases`` is what scoring.bought says that these versions read.
    """
    scoring = Scoring(snapshot, versions, yesterday, purchases)
    made_from = [(v.pk, v.definition) for v in versions]
    key = key_of("score", VERSION, snapshot.key, made_from, scoring.kept(), *scoring.bought())
    known = partitions.find(SCORES, snapshot.business_date, key)
    if known is not None:
        return known
    with partitions.writing(SCORES, snapshot.business_date, key, parts=snapshot.parts) as draft:
        nulls: dict[str, int] = {}
        for part in range(snapshot.parts):
            table = scoring.part(part)
            for name in table.column_names[1:]:
                nulls[name] = nulls.get(name, 0) + table.column(name).null_count
            pq.write_table(table, draft.file(part), compression="zstd")
            progress(part + 1, snapshot.parts)
        draft.facts = {"customers": snapshot.rows, "nulls": nulls, "models": scoring.told()}
    assert draft.partition is not None
    return draft.partition


class Scoring:
    """The models of one day over one snapshot, part by part."""

    def __init__(
        self,
        snapshot: Partition,
        versions: Sequence[ModelVersion],
        yesterday: Partition | None,
        purchases: Partition | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.yesterday = yesterday
        self.purchases = purchases
        self.schema = pq.read_schema(snapshot.file(0))
        self.models = _applied(versions)
        self.met = met(snapshot, self.models, versions)
        old = set(pq.read_schema(yesterday.file(0)).names) if yesterday else set()
        self.stale = [m for m in self.models if self.met[m.code].too_much and set(m.outputs) <= old]
        self.fresh = [m for m in self.models if m not in self.stale]
        self.params = Params(snapshot.business_date)
        self.tree = self._tree()
        self.watches = {
            m.code: Watch.of(v, m, snapshot.rows)
            for m, v in self._pairs(versions)
            if m in self.fresh
        }

    def kept(self) -> list[str] | None:
        """What stands of the day before, by address; None where all is this day's own."""
        if not self.stale or self.yesterday is None:
            return None
        return [self.yesterday.business_date.isoformat(), self.yesterday.key]

    def bought(self) -> list[str]:
        """The key of what customers bought; nothing where no model reads that."""
        return [self.purchases.key] if self.purchases else []

    def _pairs(self, versions: Sequence[ModelVersion]) -> Iterator[tuple[Applied, ModelVersion]]:
        return zip(self.models, versions, strict=True)

    def part(self, part: int) -> pa.Table:
        """Score one part of the snapshot: customer_no first, then each model's columns."""
        with DuckDB() as engine:
            engine.register(SNAPSHOT, self.snapshot.file(part))
            if self.stale and self.yesterday is not None:
                engine.register(BEFORE, self.yesterday.file(part))
            if self.purchases is not None:
                engine.register(PURCHASES, self.purchases.file(part))
            reader = engine.batches(self.tree, self.params.values)
            scored = [self.batch(batch) for batch in ahead(reader)]
            empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
        return pa.Table.from_batches(scored or [self.batch(empty)])

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        encoded = Encoded(batch)
        columns = {CUSTOMER: batch.column(CUSTOMER)}
        for model in self.models:
            if model in self.stale:
                columns |= {name: batch.column(name) for name in model.outputs}
                continue
            made = self._made(model, encoded.matrix(model.features), batch)
            for name, column in made.items():
                batch = batch.append_column(name, column)
            columns |= made
        return pa.RecordBatch.from_pydict(columns)

    def _made(self, model: Applied, x: Matrix, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One model's columns over a batch; nobody outside its population is asked about."""
        if not model.population:
            return self._watched(model, x, batch)
        inside = batch.column(_inside(model))
        chosen = inside.to_numpy(zero_copy_only=False)
        made = self._watched(model, np.asfortranarray(x[chosen]), batch.filter(inside))
        places = pa.array(np.cumsum(chosen) - 1, mask=~chosen)
        return {name: column.take(places) for name, column in made.items()}

    def _watched(self, model: Applied, x: Matrix, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Score these rows and count them. Methods of scikit-learn refuse to score no rows."""
        if not len(x):
            return {name: pa.nulls(0, ARROW[kind]) for name, kind in model.outputs.items()}
        made = model.columns(x, batch)
        self.watches[model.code].look(x, made)
        return made

    def told(self) -> dict[str, dict[str, Any]]:
        """Per model what it met, and how far that is from what it learnt from."""
        found = {}
        for model in self.models:
            facts = self.met[model.code].told()
            if model in self.stale:
                assert self.yesterday is not None
                facts["stale_since"] = self._since(model.code)
            else:
                facts |= self.watches[model.code].told()
            found[model.code] = facts
        return found

    def _since(self, code: str) -> str:
        """The day whose scores stand: yesterday's may have been an older day's already."""
        assert self.yesterday is not None
        before = self.yesterday.facts.get("models", {}).get(code, {})
        since: date | str = before.get("stale_since") or self.yesterday.business_date
        return str(since)

    def _tree(self) -> exp.Select:
        """The columns that the models read, each as the type that it had in training."""
        written = {name for model in self.models for name in model.outputs}
        names = sorted({f.attribute for m in self.fresh for f in m.features} - written)
        chosen = [_column(CUSTOMER), *(self._read(name) for name in names)]
        for model in self.fresh:
            if model.population:
                rule = is_true(model.population.sql(self.params, SNAPSHOT))
                chosen.append(exp.alias_(rule, _inside(model), quoted=True))
        query = sqlglot.select(*chosen).from_(SNAPSHOT)
        if not self.stale and self.purchases is None:
            return query
        if self.purchases is not None:
            query = query.join(PURCHASES, on=_same_customer(PURCHASES), join_type="left")
        if self.stale:
            kept = [_column(name, BEFORE) for model in self.stale for name in model.outputs]
            query = query.select(*kept)
            query = query.join(BEFORE, on=_same_customer(BEFORE), join_type="left")
        return query.order_by(_column(CUSTOMER))

    def _read(self, name: str) -> exp.Expression:
        if is_bought(name):
            return read_of(name)
        if name not in self.schema.names:
            return exp.alias_(exp.cast(exp.null(), "DOUBLE"), name, quoted=True)
        categories = {f.attribute for m in self.fresh for f in m.features if f.categories}
        is_text = pa.types.is_string(self.schema.field(name).type)
        if name in categories and not is_text:
            return exp.alias_(exp.cast(_column(name), "VARCHAR"), name, quoted=True)
        if name not in categories and is_text:
            return exp.alias_(
                exp.TryCast(this=_column(name), to=exp.DataType.build("DOUBLE")), name, quoted=True
            )
        return _column(name)


def _applied(versions: Sequence[ModelVersion]) -> list[Applied]:
    types = types_of([name for v in versions for name in v.definition["reads"]])
    return [applied(version, types) for version in versions]


def _inside(model: Applied) -> str:
    """The column that says whether a customer is in the model's population."""
    return f"__in_{model.code}"


def _same_customer(table: str) -> exp.EQ:
    return exp.EQ(this=_column(CUSTOMER), expression=_column(CUSTOMER, table))


def _column(name: str, table: str = SNAPSHOT) -> exp.Column:
    return exp.column(name, table=table, quoted=True)
