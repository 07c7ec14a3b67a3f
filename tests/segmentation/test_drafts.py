"""A draft's way: begun, edited by several, checked, approved by another, published when due."""

from collections.abc import Callable
from datetime import date

import pytest

from accounts.models import Operation
from common.errors import DomainError
from segmentation.definition import MatrixDefinition
from segmentation.drafts import (
    approve_draft,
    as_published,
    begin_draft,
    check_draft,
    discard_draft,
    edit_draft,
    publish_approved,
    set_city_cuts,
    undo_edit,
)
from segmentation.edits import Edited, merge, split
from segmentation.models import Cell, MatrixVersion, VersionState
from segmentation.services import define_strategy, publish_version, regroup, save_draft

from .matrices import boolean, make_world, matrix, published, thresholds

pytestmark = pytest.mark.django_db
DAY = date(2026, 7, 1)
ALLOWED = [[40, 60], [90, 120]]


@pytest.fixture(autouse=True)
def world(db: None) -> None:
    make_world()


def merged(definition: MatrixDefinition) -> Edited:
    return merge(definition, {"arpu": ("b0", "b1")})


def edit(draft: MatrixVersion, change: Callable = merged, by: str = "ann") -> MatrixVersion:
    return edit_draft(draft, change, revision=draft.revision, what="merge", by=by)[0]


def approved(draft: MatrixVersion, from_date: date = DAY) -> MatrixVersion:
    draft = check_draft(draft, revision=draft.revision, by="ann")
    return approve_draft(draft, revision=draft.revision, from_date=from_date, by="bob")


def bands(version: MatrixVersion) -> list[dict]:
    return list(Cell.objects.of_version(version).values_list("bands", flat=True))


def refused(act: Callable, *args: object, **kwargs: object) -> str:
    with pytest.raises(DomainError) as error:
        act(*args, **kwargs)
    return error.value.code


def test_from_a_draft_to_its_day_every_step_is_logged() -> None:
    first = published(thresholds("arpu", 50, 100))
    ready = approved(edit(begin_draft(first, note="two low bands are one", by="ann")))
    assert list(MatrixVersion.objects.due(date(2026, 6, 30))) == []
    assert list(MatrixVersion.objects.due(DAY)) == [ready]
    second = publish_approved(ready, by="nightly")
    assert (second.state, second.from_date, second.approved_by) == ("published", DAY, "bob")
    assert {"arpu": ["b0", "b1"]} in bands(second)
    said = list(Operation.objects.order_by("pk").values_list("action", flat=True))
    assert said[-5:] == [
        "begin_draft",
        "edit_draft",
        "check_draft",
        "approve_draft",
        "publish_matrix",
    ]


def test_cells_know_the_cells_that_they_came_from() -> None:
    first = published(thresholds("arpu", 50, 100))
    second = publish_approved(approved(edit(begin_draft(first, by="ann"))), by="nightly")
    both = Cell.objects.get(bands={"arpu": ["b0", "b1"]})
    assert both.parents == sorted(
        Cell.objects.get(bands={"arpu": band}).number for band in ("b0", "b1")
    )
    third = begin_draft(second, by="ann")
    third = edit(third, lambda d: split(d, {"arpu": ("b0", "b1")}, "arpu"))
    publish_approved(approved(third), by="nightly")
    again = Cell.objects.get(bands={"arpu": "b0"}, retired_in_version=None)
    assert again.parents == [both.number]
    kept = Cell.objects.get(bands={"arpu": "b2"})
    assert (kept.since_version, kept.parents) == (1, [])


def test_nobody_approves_what_he_has_edited() -> None:
    draft = edit(begin_draft(published(thresholds("arpu", 50, 100)), by="ann"), by="bob")
    draft = check_draft(draft, revision=draft.revision, by="ann")
    for editor in ("ann", "bob"):
        code = refused(approve_draft, draft, revision=draft.revision, from_date=DAY, by=editor)
        assert code == "own_work"
    draft.refresh_from_db()
    assert draft.state == VersionState.CHECKED


def test_who_comes_second_is_told_and_overwrites_nothing() -> None:
    draft = begin_draft(published(thresholds("arpu", 50, 100)), by="ann")
    seen_by_both = draft.revision
    first = edit(draft, by="ann")
    for late in (
        lambda: edit_draft(draft, merged, revision=seen_by_both, what="", by="bob"),
        lambda: undo_edit(draft, revision=seen_by_both, by="bob"),
        lambda: check_draft(draft, revision=seen_by_both, by="bob"),
    ):
        assert refused(late) == "edited_meanwhile"
    draft.refresh_from_db()
    assert (draft.body, draft.revision) == (first.body, first.revision)


def test_an_edit_is_undone_and_a_refused_one_leaves_no_trace() -> None:
    draft = begin_draft(published(thresholds("arpu", 50, 100)), by="ann")
    before = draft.body
    draft = edit(draft)
    assert refused(edit, draft) == "edit_changes_nothing"
    draft = undo_edit(MatrixVersion.objects.get(pk=draft.pk), revision=draft.revision, by="ann")
    assert draft.body == before
    assert refused(undo_edit, draft, revision=draft.revision, by="ann") == "nothing_to_undo"


def test_editing_what_was_approved_needs_a_new_approval() -> None:
    ready = approved(begin_draft(published(thresholds("arpu", 50, 100)), by="ann"))
    changed = edit(ready)
    assert (changed.state, changed.from_date, changed.approved_by) == ("draft", None, "")
    assert refused(publish_approved, changed, by="nightly") == "wrong_state"


