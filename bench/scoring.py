"""Eight models over the province's customers: the day's way beside bare ``predict_proba``.

Ours is all that the day does to a part of the snapshot: every model scores each batch, grades it,
tells reasons where asked, counts what it met. The bare side makes the same batches into the same
matrices and calls nothing but ``predict_proba`` of plain estimators (see scoring_models). Both read
the Parquet files by the same statement, which counts on either side; what ours is over
``predict_proba`` without any reading is told too. They take turns, part by part.
"""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from sklearn.base import ClassifierMixin

from bench.measure import Row
from bench.scoring_models import plain_ones, predict_proba, train, versions
from customers.models import Type
from lake.engine import ROW_GROUP, DuckDB
from lake.models import Partition
from sample import tables
from sample.days import BLOCK, Province, training_block
from sample.people import Columns
from scoring.applied import Encoded
from scoring.score import SNAPSHOT, Scoring

FIRST_DAY = date(2026, 7, 1)
PARTS = 16
LEARNERS = BLOCK
WIDER = {pa.int16(): pa.int64(), pa.int32(): pa.int64()}
TYPES = {
    pa.bool_(): Type.BOOLEAN,
    pa.int64(): Type.INTEGER,
    pa.float64(): Type.NUMBER,
    pa.date32(): Type.DATE,
    pa.string(): Type.CATEGORY,
}


def prepare(work: Path, customers: int) -> None:
    settings.MODELS_DIR = work / "models"
    learners = Province(LEARNERS, FIRST_DAY, 1, seed=5)
    people = training_block(learners, 0)
    table = _table(people)
    categories = {
        field.attribute: [str(code) for code in field.codes]
        for field in tables.FIELDS
        if field.codes
    }
    train(table, people, categories, work)
    snapshot = _snapshot(customers)
    snapshot.path.mkdir(parents=True)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(_write_part, snapshot, customers), range(PARTS)))


def _snapshot(customers: int) -> Partition:
    return Partition(
        dataset="customers", business_date=FIRST_DAY, key="made", parts=PARTS, rows=customers
    )


def _write_part(snapshot: Partition, customers: int, part: int) -> None:
    """Write every so-manieth block of the province, as the lake has its customers."""
    province = Province(customers, FIRST_DAY, 1, seed=7)
    mine = range(part, province.blocks, PARTS)
    made = [_table(training_block(province, block)) for block in mine] or [
        _table(training_block(province, 0)).slice(0, 0)
    ]
    pq.write_table(
        pa.concat_tables(made), snapshot.file(part), compression="zstd", row_group_size=ROW_GROUP
    )


def _table(people: Columns) -> pa.Table:
    """A block under the attributes' names, with the lake's types."""
    names = ["customer_no", "city", *(field.attribute for field in tables.FIELDS)]
    raw = tables.customers_table(people).rename_columns(names)
    plain = [
        pa.string() if pa.types.is_dictionary(field.type) else WIDER.get(field.type, field.type)
        for field in raw.schema
    ]
    return raw.cast(pa.schema(list(zip(names, plain, strict=True))))


# --- the rows ---


def _scoring(work: Path, customers: int, *, reasons: bool) -> Scoring:
    """The day's models over the snapshot, without a database: the types that it would tell."""
    settings.MODELS_DIR = work / "models"
    snapshot = _snapshot(customers)
    schema = pq.read_schema(snapshot.file(0))
    types = {field.name: TYPES[field.type] for field in schema}
    with patch("scoring.score.types_of", return_value=types):
        return Scoring(snapshot, versions(work, reasons=reasons), None)


def _against_bare(work: Path, customers: int, *, reasons: bool, reading: bool = True) -> float:
    """``reading``: whether the bare side's reading and making of matrices counts."""
    scoring, plain = _scoring(work, customers, reasons=reasons), plain_ones(work)
    seconds = {"ours": 0.0, "bare": 0.0, "predict_proba": 0.0}

    def bare(part: int) -> None:
        seconds["predict_proba"] += _bare(scoring, plain, part)

    for part in range(PARTS):
        runs = [("ours", partial(scoring.part, part)), ("bare", partial(bare, part))]
        # Whoever comes second finds the file in memory.
        for name, run in runs if part % 2 else reversed(runs):
            started = time.perf_counter()
            run()
            seconds[name] += time.perf_counter() - started
    return seconds["ours"] / seconds["bare" if reading else "predict_proba"]


def _bare(scoring: Scoring, plain: dict[str, list[ClassifierMixin]], part: int) -> float:
    """Seconds of predict_proba alone."""
    seconds = 0.0
    for encoded in _batches(scoring, part):
        for model in scoring.models:
            x = encoded.matrix(model.features)
            started = time.perf_counter()
            predict_proba(plain[model.code], x)
            seconds += time.perf_counter() - started
    return seconds


def _batches(scoring: Scoring, part: int) -> Iterator[Encoded]:
    with DuckDB() as engine:
        engine.register(SNAPSHOT, scoring.snapshot.file(part))
        yield from map(Encoded, engine.batches(scoring.tree, scoring.params.values))


def peak(work: Path, customers: int) -> float:
    """GiB that the process which scores held at most."""
    scoring = _scoring(work, customers, reasons=True)
    for part in range(PARTS):
        scoring.part(part)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


ROWS = (
    Row(
        "scoring.scores",
        "8 models, scores and grades, over bare predict_proba on the same batches",
        partial(_against_bare, reasons=False),
        1.5,
    ),
    Row(
        "scoring.reasons",
        "the same with three reasons in words",
        partial(_against_bare, reasons=True),
        2.5,
    ),
    Row(
        "scoring.unread",
        "scores and grades, reading counted on our side only",
        partial(_against_bare, reasons=False, reading=False),
        None,
    ),
    Row("scoring.peak", "peak memory of scoring with reasons", peak, 4, "GiB"),
)
