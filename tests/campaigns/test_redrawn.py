"""When a matrix is redrawn: rows that misfit are decided on, changed policies are counted."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Operation
from campaigns.models import MarketingRow
from campaigns.plan import compile_plan
from campaigns.redrawn import (
    approve_matrix,
    choose,
    misfits,
    publish_due,
    publish_matrix,
    redrawn,
)
from common.errors import DomainError
from segmentation.audiences.services import define_audience
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Name
from segmentation.drafts import begin_draft, check_draft, edit_draft
from segmentation.edits import merge, recut, remove_dimension, split
from segmentation.models import Cell, MatrixVersion
from segmentation.preview import Preview
from tests.accounts.people import make_user

from . import province
from .province import DAY

pytestmark = pytest.mark.django_db
TENURE = MatrixDefinition.from_json(
    province.MATRICES[0]
    | {"dimensions": [{**province.SPEND, "code": "data", "attribute": "data_mb"}]}
).dimensions[0]


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()


def draft(change: Any) -> MatrixVersion:
    version = begin_draft(MatrixVersion.objects.published().get(matrix="retention"), by="ann")
    return edit_draft(version, change, revision=version.revision, what="", by="ann")[0]


def approved(version: MatrixVersion, from_date: date = DAY) -> MatrixVersion:
    version = check_draft(version, revision=version.revision, by="ann")
    return approve_matrix(version, revision=version.revision, from_date=from_date, by="bob")


def rows() -> list[tuple[str, dict[str, list[str]]]]:
    return [(row.policy_id, row.cells) for row in MarketingRow.objects.filter(matrix="retention")]


def merged_on_campus(definition: MatrixDefinition) -> Any:
    return merge(definition, {"spend": ("low", "high"), "campus": ("on",)})


def test_cells_split_inside_a_box_inherit_its_rows() -> None:
    before = rows()
    version = draft(lambda d: split(d, {"spend": ("high",)}, TENURE))
    assert misfits(version) == []
    published = publish_matrix(approved(version), by="nightly")
    assert rows() == before
    plan = compile_plan(DAY, [*MatrixVersion.objects.published()])
    high = [
        number
        for number, bands in Cell.objects.of_version(published).values_list("number", "bands")
        if bands["spend"] == "high"
    ]
    assert len(high) == 3 * 3
    (reached,) = (c for c in plan.body["cell_sets"] if c["bands"] == {"spend": ["high"]})
    assert sorted(numbers(reached)) == sorted(high)


def numbers(cell_set: dict[str, Any]) -> list[int]:
    return [n for first, last in cell_set["cells"] for n in range(first, last + 1)]


def test_a_row_that_would_cut_a_cell_waits_for_a_decision() -> None:
    version = draft(merged_on_campus)
    (misfit,) = misfits(version)
    assert misfit.box == {"spend": ["high"]}
    assert [row.policy_id for row in misfit.rows] == ["P1"]
    assert misfit.suggested == {"spend": ["low", "high"]}
    with pytest.raises(DomainError) as refused:
        approved(version)
    assert refused.value.code == "rows_undecided"


def test_rows_are_re_pointed_when_the_version_is_published_and_not_before() -> None:
    version = draft(merged_on_campus)
    (misfit,) = misfits(version)
    choose(version, box=misfit.box, becomes=misfit.suggested, by="ann")
    ready = approved(version)
    assert ("P1", {"spend": ["high"]}) in rows()
    publish_matrix(ready, by="nightly")
    assert ("P1", {"spend": ["low", "high"]}) in rows()
    compile_plan(DAY, [*MatrixVersion.objects.published()])


def test_rows_are_dropped_by_choice() -> None:
    version = draft(lambda d: remove_dimension(d, "campus"))
    (misfit,) = misfits(version)
    assert (misfit.box, misfit.suggested) == ({"campus": ["on"]}, {})
    choose(version, box=misfit.box, becomes=None, by="ann")
    publish_matrix(approved(version), by="nightly")
    assert {"campus": ["on"]} not in [box for _policy, box in rows()]
    assert Operation.objects.filter(action="redraw_rows").exists()


def test_a_box_is_not_re_pointed_to_half_a_cell() -> None:
    version = draft(merged_on_campus)
    for becomes in ({"spend": ["low"]}, {"nothing": ["low"]}):
        with pytest.raises(DomainError) as refused:
            choose(version, box={"spend": ["high"]}, becomes=becomes, by="ann")
        assert refused.value.code == "box_misfits"


def test_a_marketing_matrix_that_names_half_a_cell_is_refused() -> None:
    publish_matrix(approved_with_choice(), by="nightly")
    with pytest.raises(DomainError) as refused:
        province.load("marketing", province.MARKETING)
    assert refused.value.code == "cell_straddles"


def approved_with_choice() -> MatrixVersion:
    version = draft(merged_on_campus)
    (misfit,) = misfits(version)
    choose(version, box=misfit.box, becomes=misfit.suggested, by="ann")
    return approved(version)


def test_what_is_due_is_published_and_what_is_not_waits() -> None:
    version = approved_with_choice()
    assert publish_due(date(2026, 6, 30), by="nightly") == []
    assert [str(v) for v in publish_due(DAY, by="nightly")] == [str(version)]


def test_what_cannot_be_published_is_logged_and_stops_nothing() -> None:
    version = approved_with_choice()
    late = {"campaign": "C1", "policy": "P3", "matrix": "retention", "cells": {"spend": ["low"]}}
    province.load("marketing", [*province.MARKETING, late])
    assert publish_due(DAY, by="nightly") == []
    version.refresh_from_db()
    assert version.state == "approved"
    refused = Operation.objects.get(action="publish_refused")
    assert refused.after["code"] == "rows_undecided"


def test_whose_policies_change_is_counted_by_policy() -> None:
    published = MatrixVersion.objects.published().get(matrix="retention")
    number = {
        (bands["spend"], bands["campus"]): number
        for number, bands in Cell.objects.of_version(published).values_list("number", "bands")
    }
    version = draft(merged_on_campus)
    definition = MatrixDefinition.from_json(version.body)
    place = {str(bands): at for at, bands in enumerate(definition.cells())}
    # P1 met the high ones; as suggested it will meet the low ones too.
    both = place[str({"spend": ["low", "high"], "campus": "on"})]
    flows = {
        (number["low", "on"], both): 10,
        (number["high", "on"], both): 7,
        (number["low", "off"], place[str({"spend": "low", "campus": "off"})]): 5,
        (number["unknown", "on"], place[str({"spend": "unknown", "campus": "on"})]): 3,
        (None, None): 2,
    }
    found = redrawn(version, Preview(definition, flows), DAY)
    assert found.customers == 10 + 5
    assert [(c.policy, c.gained, c.lost) for c in found.policies] == [("P1", 15, 0)]
    assert [campaign.code for campaign in found.campaigns] == ["C1"]
    choose(version, box={"spend": ["high"]}, becomes=None, by="ann")
    found = redrawn(version, Preview(definition, flows), DAY)
    assert [(c.policy, c.gained, c.lost) for c in found.policies] == [("P1", 0, 7)]


def renamed(definition: MatrixDefinition) -> Any:
    """The spend bands under other codes, at the same limit."""
    body = {**province.SPEND, "bands": [
        {**band, "code": f"new_{band['code']}"} for band in province.SPEND["bands"]
    ]}  # fmt: skip
    spend = MatrixDefinition.from_json(province.MATRICES[0] | {"dimensions": [body]}).dimensions[0]
    return recut(definition, spend)


def test_a_row_whose_band_is_gone_waits_for_a_decision_on_a_flat_matrix_too() -> None:
    (misfit,) = misfits(draft(renamed))
    assert (misfit.box, misfit.suggested) == ({"spend": ["high"]}, {"spend": ["new_high"]})


def test_a_choice_that_a_later_edit_outdated_is_open_again() -> None:
    version = draft(merged_on_campus)
    (misfit,) = misfits(version)
    choose(version, box=misfit.box, becomes=misfit.suggested, by="ann")
    version.refresh_from_db()
    wider = {"spend": ("low", "high", "unknown"), "campus": ("on",)}
    edit_draft(version, lambda d: merge(d, wider), revision=version.revision, what="", by="ann")
    version.refresh_from_db()
    (misfit,) = misfits(version)
    assert misfit.choice is None


def test_who_changes_a_choice_needs_a_new_approval() -> None:
    version = approved_with_choice()
    choose(version, box={"spend": ["high"]}, becomes=None, by="ann")
    version.refresh_from_db()
    assert (version.state, version.approved_by) == ("draft", "")


def test_a_city_decides_nothing_of_the_province_s_matrices() -> None:
    user = make_user("approver", "ningbo")
    version = draft(lambda d: split(d, {"spend": ("high",)}, TENURE))
    checked = check_draft(version, revision=version.revision, by="ann")
    ready = approved(draft(lambda d: split(d, {"spend": ("low",)}, TENURE)))
    for act in (
        lambda: approve_matrix(checked, revision=checked.revision, from_date=DAY, by=user),
        lambda: choose(checked, box={}, becomes=None, by=user),
        lambda: publish_matrix(ready, by=user),
    ):
        with pytest.raises(DomainError) as refused:
            act()
        assert (refused.value.code, refused.value.status) == ("province_only", 403)


def test_an_audience_that_the_new_cells_would_cut_is_named_before_approval() -> None:
    box = {"cells": {"matrix": "retention", "box": {"spend": ["low"]}}}
    define_audience(code="thrifty", name=Name("节俭", "Thrifty"), expression=box, by="test")
    version = draft(merged_on_campus)
    choose(version, box={"spend": ["high"]}, becomes=None, by="ann")
    version.refresh_from_db()
    with pytest.raises(DomainError, match="audience thrifty") as refused:
        approved(version)
    assert refused.value.code == "sets_misfit"


def test_rows_that_come_to_say_the_same_are_one() -> None:
    low = {**province.MARKETING[0], "cells": {"spend": ["low"]}}
    province.load("marketing", [*province.MARKETING, low])
    version = draft(merged_on_campus)
    for misfit in misfits(version):
        choose(version, box=misfit.box, becomes=misfit.suggested, by="ann")
        version.refresh_from_db()
    publish_matrix(approved(version), by="nightly")
    assert rows().count(("P1", {"spend": ["low", "high"]})) == 1


def test_the_same_refusal_is_logged_once() -> None:
    approved_with_choice()
    late = {"campaign": "C1", "policy": "P3", "matrix": "retention", "cells": {"spend": ["low"]}}
    province.load("marketing", [*province.MARKETING, late])
    for _ in range(3):
        publish_due(DAY, by="nightly")
    assert Operation.objects.filter(action="publish_refused").count() == 1
