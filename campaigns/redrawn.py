"""When a customer matrix is redrawn: rows that no longer fit, and who would get other policies.

A row of the marketing matrix speaks of a box of bands. Cells split inside the box inherit it; a box
that the new cells do not fill whole, or whose bands are gone, is for a person to re-point or drop:
left alone it would reach other customers than its author chose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Operation
from accounts.services import By, log
from common.errors import DomainError
from common.keys import key_of
from segmentation.audiences.in_use import sets_in_use
from segmentation.audiences.sets import InCells, leaves
from segmentation.cells import CellBoxes
from segmentation.definition import MatrixDefinition, NamedBox
from segmentation.drafts import approve_draft, publish_approved, refuse_city, reopen
from segmentation.edits import named_box
from segmentation.lineage import heirs
from segmentation.models import MatrixVersion
from segmentation.preview import Preview
from segmentation.services import target_of

from .models import BoxChoice, Campaign, MarketingRow, PolicyVersion
from .services import lock_table
from .terms import MarketingLine

Cells = dict[str, list[str]]


@dataclass(frozen=True)
class Misfit:
    """A box of the marketing matrix that a draft's cells do not fill whole.

    suggested: the nearest box that they do; choice: what a person decided, None while open
    """

    box: Cells
    rows: Sequence[MarketingRow]
    why: str
    suggested: Cells
    choice: BoxChoice | None

    @property
    def key(self) -> str:
        return key_of(self.box)


def misfits(version: MatrixVersion) -> list[Misfit]:
    """Every such box of the version's matrix, in the order of the rows that name it."""
    definition = MatrixDefinition.from_json(version.body)
    published = version.matrix.versions.published().first()
    before = MatrixDefinition.from_json(published.body) if published else definition
    choices = {choice.key: choice for choice in BoxChoice.objects.filter(version=version)}
    found = []
    for key, (box, rows) in _rows_by_box(version.matrix_id).items():
        why = _misfit(definition, box)
        if why:
            suggested = _suggested(before, definition, box)
            choice = choices.get(key)
            if choice and choice.becomes is not None and _misfit(definition, choice.becomes):
                choice = None  # made for an earlier revision, whose cells it fitted
            found.append(Misfit(box, rows, why, suggested, choice))
    return found


def _rows_by_box(matrix: str) -> dict[str, tuple[Cells, list[MarketingRow]]]:
    boxes: dict[str, tuple[Cells, list[MarketingRow]]] = {}
    for row in MarketingRow.objects.filter(matrix=matrix).select_related("campaign"):
        box = row.box
        boxes.setdefault(key_of(box), (box, []))[1].append(row)
    return boxes


def _misfit(definition: MatrixDefinition, box: Mapping[str, Any]) -> str:
    """Why the box is not made of whole cells; "" if it is."""
    try:
        straddling = definition.straddling(box)
    except DomainError as error:
        return error.message
    if not straddling:
        return ""
    return _("The cell %(cell)s is only partly inside.") % {
        "cell": definition.spelled(straddling[0])
    }


def _suggested(before: MatrixDefinition, after: MatrixDefinition, box: Cells) -> Cells:
    """The bands' heirs, widened to whole cells: nobody whom the row reached is left out."""
    had = {dimension.code: dimension for dimension in before.dimensions}
    named: Cells = {}
    for now in after.dimensions:
        if now.code not in box:
            continue
        was = had.get(now.code, now)
        old = [band for band in was.all_bands if band.code in box[now.code]]
        wanted = {heir for band in old for heir in heirs(was, band, now)}
        if wanted:
            named[now.code] = [band.code for band in now.all_bands if band.code in wanted]
    wide = after.box(named)
    while straddling := after.straddling(_codes(named_box(after, wide))):
        for cell in straddling:
            wide = tuple(a | b for a, b in zip(wide, cell, strict=True))
    return _codes(named_box(after, wide))


def _codes(box: NamedBox) -> Cells:
    return {code: list(bands) for code, bands in box.items()}


# --- what people decide ---


