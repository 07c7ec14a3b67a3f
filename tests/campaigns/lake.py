"""A day's partitions made by hand: a snapshot, its scores and its cells."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.models import Plan
from campaigns.planned import Planned
from lake import partitions
from lake.models import Partition
from lake.parts import part_of

from .matching import tables


def write_day(
    plan: Plan, customers: Sequence[dict[str, Any]], day: date, key: str = "k"
) -> dict[str, Partition]:
    """``customers`` as the reference takes them, in any order; return partitions by dataset."""
    held = tables(Planned.from_json(plan.body), customers)
    return {dataset: _write(dataset, table, day, key) for dataset, table in held.items()}


def _write(dataset: str, table: pa.Table, day: date, key: str) -> Partition:
    with partitions.writing(dataset, day, key) as draft:
        numbers = table["customer_no"].to_pylist()
        for part in range(draft.parts):
            inside = [i for i, n in enumerate(numbers) if part_of(n, draft.parts) == part]
            pq.write_table(
                table.take(pa.array(inside, pa.int64())).sort_by("customer_no"), draft.file(part)
            )
    assert draft.partition is not None
    return draft.partition


def read(partition: Partition) -> list[dict[str, Any]]:
    """Every row, by customer number."""
    rows = [row for file in partition.files for row in pq.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: row["customer_no"])
