"""How a day's scores did, once it is known what their customers did afterwards.

A label is of the day of its snapshot: it comes when that day is delivered again, with the label.
Orders come by themselves; the window that a definition names must be over. What a contact adds is
told by the trials that began on the day (trial_performance). What is measured is held against the
version's figures on the rows held out of its training, and kept on the scored day.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import sqlglot
from django.conf import settings
from numpy.typing import NDArray
from scipy.special import expit, logit
from sqlglot import exp

from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from . import trial_performance
from .dataset import HAPPENED, ordered_within
from .kinds import KINDS
from .kinds.base import Definition
from .kinds.outcome import OutcomeKind
from .kinds.uplift import UpliftKind
from .known import (
    ORDERS,
    SCORES,
    SNAPSHOT,
    Known,
    column,
    orders_of,
    same_customer,
    sampled,
    scores_of,
    snapshot_of,
)
from .learning.calibration import calibration
from .learning.curves import ladder
from .learning.drift import Performance, Standing, performance, standing
from .learning.estimates import Estimate, difference, share, unknown
from .learning.features import to_float
from .models import ModelDay, ModelVersion, VersionState
from .reporting import plain

# Days measured at once: where the labels of a month come together, the rest follows the next day.
AT_ONCE = 30
# The least change of the level, in log-odds, that is told: a fifth more or less than was foretold.
LEVEL_TRIFLE = 0.2
TINY = 1e-9  # nearer to 0 and 1 no probability is taken
SCORE, OUTCOME = "score", "outcome"
MEASURED_ON = "measured_on"
Evaluation = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Due:
    """``days``: those that this business date measured, newest first; ``failed``: how many not."""

    days: list[ModelDay]
    failed: int


def measure_due(today: date) -> Due:
    """Measure the scored days whose outcomes have become known by the business date ``today``.

    What has been measured from the same data is not measured again: called once more, or after a
    kill, it does what is left, and returns all. A day that can't be measured is counted, with a
    word in the log: it is a figure beside the work of the day, which must not wait for it.
    """
    days: list[ModelDay] = []
    left, failed = AT_ONCE, 0
    for day, evaluation in _open_days(today):
        try:
            known = _known(day)
            if known is None:
                continue
            if day.performance.get("made_from") != known.made_from:
                made = {"made_from": known.made_from, MEASURED_ON: str(today)}
                told = _measured(day, known, evaluation)
                told = told | made if told else {}
                if told != day.performance:
                    day.performance = told
                    day.save(update_fields=["performance"])
                    left -= 1
        except Exception:
            logger.exception("%s of %s could not be measured", day.version, day.business_date)
            failed += 1
            continue
        if day.performance.get(MEASURED_ON) == str(today):
            days.append(day)
        if not left:
            break
    return Due(days, failed)


def performance_alerts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what somebody should look at: {code, attribute, figure, limit, size}.

    ``size``: how far off the level is, in log-odds, up or down; how far the uplift's Qini fell.
    """
    if not told:
        return []
    if "qini" in told["now"]:
        return _uplift_alerts(told)
    alerts = []
    if told["verdict"] == "worse":
        alerts.append(_alert("performance_fell", told["now"]["auc"], told["then"]["auc"]))
    level = told["calibration"]["level_change"]
    if _surely_off(level):
        came = told["calibration"]
        shifted = _alert("level_shifted", came["rate"], {"value": came["expected"]})
        alerts.append(shifted | {"size": level["value"]})
    return alerts


def _uplift_alerts(told: dict[str, Any]) -> list[dict[str, Any]]:
    if told["verdict"] != "worse":
        return []
    fell = _alert("uplift_fell", told["now"]["qini"], told["then"]["qini"])
    return [fell | {"size": -told["qini_change"]["value"]}]