@transaction.atomic
def choose(version: MatrixVersion, *, box: Cells, becomes: Cells | None, by: By) -> BoxChoice:
    """Decide what becomes of the rows of a box when the version is published; None: dropped.

    An approved version becomes a draft again: who approved it did not approve this. Raises
    DomainError when ``becomes`` is no box of whole cells of the version.
    """
    refuse_city(by)
    version = reopen(version)
    if becomes is not None:
        why = _misfit(MatrixDefinition.from_json(version.body), becomes)
        if why:
            raise DomainError("box_misfits", why, where=["becomes"])
    choice, _created = BoxChoice.objects.update_or_create(
        version=version, key=key_of(box), defaults={"box": box, "becomes": becomes}
    )
    log(
        by=by,
        action="choose_for_rows",
        target=target_of(version),
        before={"box": box},
        after={"box": becomes},
    )
    return choice


@transaction.atomic
def approve_matrix(
    version: MatrixVersion, *, revision: int, from_date: date, by: By
) -> MatrixVersion:
    """Approve the draft; every row that no longer fits must be decided on. See approve_draft."""
    _refuse_undecided(version, misfits(version))
    _refuse_sets(version)
    return approve_draft(version, revision=revision, from_date=from_date, by=by)


@transaction.atomic
def publish_matrix(version: MatrixVersion, *, by: By) -> MatrixVersion:
    """Publish the approved version and re-point or drop the rows that were decided on."""
    refuse_city(by)
    lock_table(MarketingRow)
    decided = misfits(version)
    _refuse_undecided(version, decided)
    _refuse_sets(version)
    published = publish_approved(version, by=by)
    for misfit in decided:
        assert misfit.choice is not None
        pks = [row.pk for row in misfit.rows]
        rows = MarketingRow.objects.filter(pk__in=pks)
        if misfit.choice.becomes is None:
            rows.delete()
        else:
            rows.update(cells=misfit.choice.becomes)
    if decided:
        _drop_repeats(published.matrix_id)
        log(
            by=by,
            action="redraw_rows",
            target=target_of(published),
            before={"boxes": [misfit.box for misfit in decided]},
            after={
                "boxes": [misfit.choice and misfit.choice.becomes for misfit in decided],
                "rows": sum(len(misfit.rows) for misfit in decided),
            },
        )
    return published


def publish_due(business_date: date, *, by: By) -> list[MatrixVersion]:
    """Publish every version approved for the date; one that can't be stays as it was.

    Why it could not stands in the operation log: a day is not stopped by a draft, its customers
    keep the cells of the version before.
    """
    published = []
    for version in MatrixVersion.objects.due(business_date):
        try:
            published.append(publish_matrix(version, by=by))
        except DomainError as error:
            _note_refusal(version, error, by)
    return published


@transaction.atomic
def _note_refusal(version: MatrixVersion, error: DomainError, by: By) -> None:
    """Log why the version was refused, unless that is what was logged of it last."""
    target = target_of(version)
    after = {"code": error.code, "message": error.message}
    before = Operation.objects.filter(
        action="publish_refused", target_type=target[0], target_label=target[2]
    )
    last = before.order_by("-pk").first()
    if last is None or last.after != after:
        log(by=by, action="publish_refused", target=target, after=after)


def _drop_repeats(matrix: str) -> None:
    """Rows that came to say what an earlier row says: each is listed once."""
    seen: set[object] = set()
    for row in MarketingRow.objects.filter(matrix=matrix):
        meaning = MarketingLine.of(row).meaning
        if meaning in seen:
            row.delete()
        seen.add(meaning)


def _refuse_sets(version: MatrixVersion) -> None:
    """Marks and audiences that name cells which the version would cut or not have."""
    definition = MatrixDefinition.from_json(version.body)
    misfitting = [
        f"{one.kind} {one.code}"
        for one in sets_in_use().sets
        for leaf, _where in leaves(one.node)
        if isinstance(leaf, InCells)
        and leaf.matrix == version.matrix_id
        and _misfit(definition, leaf.named_box)
    ]
    if misfitting:
        raise DomainError(
            "sets_misfit",
            _(
                "%(sets)s name cells that %(version)s would cut or not have; the day could not "
                "compute them. Change them first, or retire them."
            )
            % {"sets": ", ".join(dict.fromkeys(misfitting)), "version": version},
            status=409,
        )


def _refuse_undecided(version: MatrixVersion, found: Sequence[Misfit]) -> None:
    open_ = [misfit for misfit in found if misfit.choice is None]
    if open_:
        raise DomainError(
            "rows_undecided",
            _(
                "%(rows)d rows of the marketing matrix no longer fit %(version)s. Re-point or drop "
                "each of them first."
            )
            % {"rows": sum(len(misfit.rows) for misfit in open_), "version": version},
            status=409,
        )


