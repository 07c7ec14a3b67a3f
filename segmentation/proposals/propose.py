"""A matrix proposed from data: which dimensions, cut where, separate an outcome best.

The outcome must have come after everything that the dimensions are cut by, or what looks like
foresight is hindsight: a leak, which is refused (law 7). There are three kinds of outcome:

label     an attribute known only afterwards, which a training snapshot holds beside what was known
becomes   a truth that is false in the snapshot and true in a later one
orders    an order of a policy after the snapshot's day

Dimensions are cut by attributes of the snapshot only. Scores are not: a model may have learnt from
the very outcome, and would be found to foretell what it was told.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from sqlglot import exp

from accounts.models import Level, Organisation
from common.errors import DomainError
from customers.catalogue import rule_catalogue
from customers.models import Attribute, Origin, Type
from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from ..bands import column
from ..definition import MatrixDefinition
from ..proof import prove
from ..reading import CUSTOMER
from .cutting import Candidate, Cut, NotEstimable, Reason, Truths, choose
from .draft import draft_of
from .separation import Separation, measure, suspicious

# Customers that a proposal is learned and measured on, half and half.
SAMPLE = 60_000
DRAWS = 1_000_000
# A cell must hold so many of the customers that it is learned from.
LEAST_IN_SAMPLE = 30
BINNABLE = (Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.CATEGORY)
SNAPSHOT, LATER, ORDERED = "snapshot", "later", "ordered"

WHY: dict[Reason, str] = {
    "too_few_outcomes": gettext_noop(
        "of %(customers)d customers %(hits)d have the outcome; at least %(least)d must have it, "
        "and as many not"
    ),
    "nothing_separates": gettext_noop(
        "no attribute separates the outcome in bands of at least %(least)d of the sampled customers"
    ),
    "too_few_dimensions": gettext_noop(
        "no two attributes cross in at most %(cells)d cells of at least %(least)d of the sampled "
        "customers; ask for more cells, or fewer customers in each"
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What is to be foretold. ``kind`` as above; ``code`` of the attribute or the policy.

    ``until``: the last day that counts, of an order; the later snapshot's day, of what becomes.
    """

    kind: str
    code: str
    until: date | None = None


@dataclass(frozen=True)
class Wish:
    """What a person asks for. ``candidates``: attribute codes; ``least``: customers in each cell.

    ``cells`` counts those of known bands; each null band adds its own beside them.
    """

    outcome: Outcome
    candidates: tuple[str, ...]
    cells: int
    least: int
    code: str
    strategy: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Proposal:
    """A draft that is proved, and what to expect of it. ``cuts``: by dimension, in its order."""

    definition: MatrixDefinition
    proof: Mapping[str, Any]
    cuts: tuple[Cut, ...]
    separation: Separation
    snapshot: Partition
    sampled: int


def propose(wish: Wish, snapshot: Partition) -> Proposal:
    """Return the matrix that separates the wished outcome best on the snapshot.

    Raises DomainError: ``leak`` and ``suspected_leak``, ``not_binnable``, ``attribute_missing``,
    ``outcome_not_later``, and the reasons of ``NotEstimable``.
    """
    attributes = _admitted(wish, snapshot)
    rows = _sample(wish.outcome, attributes, snapshot)
    outcome: Truths = np.asarray(rows["outcome"].to_numpy(zero_copy_only=False), dtype=bool)
    held_out = rows["half"].to_numpy(zero_copy_only=False).astype(bool)
    candidates = [_candidate(a, rows[a.code]) for a in attributes]
    share = int((~held_out).sum()) / max(1, snapshot.rows)
    least = max(LEAST_IN_SAMPLE, ceil(wish.least * share))
    try:
        fitted = [_half(c, ~held_out) for c in candidates]
        _refuse_suspects(suspicious(fitted, outcome[~held_out], least))
        cuts = choose(fitted, outcome[~held_out], cells=wish.cells, least=least)
        separation = measure(cuts, candidates, outcome, held_out, least=least)
    except NotEstimable as error:
        why = _(WHY[error.code]) % error.figures
        raise DomainError(
            error.code, _("No matrix can be proposed: %(why)s.") % {"why": why}, **error.figures
        ) from error
    definition = draft_of(wish, cuts, {a.code: a for a in attributes})
    cities = set(Organisation.objects.filter(level=Level.CITY).values_list("code", flat=True))
    proof = prove(definition, rule_catalogue(), cities)
    return Proposal(definition, proof, cuts, separation, snapshot, len(rows))


