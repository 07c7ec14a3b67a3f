"""Drafts and publishing: what is proved, what changes, and which numbers cells have for ever."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Operation
from common.errors import DomainError
from customers.models import Attribute
from segmentation.definition import MatrixDefinition
from segmentation.models import Cell, Matrix, MatrixVersion, Strategy, VersionState
from segmentation.services import define_strategy, publish_version, refuse_unfit, save_draft

from .matrices import BY, boolean, draft, make_world, matrix, named, published, thresholds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(db: None) -> None:
    make_world()


def living(code: str = "care") -> dict[tuple[tuple[str, str], ...], int]:
    cells = Cell.objects.filter(matrix=code, retired_in_version=None)
    return {tuple(sorted(c.bands.items())): c.number for c in cells}


def everything() -> list[object]:
    """All that publishing may change, to be compared."""
    tables = (Matrix, MatrixVersion, Cell, Operation)
    return [list(table.objects.order_by("pk").values()) for table in tables]


# --- strategies ---


def test_a_strategy_is_created_and_then_renamed() -> None:
    names = {"code": "uplift", "name_zh": "提升", "name_en": "Uplift", "position": 1}
    define_strategy(**names, by=BY)
    define_strategy(**names | {"name_en": "Raise"}, by=BY)
    strategy = Strategy.objects.get(pk="uplift")
    assert (strategy.name_zh, strategy.name_en, strategy.position) == ("提升", "Raise", 1)
    lines = Operation.objects.filter(target_id="uplift").order_by("pk")
    assert [(line.action, line.by) for line in lines] == [("define_strategy", BY)] * 2
    assert [line.before and line.before["name_en"] for line in lines] == [None, "Uplift"]
    assert [line.after["name_en"] for line in lines] == ["Uplift", "Raise"]


# --- drafts ---


def test_drafts_are_numbered_and_make_no_cells() -> None:
    drafts = [draft(boolean("is_campus")), draft(boolean("is_campus"))]
    assert [(v.number, v.state, v.proof) for v in drafts] == [
        (1, "draft", None),
        (2, "draft", None),
    ]
    assert draft(boolean("is_campus"), code="other").number == 1
    assert not Cell.objects.exists()


def test_a_draft_need_not_be_a_partition() -> None:
    unfinished = matrix(thresholds("arpu", 50))
    unfinished["dimensions"][0]["bands"].pop()
    version = save_draft(MatrixDefinition.from_json(unfinished), by=BY)
    assert MatrixDefinition.from_json(version.body) == MatrixDefinition.from_json(unfinished)


def test_a_draft_of_an_unknown_strategy_is_refused() -> None:
    body = matrix(boolean("is_campus")) | {"strategy": "nowhere"}
    with pytest.raises(DomainError, match=r"nowhere.*retention") as caught:
        save_draft(MatrixDefinition.from_json(body), by=BY)
    assert (caught.value.code, caught.value.extra["where"]) == ("unknown_strategy", ["strategy"])
    assert not Matrix.objects.exists()


@pytest.mark.parametrize(("known", "new"), [("new-service", "new_service"), ("a_b-c", "a-b_c")])
def test_codes_that_would_share_a_column_of_cells_are_refused(known: str, new: str) -> None:
    draft(boolean("is_campus"), code=known)
    assert draft(boolean("is_campus"), code=known).number == 2
    with pytest.raises(
        DomainError, match=rf"'{new}' and '{known}' differ by - and _ only"
    ) as caught:
        draft(boolean("is_campus"), code=new)
    assert (caught.value.code, caught.value.extra["where"]) == ("matrix_code_taken", ["code"])
    assert list(Matrix.objects.values_list("pk", flat=True)) == [known]


def test_a_draft_changes_nothing_that_is_shown_until_it_is_published() -> None:
    published(boolean("is_campus"))
    define_strategy(code="uplift", name_zh="提升", name_en="Uplift", position=1, by=BY)
    body = matrix(boolean("is_campus")) | {"name": {"zh": "新", "en": "New"}, "strategy": "uplift"}
    version = save_draft(MatrixDefinition.from_json(body), by=BY)
    shown = Matrix.objects.get(pk="care")
    assert (shown.name_en, shown.strategy_id) == ("Care", "retention")
    publish_version(version, by=BY)
    shown = Matrix.objects.get(pk="care")
    assert (shown.name_en, shown.name_zh, shown.strategy_id) == ("New", "新", "uplift")


# --- publishing ---


def test_publishing_proves_and_numbers_every_combination() -> None:
    version = published(thresholds("arpu", 50), boolean("is_campus"))
    assert version.state == VersionState.PUBLISHED
    assert version.published_at is not None
    assert version.proof == {
        "cells": 9, "bands": {"arpu": 3, "is_campus": 3}, "partition": True,
    }  # fmt: skip
    expected = {
        (("arpu", a), ("is_campus", c))
        for a in ("b0", "b1", "unknown")
        for c in ("on", "off", "unknown")
    }
    assert set(living()) == expected
    assert len(set(living().values())) == 9


def test_the_log_tells_of_draft_and_publication() -> None:
    published(thresholds("arpu", 50))
    published(thresholds("arpu", 50, 90))
    lines = Operation.objects.filter(target_type="matrix").order_by("pk")
    told = [(o.action, o.by, o.target_id, o.target_label) for o in lines]
    assert told == [
        ("draft_matrix", BY, "care", "care@1"),
        ("publish_matrix", BY, "care", "care@1"),
        ("draft_matrix", BY, "care", "care@2"),
        ("publish_matrix", BY, "care", "care@2"),
    ]
    assert lines[2].after == MatrixVersion.objects.get(number=2).body
    assert lines[3].after == {
        "version": 2, "cells": 4, "bands": {"arpu": 4}, "partition": True,
        "new_cells": 1, "kept_cells": 3, "retired_cells": 0,
    }  # fmt: skip


def test_the_version_before_is_retired() -> None:
    first, other = published(boolean("is_campus")), published(boolean("is_campus"), code="other")
    second = published(thresholds("arpu", 50))
    states = dict(MatrixVersion.objects.values_list("pk", "state"))
    assert states == {first.pk: "retired", second.pk: "published", other.pk: "published"}


def test_a_refused_proof_changes_nothing() -> None:
    published(thresholds("arpu", 50))
    gap = thresholds("arpu", 50)
    gap["bands"][1]["from"] = 60
    version = draft(boolean("is_campus"), gap)
    before = everything()
    with pytest.raises(DomainError) as caught:
        publish_version(version, by=BY)
    assert caught.value.code == "bands_gap"
    assert caught.value.extra["where"] == ["dimensions", 1, "bands", 0]
    assert caught.value.extra["example"] == {"arpu": 50}
    assert everything() == before


@pytest.mark.parametrize("state", [VersionState.PUBLISHED, VersionState.RETIRED])
def test_only_a_draft_is_published(state: VersionState) -> None:
    version = published(boolean("is_campus"))
    if state == VersionState.RETIRED:
        published(thresholds("arpu", 50))
    before = everything()
    # ``version`` may be as it was read before: the row decides.
    for stale in (VersionState.DRAFT, state):
        version.state = stale
        with pytest.raises(DomainError, match=f"care@1 must be draft.*is {state}") as caught:
            publish_version(version, by=BY)
        assert (caught.value.code, caught.value.status) == ("wrong_state", 409)
    assert everything() == before


def test_a_draft_that_a_later_version_overtook_is_refused() -> None:
    """Cells would be both younger and older than it."""
    overtaken = draft(boolean("is_campus"))
    published(thresholds("arpu", 50))
    before = everything()
    with pytest.raises(DomainError, match="care@2 was published") as caught:
        publish_version(overtaken, by=BY)
    assert (caught.value.code, caught.value.status) == ("draft_overtaken", 409)
    assert everything() == before


# --- cell numbers ---


def test_recut_thresholds_and_new_names_keep_the_numbers() -> None:
    published(thresholds("arpu", 50), boolean("is_campus"))
    before = living()
    moved = thresholds("arpu", 80)
    moved["bands"][0]["name"] = {"zh": "低", "en": "Low"}
    published(boolean("is_campus"), moved)  # the order of the dimensions is no identity either
    assert living() == before
    assert Cell.objects.count() == len(before)


def test_a_new_band_gets_new_numbers_and_the_others_keep_theirs() -> None:
    published(thresholds("arpu", 50), boolean("is_campus"))
    before = living()
    second = published(thresholds("arpu", 50, 90), boolean("is_campus"))
    after = living()
    assert {bands: after[bands] for bands in before} == before
    new = [number for bands, number in after.items() if bands not in before]
    assert len(new) == 3
    assert min(new) > max(before.values())
    assert set(Cell.objects.filter(number__in=new).values_list("since_version", flat=True)) == {
        second.number
    }


def test_a_band_that_comes_back_gets_new_numbers() -> None:
    versions = [
        published(thresholds("arpu", 50, 90)),
        published(thresholds("arpu", 50)),
        published(thresholds("arpu", 50, 90)),
    ]
    bands = {"arpu": "b2"}
    gone, back = Cell.objects.filter(bands=bands)
    assert (gone.since_version, gone.retired_in_version) == (1, 2)
    assert (back.since_version, back.retired_in_version) == (3, None)
    assert back.number == max(Cell.objects.values_list("number", flat=True))
    held = [set(Cell.objects.of_version(v).values_list("number", flat=True)) for v in versions]
    assert held == [
        held[1] | {gone.number}, held[0] - {gone.number}, held[1] | {back.number},
    ]  # fmt: skip


def test_another_dimension_retires_every_cell() -> None:
    published(thresholds("arpu", 50))
    before = set(living().values())
    published(thresholds("arpu", 50), boolean("is_campus"))
    retired = Cell.objects.filter(retired_in_version=2).values_list("number", flat=True)
    assert set(retired) == before
    assert len(living()) == 9


def test_matrices_with_the_same_bands_share_no_number() -> None:
    published(boolean("is_campus"))
    published(boolean("is_campus"), code="other")
    assert set(living()) == set(living("other"))
    assert not set(living().values()) & set(living("other").values())


def test_twenty_thousand_cells_are_published() -> None:
    """27 × 27 × 28 bands, in few statements."""
    dimensions = [
        thresholds("arpu", *range(25), code="x"),
        thresholds("data_mb", *range(25), code="y"),
        thresholds("arpu", *range(26), code="z"),
    ]
    version = published(*dimensions)
    assert version.proof["cells"] == 27 * 27 * 28 == Cell.objects.count()
    before = set(living().values())
    published(*dimensions)
    assert set(living().values()) == before


# --- two at once ---


def _publish(version: MatrixVersion, barrier: Barrier) -> str:
    try:
        barrier.wait()
        publish_version(version, by=BY)
        return "published"
    except DomainError as error:
        return error.code
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_drafts_published_at_once_leave_one_published_and_each_cell_once() -> None:
    published(thresholds("arpu", 50))
    for turn in range(3):
        cuts = range(60, 80 + turn * 5, 5)
        drafts = [draft(thresholds("arpu", *cuts)), draft(thresholds("arpu", *cuts, 200))]
        barrier = Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(_publish, drafts, [barrier] * 2))
        assert ends in (["published"] * 2, ["draft_overtaken", "published"])
        (shown,) = MatrixVersion.objects.published()
        assert shown.number == drafts[1].number
        cells = Cell.objects.filter(retired_in_version=None).values_list("bands", flat=True)
        assert sorted(map(str, cells)) == sorted(
            map(str, MatrixDefinition.from_json(shown.body).cells())
        )
        held = Cell.objects.of_version(shown)
        assert held.count() == len(cells)


@pytest.mark.django_db(transaction=True)
def test_the_same_draft_published_at_once_is_published_once() -> None:
    version, barrier = draft(boolean("is_campus")), Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(_publish, [version] * 2, [barrier] * 2))
    assert sorted(ends) == ["published", "wrong_state"]
    assert Cell.objects.count() == 3
    assert Operation.objects.filter(action="publish_matrix").count() == 1


def test_a_duplicate_band_is_refused_with_its_place() -> None:
    double = boolean("is_campus")
    double["null_band"] = named("on")
    with pytest.raises(DomainError) as caught:
        published(double)
    assert caught.value.extra["where"] == ["dimensions", 0, "bands"]


def test_a_published_matrix_that_the_catalogue_left_behind_is_named() -> None:
    version = published(thresholds("arpu", 50))
    refuse_unfit([version])
    Attribute.objects.filter(code="arpu").update(type="text")
    with pytest.raises(DomainError, match=r"care@1 no longer fits.*arpu is of type text") as caught:
        refuse_unfit([version])
    assert (caught.value.code, caught.value.status) == ("matrix_unfit", 409)
