"""What publishing a draft would do, counted on the published day's snapshot, for its page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from common.keys import key_of
from customers.catalogue import catalogue_key, rule_catalogue
from segmentation.definition import Bands, MatrixDefinition
from segmentation.drafts import as_published
from segmentation.insight.today import Today, published_day
from segmentation.matrix_selectors import assigned_version, bands_of, greatest
from segmentation.matrix_words import MatrixWords
from segmentation.models import MatrixVersion
from segmentation.moves import moves, preview_from
from segmentation.preview import Preview, preview
from segmentation.proof import prove
from segmentation.services import cities

from .matrix_rows import policy_names
from .redrawn import Redrawn, redrawn

MOST_SHOWN = 50
TOP_FLOWS = 20
KEPT = 8


@dataclass(frozen=True)
class NewCell:
    """A cell of the draft that is not there today."""

    words: str
    rule: str
    customers: int


@dataclass(frozen=True)
class Flow:
    """From a cell to a cell, in words; "" for outside the scope."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True)
class Consequences:
    """``moved``: customers whose cell would be another; ``fresh``: cells that are not there today.

    ``empty``: cells of the draft that nobody would be in; ``flows``: the greatest between cells
    that differ, ``others`` the customers of all the rest.
    """

    today: Today
    customers: int
    outside: int
    moved: int
    cells: list[NewCell]
    fresh: int
    unchanged: int
    empty: list[str]
    empty_cells: int
    flows: list[Flow]
    others: int
    redrawn: Redrawn
    policies: Mapping[str, str]


def consequences(version: MatrixVersion) -> Consequences:
    """Prove the draft and count what it would change.

    Raises DomainError as ``prove`` and ``preview`` do, and ``nothing_published`` (503) before the
    first day.
    """
    definition = as_published(version)
    prove(definition, rule_catalogue(), cities())
    today = published_day()
    published = version.matrix.versions.published().first()
    said = key_of(definition.to_json())
    day = (today.business_date, today.run_number, catalogue_key() + said)
    counted = _previewed(version.pk, version.revision, published and published.pk, day)
    before: dict[int, Bands] = bands_of(published) if published else {}
    words = MatrixWords.of(definition)
    was = MatrixWords.of(MatrixDefinition.from_json(published.body)) if published else words
    after = dict(enumerate(definition.cells()))
    stays = _stays(before, after)
    flows = _changing(counted, stays)
    customers = counted.customers
    fresh = sorted((p for p in after if p not in stays), key=lambda place: -customers[place])
    empty = [place for place in after if not customers[place]]
    shown, others = greatest(flows, TOP_FLOWS)
    found = redrawn(version, counted, today.business_date)
    return Consequences(
        today=today,
        customers=sum(n for place, n in customers.items() if place is not None),
        outside=customers[None],
        moved=sum(flows.values()),
        cells=[
            NewCell(words.names(after[place]), words.rule(after[place]), customers[place])
            for place in fresh[:MOST_SHOWN]
        ],
        fresh=len(fresh),
        unchanged=len(stays),
        empty=[words.names(after[place]) for place in empty[:MOST_SHOWN]],
        empty_cells=len(empty),
        flows=[Flow(_named(was, before, o), _named(words, after, n), c) for o, n, c in shown],
        others=others,
        redrawn=found,
        policies=policy_names({change.policy for change in found.policies}),
    )


@lru_cache(maxsize=KEPT)
def _previewed(
    pk: int, revision: int, published: int | None, day: tuple[date, int, str]
) -> Preview:
    """Preview the draft as it was in this revision; ``day``: with what it was counted."""
    version = MatrixVersion.objects.get(pk=pk, revision=revision)
    definition = as_published(version)
    today, catalogue = published_day(), rule_catalogue()
    scores, cells = (today.partitions.get(dataset) for dataset in ("scores", "cells"))
    base = MatrixVersion.objects.filter(pk=published).first()
    if base and (not cells or assigned_version(cells, base.matrix_id) != base.number):
        # It was published since the day was run: its cells are in no partition yet.
        return preview_from(base, definition, today.snapshot, scores, catalogue)
    return preview(
        definition, today.snapshot, scores, cells, catalogue, progress=lambda done, total: None
    )


def _stays(before: Mapping[int, Bands], after: Mapping[int, Bands]) -> dict[int, int]:
    """Place of the draft's cell → number of today's cell with the same bands."""
    numbers = {_key(bands): number for number, bands in before.items()}
    return {place: numbers[_key(bands)] for place, bands in after.items() if _key(bands) in numbers}


def _key(bands: Bands) -> str:
    return repr(sorted(bands.items()))


def _changing(
    counted: Preview, stays: Mapping[int, int]
) -> dict[tuple[int | None, int | None], int]:
    """The flows of those whose cell would be another."""
    return {
        (old, new): customers
        for (old, new), customers in counted.flows.items()
        if (old is not None or new is not None) and (new not in stays or stays[new] != old)
    }


def _named(words: MatrixWords, cells: Mapping[int, Bands], key: int | None) -> str:
    """The cell by its bands; by its number where it is of a version before the present one."""
    if key is None:
        return ""
    return words.names(cells[key]) if key in cells else f"#{key}"


# --- two versions ---


@dataclass(frozen=True)
class Moved:
    """Two versions on one snapshot: how many customers are in another cell."""

    today: Today
    customers: int
    moved: int
    flows: list[Flow]
    others: int


def moved_between(one: MatrixVersion, two: MatrixVersion) -> Moved:
    """Place the published day's customers in both. Raises DomainError where either can't be."""
    before, after = (MatrixDefinition.from_json(v.body) for v in (one, two))
    catalogue = rule_catalogue()
    for definition in (before, after):
        prove(definition, catalogue, cities())
    today = published_day()
    counted = moves(before, after, today.snapshot, today.partitions.get("scores"), catalogue)
    had, has = dict(enumerate(before.cells())), dict(enumerate(after.cells()))
    same = _stays(had, has)
    inside = Counter({pair: n for pair, n in counted.items() if pair != (None, None)})
    moving = {(a, b): n for (a, b), n in inside.items() if b not in same or same[b] != a}
    shown, others = greatest(moving, TOP_FLOWS)
    words = [MatrixWords(definition, catalogue) for definition in (before, after)]
    return Moved(
        today=today,
        customers=inside.total(),
        moved=sum(moving.values()),
        flows=[Flow(_named(words[0], had, a), _named(words[1], has, b), n) for a, b, n in shown],
        others=others,
    )
