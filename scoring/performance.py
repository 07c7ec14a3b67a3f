"""How a day's scores did, once it is known what their customers did afterwards.

A label is of the day of its snapshot: it comes when that day is delivered again, with the label.
Orders come by themselves; the window that a definition names must be over. What is measured is
held against the version's figures on the rows held out of its training, and kept on the scored day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import sqlglot
from django.conf import settings
from django.db.models import Max
from numpy.typing import NDArray
from sqlglot import exp

from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from .kinds import KINDS
from .kinds.base import Definition
from .kinds.outcome import OutcomeKind
from .learning.calibration import calibration
from .learning.curves import ladder
from .learning.drift import Performance, Standing, performance, standing
from .learning.estimates import Estimate, difference, share, unknown
from .learning.features import to_float
from .models import ModelDay, VersionState
from .reporting import plain

# Customers measured of a day: whole parts, which are cut by a hash of the number.
MOST = 500_000
# Days measured at once: where the labels of a month come together, the rest follows the next day.
AT_ONCE = 30
# The least change of the level, in log-odds, that is told: a fifth more or less than was foretold.
LEVEL_TRIFLE = 0.2
SCORES, SNAPSHOT, ORDERS = "scores", "snapshot", "orders"
SCORE, OUTCOME = "score", "outcome"


@dataclass(frozen=True)
class Known:
    """Where it stands what a day's customers did: the labelled snapshot, or days of orders."""

    scores: Partition
    snapshot: Partition | None
    orders: tuple[Partition, ...]

    @property
    def made_from(self) -> list[int]:
        told = [self.snapshot] if self.snapshot else [*self.orders]
        return [p.pk for p in (self.scores, *told)]

    @property
    def parts(self) -> range:
        """So many parts as hold no more than MOST customers."""
        return sampled(self.scores)


def measure_due(today: date) -> list[ModelDay]:
    """Measure the scored days whose outcomes have become known; return those, newest first.

    What has been measured from the same data is not measured again: called once more, or after a
    kill, it does what is left.
    """
    measured = []
    for day in _open_days(today):
        known = _known(day)
        if known is None or day.performance.get("made_from") == known.made_from:
            continue
        day.performance = _measured(day, known) | {"made_from": known.made_from}
        day.save(update_fields=["performance"])
        measured.append(day)
        if len(measured) == AT_ONCE:
            break
    return measured


def performance_alerts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what somebody should look at: {code, attribute, figure, limit}."""
    if not told:
        return []
    alerts = []
    if told["verdict"] == "worse":
        alerts.append(_alert("performance_fell", told["now"]["auc"], told["then"]["auc"]))
    level = told["calibration"]["level_change"]
    if _surely_off(level):
        came = told["calibration"]
        alerts.append(_alert("level_shifted", came["rate"], {"value": came["foretold"]}))
    return alerts


def _alert(code: str, now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    figures = {"figure": round(now["value"], 6), "limit": round(then["value"], 6)}
    return {"code": code, "attribute": "", **figures, "low": now["low"], "high": now["high"]}


def _surely_off(change: dict[str, Any]) -> bool:
    if change["value"] is None:
        return False
    return abs(change["value"]) > LEVEL_TRIFLE and (change["low"] > 0 or change["high"] < 0)


# --- what is due ---


def _open_days(today: date) -> Iterator[ModelDay]:
    """Days scored by versions in use, or lately so, as long as the lake keeps them."""
    days = ModelDay.objects.filter(
        version__state__in=[VersionState.PUBLISHED, VersionState.REPLACED],
        business_date__range=(today - timedelta(days=settings.LAKE_KEEP_DAYS), today),
        stale_since=None,
        scores__isnull=False,
    ).select_related("version__model")
    for day in days.defer("version__profile", "version__stages").order_by("-business_date", "pk"):
        if isinstance(KINDS[day.version.model.kind], OutcomeKind) and _then(day) is not None:
            yield day


def _known(day: ModelDay) -> Known | None:
    """Where the day's outcomes stand; None while they are not known."""
    scores = Partition.objects.filter(pk=day.scores).first()
    if scores is None:
        return None
    label = day.version.definition["label"]
    if isinstance(label, str):
        snapshot = _newest("customers", day.business_date)
        if snapshot is None or not _labelled(snapshot, label):
            return None
        return Known(scores, snapshot, ())
    end = day.business_date + timedelta(days=label["within_days"] - 1)
    last = Partition.objects.of(ORDERS).aggregate(last=Max("business_date"))["last"]
    if last is None or last < end:
        return None
    newest = Partition.objects.of(ORDERS).filter(business_date__range=(day.business_date, end))
    by_day = tuple(newest.order_by("business_date", "-pk").distinct("business_date"))
    return Known(scores, None, by_day) if by_day else None


