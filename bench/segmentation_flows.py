"""Flows: how near counting who went from which cell to which is to merely joining the two days.

The input is two days' cells in 16 parts as in the lake: one matrix of 9,375 cells, eleven cities;
of the customers 2.5 % move, 0.2 % depart and as many are new.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from bench.assign import CITIES, PARTS
from bench.measure import Row, in_turns
from lake.engine import ROW_GROUP, DuckDB
from lake.models import Partition
from segmentation.bands import column
from segmentation.flow.flows import count_flows
from segmentation.parts import CUSTOMER

ROUNDS = 3
CELLS = 9_375
MOVED, LEFT = 0.025, 0.002
DAYS = (date(2026, 7, 1), date(2026, 7, 2))


# --- the input ---


def prepare(work: Path, customers: int) -> None:
    for day in DAYS:
        _partition(day).path.mkdir(parents=True)
    for part in range(PARTS):
        _write_part(customers, part)


def _write_part(customers: int, part: int) -> None:
    rng = np.random.default_rng([11, part])
    rows = customers // PARTS + (part < customers % PARTS)
    numbers = np.sort(rng.choice(10**9, rows, replace=False)) * PARTS + part + 10**10
    cities = np.array(CITIES)[rng.integers(0, len(CITIES), rows)]
    # As in life, a few cells hold most customers.
    cells = 1 + np.minimum(rng.exponential(CELLS / 6, (2, rows)).astype(np.int64), CELLS - 1)
    moves = rng.random(rows) < MOVED
    here = rng.random((2, rows)) >= LEFT
    for place, day in enumerate(DAYS):
        cell = np.where(moves, cells[place], cells[0])[here[place]]
        table = pa.table(
            {
                CUSTOMER: pa.array(numbers[here[place]]).cast(pa.string()),
                "city": pa.array(cities[here[place]]),
                "cell_retention": pa.array(cell),
            }
        )
        pq.write_table(
            table,
            _partition(day).file(part),
            compression="zstd",
            row_group_size=ROW_GROUP,
            use_dictionary=["city", "cell_retention"],
        )


def _partition(day: date) -> Partition:
    """The partition as its row would name it; no database is asked."""
    facts = {"matrices": [{"matrix": "retention", "version": 1}]}
    return Partition(dataset="cells", business_date=day, key="bench", parts=PARTS, facts=facts)


# --- the rows ---


def _join() -> None:
    """Count who is there on both days, part by part: the least that any flow must do."""
    same = column(CUSTOMER, "today").eq(column(CUSTOMER, "yesterday"))
    count = exp.Count(this=exp.Star())
    tree = sqlglot.select(count).from_("today").join("yesterday", on=same)
    days = [_partition(day) for day in DAYS]
    with DuckDB() as engine:
        for part in range(PARTS):
            for name, day in zip(("yesterday", "today"), days, strict=True):
                engine.register(name, day.file(part))
            engine.rows(tree)


def _flow() -> None:
    yesterday, today = (_partition(day) for day in DAYS)
    count_flows(today, yesterday, lambda *_: None)


def ratio_to_join(work: Path, customers: int) -> float:
    join, flow = in_turns(ROUNDS, _join, _flow)
    return flow / join


ROWS = (
    Row(
        "segmentation_flow",
        "flows of two days by cell and city ÷ joining the two days on the customer number",
        ratio_to_join,
        2,
    ),
)
