"""Association: how near counting all pairs of 60 products is to merely reading them.

The input is 60 yes-or-no columns of differing frequency, held together by a hidden group, cut into
16 parts as in the lake.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from bench.measure import Row, in_turns
from lake.engine import ROW_GROUP
from scoring.learning.association import PairCounts, associate
from scoring.learning.items import flags

PARTS = 16
ROUNDS = 3
GROUPS = 6
PRODUCTS = [f"has_{product:02d}" for product in range(60)]
BRANDS = ("gotone", "mzone", "easyown")


def prepare(work: Path, customers: int) -> None:
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(_write_part, work, customers), range(PARTS)))


def _write_part(work: Path, customers: int, part: int) -> None:
    rng = np.random.default_rng([7, part])
    rows = customers // PARTS + (part < customers % PARTS)
    group = rng.integers(0, GROUPS, rows)
    table = {"brand": pa.array(np.array(BRANDS)[rng.integers(0, len(BRANDS), rows)])}
    for position, product in enumerate(PRODUCTS):
        share = np.linspace(0.005, 0.5, len(PRODUCTS))[position]
        by_group = share * np.linspace(0.3, 1.7, GROUPS, dtype=np.float32)
        liking = np.roll(by_group, position)[group]
        table[product] = pa.array(rng.random(rows, dtype=np.float32) < liking)
    file = work / f"products-{part:04d}.parquet"
    pq.write_table(pa.table(table), file, compression="zstd", row_group_size=ROW_GROUP)


def _batches(work: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    files = sorted(work.glob("products-*.parquet"))
    yield from ds.dataset(files).to_batches(columns=columns, batch_size=ROW_GROUP)


def _scan(work: Path, columns: list[str]) -> int:
    return sum(batch.num_rows for batch in _batches(work, columns))


def _count(work: Path, columns: list[str], counts: PairCounts) -> None:
    for batch in _batches(work, columns):
        counts.add(batch)
    associate(counts, [("service", "service")])


def all_pairs(work: Path, customers: int) -> float:
    """Counting and statistics of all 1,770 pairs against reading the columns."""

    def count() -> None:
        _count(work, PRODUCTS, PairCounts(flags("service", PRODUCTS)))

    scan, counted = in_turns(ROUNDS, partial(_scan, work, PRODUCTS), count)
    return counted / scan


def by_brand(work: Path, customers: int) -> float:
    """The same within three brands, with the lifts adjusted for them."""
    columns = [*PRODUCTS, "brand"]

    def count() -> None:
        _count(work, columns, PairCounts(flags("service", PRODUCTS), "brand", BRANDS))

    scan, counted = in_turns(ROUNDS, partial(_scan, work, columns), count)
    return counted / scan


ROWS = (
    Row("association", "all pairs of 60 products against the scan", all_pairs, bar=8),
    Row("association.by_brand", "the same by brand, with adjusted lifts", by_brand, bar=None),
)