# --- what may be used ---


def _admitted(wish: Wish, snapshot: Partition) -> list[Attribute]:
    """The candidates as attributes, in the order of their codes; what would leak is refused."""
    present = set(pq.read_schema(snapshot.file(0)).names)
    known = Attribute.objects.in_bulk(wish.candidates)
    for code in wish.candidates:
        _refuse_unfit(code, known.get(code), wish.outcome)
        if code not in present:
            raise DomainError(
                "attribute_missing",
                _("The snapshot of %(day)s has no attribute %(code)s.")
                % {"day": snapshot.business_date, "code": code},
                attribute=code,
            )
    return [known[code] for code in sorted(known)]


def _refuse_unfit(code: str, attribute: Attribute | None, outcome: Outcome) -> None:
    if attribute is None:
        raise DomainError(
            "unknown_attribute", _("There is no attribute '%(code)s'.") % {"code": code}
        )
    its_own = outcome.kind != "orders" and code == outcome.code
    if attribute.origin == Origin.LABEL or its_own:
        raise _leak(code, _("it is known only with the outcome"))
    if attribute.origin == Origin.SCORE:
        raise _leak(code, _("it is a score, and its model may have learnt from the outcome"))
    if attribute.type not in BINNABLE:
        raise DomainError(
            "not_binnable",
            _("%(code)s is of type %(type)s; dimensions are cut by numbers, categories and truths.")
            % {"code": code, "type": attribute.type},
            attribute=code,
        )


def _leak(code: str, why: str) -> DomainError:
    return DomainError(
        "leak",
        _("%(code)s can't be a candidate: %(why)s. Leave it out.") % {"code": code, "why": why},
        attribute=code,
    )


def _refuse_suspects(suspects: Collection[str]) -> None:
    if suspects:
        raise DomainError(
            "suspected_leak",
            _(
                "%(codes)s alone tells almost every outcome, which only what came after it does. "
                "Leave it out, or learn from an earlier snapshot."
            )
            % {"codes": ", ".join(suspects)},
            attributes=list(suspects),
        )


# --- the sample ---