def _alert(code: str, now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    figures = {"figure": round(now["value"], 6), "limit": round(then["value"], 6)}
    return {"code": code, "attribute": "", **figures, "low": now["low"], "high": now["high"]}


def _surely_off(change: dict[str, Any]) -> bool:
    if change["value"] is None:
        return False
    return abs(change["value"]) > LEVEL_TRIFLE and (change["low"] > 0 or change["high"] < 0)


# --- what is due ---


def _open_days(today: date) -> Iterator[tuple[ModelDay, Evaluation]]:
    """Days scored by versions in use, or lately so, as long as the lake keeps them.

    Each with how its version did on the rows held out of its training.
    """
    days = ModelDay.objects.filter(
        version__state__in=[VersionState.PUBLISHED, VersionState.REPLACED],
        business_date__range=(today - timedelta(days=settings.LAKE_KEEP_DAYS), today),
        stale_since=None,
        scores__isnull=False,
    ).select_related("version__model")
    heavy = ("facts", "version__profile", "version__stages", "version__report")
    evaluations = _evaluations([*days.order_by().values_list("version", flat=True).distinct()])
    for day in days.defer(*heavy).order_by("-business_date", "pk"):
        if day.version_id in evaluations:
            yield day, evaluations[day.version_id]


def _evaluations(versions: list[int]) -> dict[int, Evaluation]:
    """What is held against the days of these versions; of other kinds nothing can be measured."""
    rows = ModelVersion.objects.filter(pk__in=versions)
    found = {}
    told = rows.values_list("pk", "model__kind", "report__evaluation", "report__quality")
    for pk, code, evaluation, quality in told:
        kind = KINDS[code]
        if isinstance(kind, OutcomeKind) and evaluation:
            found[pk] = evaluation
        elif isinstance(kind, UpliftKind) and quality:
            found[pk] = quality
    return found


def _known(day: ModelDay) -> Known | None:
    """Where the day's outcomes stand; None while they are not known."""
    definition = day.version.definition
    if isinstance(KINDS[day.version.model.kind], UpliftKind):
        return trial_performance.known(day)
    scores, label = scores_of(day), definition["label"]
    if scores is None:
        return None
    if isinstance(label, str):
        snapshot = snapshot_of(day)
        if snapshot is None or not _labelled(snapshot, label):
            return None
        return Known(scores, snapshot)
    orders = orders_of(day, label["within_days"])
    return Known(scores, None, orders) if orders else None


def _labelled(snapshot: Partition, label: str) -> bool:
    """Whether anybody's label is known, by what the files say of themselves."""
    for part in sampled(snapshot, snapshot.rows):
        metadata = pq.read_metadata(snapshot.file(part))
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group)
            columns = (rows.column(place) for place in range(rows.num_columns))
            found = next((c for c in columns if c.path_in_schema == label), None)
            if found is None:
                return False
            if found.statistics is None or found.statistics.null_count < rows.num_rows:
                return True
    return False


# --- measuring ---


def _measured(day: ModelDay, known: Known, evaluation: Evaluation) -> dict[str, Any]:
    """What came of the day's scores; nothing where it turns out that nothing is to be measured."""
    kind = KINDS[day.version.model.kind]
    if isinstance(kind, UpliftKind):
        return trial_performance.measured(day.version.definition, known, evaluation)
    y, score = _outcomes(day.version.definition, known)
    assert isinstance(kind, OutcomeKind)
    found: Performance = performance(_then(evaluation), standing(y, score))
    trained = Estimate(**evaluation["calibration"]["intercept"])
    told = _calibration(y, score * kind.per_unit, trained)
    return plain(found) | {"calibration": plain(told)}


def _then(told: Evaluation) -> Standing:
    """How the version stood on the rows held out of its training."""
    auc, lift = Estimate(**told["auc"]), Estimate(**told["tenths"][0]["lift"])
    return Standing(told["n"], told["positives"], auc, lift)


def _calibration(
    y: NDArray[np.bool_], probability: NDArray[np.float64], trained: Estimate
) -> dict[str, Any]:
    """``level_change``: by how much more of it came than was to be expected, in log-odds.

    ``foretold``: the mean probability; ``expected``: the same, with what the version was off by on
    the rows held out of its training, which is not news.
    """
    if not len(y):
        nothing = unknown("no_rows")
        return {"foretold": None, "expected": None} | _no_level(nothing, nothing)
    rate, foretold = share(int(y.sum()), len(y)), float(probability.mean())
    shifted = expit(logit(np.clip(probability, TINY, 1 - TINY)) + (trained.value or 0.0))
    told = {"foretold": foretold, "expected": float(shifted.mean())}
    if rate.value in (0.0, 1.0):
        return told | _no_level(rate, unknown("one_class", len(y)))
    found = calibration(y, probability, ladder(y, probability))
    change = difference(found.intercept, trained) if trained.value is not None else found.intercept
    return told | {"rate": rate, "slope": found.slope, "level_change": change}


def _no_level(rate: Estimate, nothing: Estimate) -> dict[str, Estimate]:
    return {"rate": rate, "slope": nothing, "level_change": nothing}


def _outcomes(
    definition: Definition, known: Known
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether it happened, and the score, of each customer who has both."""
    params = Params(known.scores.business_date)
    scored = column(definition["output"], SCORES)
    query = sqlglot.select(exp.alias_(scored, SCORE, quoted=True)).from_(SCORES)
    query = query.where(exp.Not(this=scored.is_(exp.null())))
    if known.snapshot is not None:
        happened: exp.Expression = column(definition["label"], SNAPSHOT)
        query = query.join(SNAPSHOT, on=same_customer(SNAPSHOT))
        query = query.where(exp.Not(this=happened.is_(exp.null())))
    else:
        ordered = ordered_within(definition["label"], known.scores.business_date, params)
        query = query.join(ordered, on=same_customer(HAPPENED), join_type="left")
        happened = exp.Not(this=column("customer_no", HAPPENED).is_(exp.null()))
    outcome = exp.cast(happened, "BOOLEAN")
    if definition.get("opposite"):
        outcome = exp.Not(this=exp.paren(outcome))
    query = query.select(exp.alias_(outcome, OUTCOME, quoted=True))
    with DuckDB(threads=1) as engine:
        engine.register(SCORES, known.files(known.scores))
        if known.snapshot is not None:
            engine.register(SNAPSHOT, known.files(known.snapshot))
        else:
            engine.register(ORDERS, known.files(*known.orders))
        table = engine.arrow(query, params.values)
    return to_float(table.column(OUTCOME)) > 0, to_float(table.column(SCORE))