def _newest(dataset: str, day: date) -> Partition | None:
    found = Partition.objects.of(dataset).filter(business_date=day)
    return found.order_by("-pk").first()


def _labelled(snapshot: Partition, label: str) -> bool:
    """Whether anybody's label is known, by what the files say of themselves."""
    for part in sampled(snapshot):
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


def sampled(partition: Partition) -> range:
    whole = partition.parts * MOST // max(1, partition.rows)
    return range(max(1, min(partition.parts, whole)))


# --- measuring ---


def _measured(day: ModelDay, known: Known) -> dict[str, Any]:
    y, score = _outcomes(day.version.definition, known)
    kind = KINDS[day.version.model.kind]
    assert isinstance(kind, OutcomeKind)
    then = _then(day)
    assert then is not None
    found: Performance = performance(then, standing(y, score))
    trained = day.version.report["evaluation"]["calibration"]["intercept"]
    told = _calibration(y, score * kind.per_unit, Estimate(**trained))
    return plain(found) | {"calibration": plain(told)}


def _then(day: ModelDay) -> Standing | None:
    """How the version stood on the rows held out of its training."""
    told = day.version.report.get("evaluation")
    if not told:
        return None
    auc, lift = Estimate(**told["auc"]), Estimate(**told["tenths"][0]["lift"])
    return Standing(told["n"], told["positives"], auc, lift)


def _calibration(
    y: NDArray[np.bool_], probability: NDArray[np.float64], trained: Estimate
) -> dict[str, Any]:
    """``level_change``: by how much more of it came than was foretold, beyond training's, log-odds.

    At training most models are right on average; what they were off by then is not news.
    """
    if not len(y):
        nothing = unknown("no_rows")
        return {"foretold": None, "rate": nothing, "slope": nothing, "level_change": nothing}
    rate, foretold = share(int(y.sum()), len(y)), float(probability.mean())
    if rate.value in (0.0, 1.0):
        nothing = unknown("one_class", len(y))
        return {"foretold": foretold, "rate": rate, "slope": nothing, "level_change": nothing}
    found = calibration(y, probability, ladder(y, probability))
    change = difference(found.intercept, trained) if trained.value is not None else found.intercept
    return {"foretold": foretold, "rate": rate, "slope": found.slope, "level_change": change}


def _outcomes(
    definition: Definition, known: Known
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether it happened, and the score, of each customer who has both."""
    params = Params(known.scores.business_date)
    scored = _column(definition["output"], SCORES)
    query = sqlglot.select(exp.alias_(scored, SCORE, quoted=True)).from_(SCORES)
    query = query.where(exp.Not(this=scored.is_(exp.null())))
    if known.snapshot is not None:
        happened: exp.Expression = _column(definition["label"], SNAPSHOT)
        query = query.join(SNAPSHOT, on=_same_customer(SNAPSHOT))
        query = query.where(exp.Not(this=happened.is_(exp.null())))
    else:
        ordered = _ordered(definition["label"], known, params)
        query = query.join(ordered, on=_same_customer(ORDERS), join_type="left")
        happened = exp.Not(this=_column("customer_no", ORDERS).is_(exp.null()))
    outcome = exp.cast(happened, "BOOLEAN")
    if definition.get("opposite"):
        outcome = exp.Not(this=exp.paren(outcome))
    query = query.select(exp.alias_(outcome, OUTCOME, quoted=True))
    with DuckDB(threads=1) as engine:
        engine.register(SCORES, [known.scores.file(part) for part in known.parts])
        if known.snapshot is not None:
            engine.register(SNAPSHOT, [known.snapshot.file(part) for part in known.parts])
        else:
            engine.register(ORDERS, [p.file(n) for p in known.orders for n in known.parts])
        table = engine.arrow(query, params.values)
    return to_float(table.column(OUTCOME)) > 0, to_float(table.column(SCORE))


def _ordered(label: Definition, known: Known, params: Params) -> exp.Subquery:
    """Who ordered one of the policies within the window, as scoring.dataset reads it."""
    begin = known.scores.business_date
    end = begin + timedelta(days=label["within_days"])
    policies = [params.bind(policy, "VARCHAR") for policy in label["ordered"]]
    day = _column("ordered_on", ORDERS)
    return (
        sqlglot.select(_column("customer_no", ORDERS))
        .distinct()
        .from_(ORDERS)
        .where(_column("policy", ORDERS).isin(*policies))
        .where(exp.GTE(this=day, expression=params.bind(begin, "DATE")))
        .where(exp.LT(this=day, expression=params.bind(end, "DATE")))
        .subquery(ORDERS)
    )


def _column(name: str, table: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _same_customer(table: str) -> exp.EQ:
    return exp.EQ(this=_column("customer_no", SCORES), expression=_column("customer_no", table))
