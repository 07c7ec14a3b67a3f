"""The day's second step: every customer's scores, streamed through the models batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition

from .fitted import FittedModel, fitted
from .models import ModelVersion


def score(
    snapshot: Partition,
    versions: Sequence[ModelVersion],
    *,
    progress: Callable[[int, int], None],
) -> Partition:
    """Return the ``scores`` partition: customer_no and one column per score, in snapshot order.

    Null features go where each model sends them; a null score stays null. Memory holds one batch
    and one part's output. The facts count customers and, per score column, the nulls.
    """
    key = key_of("score", 1, snapshot.key, [(v.pk, v.definition) for v in versions])
    known = partitions.find("scores", snapshot.business_date, key)
    if known is not None:
        return known
    models = [fitted(version) for version in versions]
    _check_attributes(snapshot, models)
    with partitions.writing("scores", snapshot.business_date, key, parts=snapshot.parts) as draft:
        nulls: dict[str, int] = {}
        for part in range(snapshot.parts):
            table = score_part(snapshot.file(part), models)
            for name in table.column_names[1:]:
                nulls[name] = nulls.get(name, 0) + table.column(name).null_count
            pq.write_table(table, draft.file(part), compression="zstd")
            progress(part + 1, snapshot.parts)
        draft.facts = {"customers": snapshot.rows, "nulls": nulls}
    assert draft.partition is not None
    return draft.partition


def _check_attributes(snapshot: Partition, models: Sequence[FittedModel]) -> None:
    present = set(pq.read_schema(snapshot.file(0)).names)
    absent = sorted({a for model in models for a in model.encoder.attributes} - present)
    if absent:
        raise DomainError(
            "attribute_missing",
            _(
                "The snapshot of %(date)s lacks %(attributes)s, which a published model reads: "
                "add them to the source's mapping or publish a model without them."
            )
            % {"date": snapshot.business_date, "attributes": ", ".join(absent)},
            attributes=absent,
        )


def score_part(file: Path, models: Sequence[FittedModel]) -> pa.Table:
    """Score one part of a snapshot: customer_no first, then each model's columns."""
    names = sorted({a for model in models for a in model.encoder.attributes})
    with DuckDB() as engine:
        engine.register("snapshot", file)
        query = sqlglot.select(*[exp.column(n, quoted=True) for n in ["customer_no", *names]])
        reader = engine.batches(query.from_("snapshot"))
        batches = list(_scored(reader, models))
        if batches:
            return pa.Table.from_batches(batches)
        empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
        return pa.Table.from_batches([_score_batch(empty, models)])


def _scored(
    reader: pa.RecordBatchReader, models: Sequence[FittedModel]
) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        yield _score_batch(batch, models)


def _score_batch(batch: pa.RecordBatch, models: Sequence[FittedModel]) -> pa.RecordBatch:
    columns = {"customer_no": batch.column("customer_no")}
    for model in models:
        columns |= model.columns(batch)
    return pa.RecordBatch.from_pydict(columns)
