"""The sample's definitions are accepted whole; loading them twice, or exported, changes nothing."""

from pathlib import Path

import pytest

from config import definitions
from sample.bench_definitions import write_definitions
from scoring.judgements import weights_of
from scoring.models import Model
from segmentation.models import Cell
from tests.sample.landing import DEFINITIONS, document

pytestmark = pytest.mark.django_db


def changed(directory: Path) -> dict[str, object]:
    return {
        name: changes
        for name, changes in definitions.load(directory, by="test").items()
        if changes.any
    }


def test_the_sample_province_loads_once(tmp_path: Path) -> None:
    assert set(changed(DEFINITIONS)) == {document.name for document in definitions.DOCUMENTS}
    assert changed(DEFINITIONS) == {}
    definitions.export(tmp_path)
    assert changed(tmp_path) == {}


def test_the_matrices_have_the_cells_that_are_documented() -> None:
    definitions.load(DEFINITIONS, by="test")
    cells = {m["code"]: Cell.objects.filter(matrix=m["code"]).count() for m in document("matrices")}
    assert cells == {"retention": 528, "stimulation": 720, "uplift": 400}


def test_the_value_index_is_weighed_by_three_experts_who_agree_well_enough() -> None:
    definitions.load(DEFINITIONS, by="test")
    found = weights_of(Model.objects.get(code="value_index"))
    assert [len(node.opinions) for node in found.nodes] == [3, 3, 3, 3]
    opinions = [opinion for node in found.nodes for opinion in node.opinions]
    assert all(told.consistent for told in [*found.nodes, *opinions])
    heaviest = {"arpu_3m": 0.38, "tenure_months": 0.16, "plan_fee": 0.14, "data_mb": 0.12}
    assert {code: found.leaves[code] for code in heaviest} == pytest.approx(heaviest, abs=0.01)


def test_definitions_of_a_stated_size_load(tmp_path: Path) -> None:
    write_definitions(tmp_path, policies=12, campaigns=3, cells=100)
    assert changed(tmp_path)
    assert changed(tmp_path) == {}
