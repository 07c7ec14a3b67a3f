"""How a day's uplifts did, by the trials that began on that day, once their windows are over.

Who takes part in a trial is contacted or left alone by lot; the trial's outcomes are orders. The
customers' features of the day are read for one thing: to see that it was the lot.
"""

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from .dataset import HAPPENED, TRIAL, in_trial, ordered_within
from .kinds.base import Definition
from .known import (
    ORDERS,
    SCORES,
    SNAPSHOT,
    TRIALS,
    Known,
    column,
    orders_of,
    same_customer,
    scores_of,
    snapshot_of,
    window_of,
)
from .learning.features import Feature, to_float
from .learning.qini import Estimate as Ends
from .learning.uplift_standing import (
    TrialStanding,
    estimate_of,
    trial_performance,
    trial_standing,
    untold,
)
from .models import ModelDay
from .reporting import plain
from .rows import CUSTOMER, OUTCOME, TREATED, Rows, features_of

SCORE = "__score"


def known(day: ModelDay) -> Known | None:
    """Where it stands who took part in a trial from this day on, and what they ordered.

    None while the window is not over, and of days up to the version's own: what it learnt from
    says nothing about it. Who took part on a day is delivered with it, or within the window.
    """
    learnt_until = day.version.as_of
    if learnt_until is not None and day.business_date <= learnt_until:
        return None
    within_days = day.version.definition["trial"]["within_days"]
    trials = window_of(TRIALS, day, within_days)
    if not any(partition.rows for partition in trials):
        return None
    scores, snapshot, orders = scores_of(day), snapshot_of(day), orders_of(day, within_days)
    if scores is None or snapshot is None or not orders:
        return None
    return Known(scores, snapshot, orders, trials)


def measured(definition: Definition, known: Known, quality: dict[str, Any]) -> dict[str, Any]:
    """What came of the day's uplifts; nothing where no trial of the definition began on the day.

    ``quality``: the figures of the version's report, of the rows held out of its training.
    """
    assert known.snapshot is not None
    features = _alike(definition, known.snapshot)
    table = _table(definition, known, features)
    if table is None:
        return {}
    now = _standing(Rows(table, features))
    return plain(trial_performance(_then(quality), now))  # type: ignore[no-any-return]


def _standing(rows: Rows) -> TrialStanding:
    score = to_float(rows.table.column(SCORE))
    if len(rows.table.column(CUSTOMER).unique()) < len(rows):
        # In both arms at once, or counted twice: whose outcome it is can't be told.
        return untold(score, rows.y, rows.treated, "duplicate_customers")
    return trial_standing(score, rows.y, rows.treated, rows.x, rows.features)


def _then(quality: dict[str, Any]) -> TrialStanding:
    """How the version stood on the rows held out of its training."""
    overall, rows = quality["overall"], quality["rows"]
    treated, control = overall["treated"], overall["control"]
    return TrialStanding(
        treated=treated["n"],
        control=control["n"],
        positives=treated["outcomes"] + control["outcomes"],
        foretold=None,
        uplift=estimate_of(Ends(**overall["uplift"]), rows),
        qini=estimate_of(Ends(**quality["qini"]), rows),
        lot=None,
    )


def _alike(definition: Definition, snapshot: Partition) -> tuple[Feature, ...]:
    """The features that the snapshot has, as the type that they had in training."""
    schema = pq.read_schema(snapshot.file(0))
    features = features_of(definition["reads"], definition.get("categories", {}))
    return tuple(
        f
        for f in features
        if f.attribute in schema.names
        and pa.types.is_string(schema.field(f.attribute).type) == (f.categories is not None)
    )


def _table(definition: Definition, known: Known, features: tuple[Feature, ...]) -> pa.Table | None:
    """A row per customer of the trial who has a score; None where nobody took part."""
    assert known.snapshot is not None
    with DuckDB(threads=1) as engine:
        engine.register(TRIALS, known.files(*known.trials))
        # Most days have none: they cost a look at the trials, and not at everybody's scores.
        if not _began(engine, definition, known.scores.business_date):
            return None
        engine.register(SCORES, known.files(known.scores))
        engine.register(SNAPSHOT, known.files(known.snapshot))
        engine.register(ORDERS, known.files(*known.orders))
        params = Params(known.scores.business_date)
        return engine.arrow(_tree(definition, features, params), params.values)


def _began(engine: DuckDB, definition: Definition, day: date) -> bool:
    params = Params(day)
    someone = in_trial(definition["trial"]["code"], day, params)
    query = sqlglot.select(column(TREATED, TRIAL)).from_(someone).limit(1)
    return bool(engine.rows(query, params.values))


def _tree(definition: Definition, features: tuple[Feature, ...], params: Params) -> exp.Select:
    day, trial = params.business_date, definition["trial"]
    assert day is not None
    score = column(definition["output"], SCORES)
    happened = exp.Not(this=column("customer_no", HAPPENED).is_(exp.null()))
    ordered = ordered_within(trial, day, params)
    return (
        sqlglot.select(
            exp.alias_(column("customer_no", SCORES), CUSTOMER, quoted=True),
            exp.alias_(score, SCORE, quoted=True),
            column(TREATED, TRIAL),
            exp.alias_(happened, OUTCOME, quoted=True),
            *(column(feature.attribute, SNAPSHOT) for feature in features),
        )
        .from_(SCORES)
        .join(in_trial(trial["code"], day, params), on=same_customer(TRIAL))
        .join(SNAPSHOT, on=same_customer(SNAPSHOT))
        .join(ordered, on=same_customer(HAPPENED), join_type="left")
        .where(exp.Not(this=score.is_(exp.null())))
        # In one order, however the lake is cut: the folds that look at the lot go by place.
        .order_by(column("customer_no", SCORES))
    )