# --- whose policies change ---


@dataclass(frozen=True)
class PolicyChange:
    """Customers whose cell meets the policy after and not before, and the other way round."""

    policy: str
    gained: int
    lost: int


@dataclass(frozen=True)
class Redrawn:
    """What publishing a draft would change, counted on the snapshot that it was previewed on.

    customers: whose cell in this matrix would meet other policies; campaigns: that run on the day
    and whose customers would change
    """

    customers: int
    policies: list[PolicyChange]
    campaigns: list[Campaign]


def redrawn(version: MatrixVersion, preview: Preview, business_date: date) -> Redrawn:
    """Compare what customers' cells meet today with what the draft's would.

    Open choices count as their suggestion. Eligibility is not asked: it does not change.
    """
    published = version.matrix.versions.published().first()
    if published is None:
        return Redrawn(0, [], [])
    rows = _running_rows(version.matrix_id, business_date)
    before = CellBoxes.of_version(published)
    after = CellBoxes.of_draft(preview.definition)
    becomes = {m.key: _decided(m) for m in misfits(version)}
    offers = sorted({(row.campaign_id, row.policy_id) for row in rows})
    places = {offer: place for place, offer in enumerate(offers)}
    met = np.zeros((len(before.keys) + 1, len(offers)), bool)
    meets = np.zeros((len(after.keys) + 1, len(offers)), bool)
    for row in rows:
        place = places[row.campaign_id, row.policy_id]
        box = row.box
        met[np.searchsorted(before.keys, before.inside(box)), place] = True
        now = becomes.get(key_of(box), box)
        if now is not None:
            meets[after.inside(now), place] = True
    return _compared(preview, before.keys, met, meets, offers)


def _decided(misfit: Misfit) -> Cells | None:
    return misfit.choice.becomes if misfit.choice else misfit.suggested


def _running_rows(matrix: str, business_date: date) -> list[MarketingRow]:
    running = [c.code for c in Campaign.objects.all() if c.runs_on(business_date)]
    held = [v.policy_id for v in PolicyVersion.objects.newest() if v.valid_on(business_date)]
    return list(MarketingRow.objects.filter(matrix=matrix, campaign__in=running, policy__in=held))


def _compared(
    preview: Preview,
    numbers: np.ndarray,
    met: np.ndarray,
    meets: np.ndarray,
    offers: Sequence[tuple[str, str]],
) -> Redrawn:
    """``met``, ``meets``: bool (cells, and the outside last × offers)."""
    pairs = list(preview.flows)
    weights = np.array([preview.flows[pair] for pair in pairs], np.int64)
    # The preview must speak of the published version's cells: any other number is a KeyError.
    rows = {None: len(numbers)} | {number: row for row, number in enumerate(numbers.tolist())}
    old = [rows[cell] for cell, _place in pairs]
    new = [-1 if place is None else place for _c, place in pairs]
    was, will = met[np.array(old, np.intp)], meets[np.array(new, np.intp)]
    gained = dict(zip(offers, weights @ (will & ~was), strict=True))
    lost = dict(zip(offers, weights @ (was & ~will), strict=True))
    changed = {offer for offer in offers if gained[offer] or lost[offer]}
    policies = sorted({policy for _campaign, policy in changed})
    by_policy = [_of_policy(policy, offers, was, will, weights) for policy in policies]
    campaigns = {campaign for campaign, _policy in changed}
    return Redrawn(
        customers=int(weights[(was != will).any(axis=1)].sum()),
        policies=[change for change in by_policy if change.gained or change.lost],
        campaigns=list(Campaign.objects.filter(code__in=campaigns)),
    )


def _of_policy(
    policy: str,
    offers: Sequence[tuple[str, str]],
    was: np.ndarray,
    will: np.ndarray,
    weights: np.ndarray,
) -> PolicyChange:
    """A policy met through several campaigns is met once."""
    places = [place for place, (_campaign, one) in enumerate(offers) if one == policy]
    before, after = was[:, places].any(axis=1), will[:, places].any(axis=1)
    return PolicyChange(
        policy,
        gained=int(weights[after & ~before].sum()),
        lost=int(weights[before & ~after].sum()),
    )