def _sample(outcome: Outcome, attributes: Sequence[Attribute], snapshot: Partition) -> pa.Table:
    """outcome, half (0 or 1), and every attribute, of at most SAMPLE customers or so.

    As many whole parts as hold them, and of those the customers whose numbers draw low: the same
    sample every time, and the same halves.
    """
    per_part = max(1, snapshot.rows // snapshot.parts)
    parts = min(snapshot.parts, ceil(SAMPLE / per_part))
    rate = min(1.0, SAMPLE / (per_part * parts))
    params = Params(snapshot.business_date)
    with DuckDB() as engine:
        engine.register(SNAPSHOT, [snapshot.file(part) for part in range(parts)])
        tree = _SOURCES[outcome.kind](engine, outcome, snapshot, params)
        digest = exp.func("md5_number_lower", column(CUSTOMER, SNAPSHOT), dialect="duckdb")
        draw = exp.Mod(this=digest, expression=exp.Literal.number(2 * DRAWS))
        drawn = exp.LT(this=draw, expression=params.bind(rate * 2 * DRAWS, "DOUBLE"))
        half = exp.Mod(this=exp.paren(draw.copy()), expression=exp.Literal.number(2))
        tree = tree.select(
            exp.alias_(exp.cast(half, "INT"), "half"),
            *[exp.alias_(_value(a), a.code, quoted=True) for a in attributes],
        ).where(drawn)
        return engine.arrow(tree, params.values)


def _value(attribute: Attribute) -> exp.Expression:
    types = {Type.BOOLEAN: "BOOLEAN", Type.CATEGORY: "TEXT"}
    return exp.cast(column(attribute.code, SNAPSHOT), types.get(Type(attribute.type), "DOUBLE"))


def _labelled(engine: DuckDB, outcome: Outcome, snapshot: Partition, params: Params) -> exp.Select:
    attribute = Attribute.objects.filter(pk=outcome.code, type=Type.BOOLEAN).first()
    if attribute is None or attribute.origin != Origin.LABEL:
        raise DomainError(
            "no_label",
            _("'%(code)s' is no outcome that a training snapshot holds.") % {"code": outcome.code},
        )
    if outcome.code not in pq.read_schema(snapshot.file(0)).names:
        raise DomainError(
            "attribute_missing",
            _("The snapshot of %(day)s has no attribute %(code)s.")
            % {"day": snapshot.business_date, "code": outcome.code},
            attribute=outcome.code,
        )
    label = column(outcome.code, SNAPSHOT)
    known = exp.not_(exp.Is(this=label.copy(), expression=exp.null()))
    return sqlglot.select(exp.alias_(label, "outcome")).from_(SNAPSHOT).where(known)


def _became(engine: DuckDB, outcome: Outcome, snapshot: Partition, params: Params) -> exp.Select:
    """Of whom it was false in the snapshot; who is gone or unknown later is left out."""
    attribute = Attribute.objects.filter(pk=outcome.code, type=Type.BOOLEAN).first()
    if attribute is None or attribute.origin == Origin.LABEL:
        raise DomainError(
            "not_a_truth",
            _("'%(code)s' is no attribute that is true or false.") % {"code": outcome.code},
        )
    later = _snapshot_of(outcome.until)
    if later is None or later.business_date <= snapshot.business_date:
        raise _not_later(snapshot)
    engine.register(LATER, later.files)
    same = column(CUSTOMER, SNAPSHOT).eq(column(CUSTOMER, LATER))
    now, then = column(outcome.code, LATER), column(outcome.code, SNAPSHOT)
    return (
        sqlglot.select(exp.alias_(now, "outcome"))
        .from_(SNAPSHOT)
        .join(LATER, on=same)
        .where(exp.not_(then), exp.not_(exp.Is(this=now.copy(), expression=exp.null())))
    )


def _ordered(engine: DuckDB, outcome: Outcome, snapshot: Partition, params: Params) -> exp.Select:
    """Every customer, and whether he ordered after the snapshot's day."""
    last = outcome.until or date.max
    later = latest_of("orders", after=snapshot.business_date, until=last)
    if not later:
        raise _not_later(snapshot)
    engine.register(ORDERED, [file for partition in later for file in partition.files])
    policy = column("policy", ORDERED).eq(params.bind(outcome.code, "TEXT"))
    first = params.bind(snapshot.business_date + timedelta(days=1), "DATE")
    ordered_on = column("ordered_on", ORDERED)
    within = exp.Between(this=ordered_on, low=first, high=params.bind(last, "DATE"))
    buyers = sqlglot.select(column(CUSTOMER, ORDERED)).from_(ORDERED).where(policy, within)
    bought = exp.In(this=column(CUSTOMER, SNAPSHOT), query=exp.Subquery(this=buyers))
    return sqlglot.select(exp.alias_(bought, "outcome")).from_(SNAPSHOT)


_SOURCES = {"label": _labelled, "becomes": _became, "orders": _ordered}


def _not_later(snapshot: Partition) -> DomainError:
    return DomainError(
        "outcome_not_later",
        _(
            "What is to be foretold must have happened after %(day)s, the day of the snapshot; "
            "nothing later is in the lake."
        )
        % {"day": snapshot.business_date},
    )


def latest_of(
    dataset: str, *, after: date | None = None, until: date | None = None
) -> list[Partition]:
    """The newest partition of each business date, by date."""
    found = Partition.objects.of(dataset)
    if after is not None:
        found = found.filter(business_date__gt=after)
    if until is not None:
        found = found.filter(business_date__lte=until)
    return list(
        {p.business_date: p for p in found.order_by("business_date", "created_at")}.values()
    )


def _snapshot_of(day: date | None) -> Partition | None:
    return (
        next((p for p in latest_of("customers") if p.business_date == day), None) if day else None
    )


def _candidate(attribute: Attribute, values: pa.ChunkedArray) -> Candidate:
    if attribute.type != Type.CATEGORY:
        floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        kind = "boolean" if attribute.type == Type.BOOLEAN else "thresholds"
        return Candidate(attribute.code, kind, np.asarray(floats, dtype=np.float64))
    codes = tuple(value["code"] for value in attribute.values)
    places = pc.fill_null(pc.index_in(values, pa.array(codes)), -1)
    floats = np.asarray(places.to_numpy(), dtype=np.float64)
    return Candidate(attribute.code, "categories", floats, codes)


def _half(candidate: Candidate, inside: Truths) -> Candidate:
    return Candidate(candidate.code, candidate.kind, candidate.values[inside], candidate.codes)