def test_a_published_version_cannot_be_edited() -> None:
    first = published(thresholds("arpu", 50, 100))
    assert refused(edit, first) == "wrong_state"
    assert refused(discard_draft, first, by="ann") == "wrong_state"


def test_going_back_is_a_draft_that_says_what_an_older_version_said() -> None:
    first = published(thresholds("arpu", 50, 100))
    published(boolean("is_campus"))
    back = publish_approved_of(begin_draft(first, by="ann"), based_on="care@2")
    assert [c["arpu"] for c in bands(back)] == ["b0", "b1", "b2", "unknown"]


def publish_approved_of(draft: MatrixVersion, based_on: str) -> MatrixVersion:
    assert str(draft.matrix.versions.published().get()) == based_on
    return publish_approved(approved(draft), by="nightly")


def test_a_draft_that_another_version_overtook_is_not_published() -> None:
    first = published(thresholds("arpu", 50, 100))
    slow = approved(begin_draft(first, by="ann"))
    published(boolean("is_campus"))
    assert refused(publish_approved, slow, by="nightly") == "draft_overtaken"


def test_a_discarded_draft_is_gone() -> None:
    draft = begin_draft(published(thresholds("arpu", 50, 100)), by="ann")
    discard_draft(draft, by="ann")
    assert refused(edit, draft) == "draft_gone"


# --- cities ---


def limited() -> MatrixVersion:
    return published(thresholds("arpu", 50, 100) | {"city_limits": ALLOWED})


def cuts_of(version: MatrixVersion) -> dict:
    return version.body["dimensions"][0].get("city_cuts", {})


def set_cuts(version: MatrixVersion, *cuts: float) -> MatrixVersion:
    return set_city_cuts(version.matrix, dimension="arpu", city="ningbo", cuts=cuts, by="city")


def test_a_city_sets_its_cuts_within_the_limits_and_takes_them_back() -> None:
    first = limited()
    numbers = set(Cell.objects.of_version(first).values_list("number", flat=True))
    second = set_cuts(first, 45, 110)
    assert (cuts_of(second), second.state) == ({"ningbo": [45, 110]}, "published")
    assert set(Cell.objects.of_version(second).values_list("number", flat=True)) == numbers
    assert cuts_of(set_cuts(second)) == {}


@pytest.mark.parametrize(
    ("cuts", "code"), [((30, 100), "cut_outside_limits"), ((45,), "cuts_count")]
)
def test_cuts_outside_the_limits_are_refused(cuts: tuple[float, ...], code: str) -> None:
    first = limited()
    assert refused(set_cuts, first, *cuts) == code
    assert list(first.matrix.versions.all()) == [first]


def test_where_the_province_gives_no_limits_a_city_sets_nothing() -> None:
    assert refused(set_cuts, published(thresholds("arpu", 50, 100)), 45, 110) == "no_city_limits"


def test_a_draft_keeps_the_cuts_that_a_city_set_meanwhile() -> None:
    first = limited()
    ready = approved(edit(begin_draft(first, by="ann")))
    set_cuts(first, 45, 110)
    second = publish_approved(ready, by="nightly")
    assert cuts_of(second) == {"ningbo": [45, 110]}
    assert second.number == 4  # begun as 2, before the city's 3
    assert {"arpu": ["b0", "b1"]} in bands(second)


def test_a_city_s_cuts_overtake_no_draft_however_the_matrix_was_written() -> None:
    body = matrix(
        thresholds("arpu", 50, 100) | {"city_limits": ALLOWED},
        boolean("is_campus"),
        grid=["is_campus", "arpu"],
        edits=[{"merge": {"arpu": ["b1", "b0"], "is_campus": ["on"]}}],
    )
    definition = MatrixDefinition.from_json(body)
    first = publish_version(save_draft(definition, by="ann"), by="ann")
    ready = approved(begin_draft(first, by="ann"))
    set_cuts(first, 45, 110)
    assert cuts_of(publish_approved(ready, by="nightly")) == {"ningbo": [45, 110]}


def test_a_saved_definition_is_its_author_s_work_and_stands_on_what_is_published() -> None:
    first = published(thresholds("arpu", 50, 100))
    proposal = MatrixDefinition.from_json(matrix(boolean("is_campus")))
    proposed = save_draft(proposal, by="ann")
    assert (proposed.editors, proposed.based_on) == (["ann"], first)
    checked = check_draft(proposed, revision=1, by="ann")
    code = refused(approve_draft, checked, revision=1, from_date=DAY, by="ann")
    assert code == "own_work"


def test_a_draft_outlives_a_change_of_its_strategic_group() -> None:
    first = published(thresholds("arpu", 50, 100))
    ready = approved(edit(begin_draft(first, by="ann")))
    names = {"name_zh": "保有", "name_en": "Retention", "position": 0}
    define_strategy(code="retention", **names, rule="arpu > 0", by="ann")
    regroup(by="ann")
    assert publish_approved(ready, by="nightly").body["group"] == {"rule": "arpu > 0"}


def test_a_draft_is_previewed_as_it_would_be_published() -> None:
    first = limited()
    draft = begin_draft(first, by="ann")
    set_cuts(first, 45, 110)
    names = {"name_zh": "保有", "name_en": "Retention", "position": 0}
    define_strategy(code="retention", **names, rule="arpu > 0", by="ann")
    seen = as_published(draft)
    assert (seen.group.rule, seen.dimensions[0].city_cuts) == ("arpu > 0", {"ningbo": (45, 110)})
