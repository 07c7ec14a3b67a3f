"""What the reports of single kinds show: the tree, the groups, the value index."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User
from customers.models import Attribute
from scoring import definitions, report_groups, report_trees
from scoring.charts import fitted
from scoring.kinds.groups import GroupsKind
from scoring.learning.groups import BehaviourGroups
from scoring.models import Model, ModelVersion
from scoring.report import Report
from scoring.report_names import Wording
from scoring.report_value import scale_in_words
from scoring.rows import Rows, features_of
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import MODELS, make_snapshot, trained

pytestmark = pytest.mark.django_db
GROUPS = {
    "code": "groups",
    "name": {"zh": "客户群", "en": "Behaviour groups"},
    "kind": "behaviour_groups",
    "output": "behaviour_group",
    "features": ["calls", "traffic"],
    "demographics": ["brand", "tenure"],
    "value": ["arpu"],
}
DEFINITION = GROUPS | {"categories": {"brand": ["gotone", "mzone", "easyown"]}}
NAMED = [
    ("arpu", "月均收入", "monthly revenue", "number", "元", "yuan"),
    ("tenure", "在网时长", "tenure", "integer", "月", "months"),
    ("calls", "通话时长", "call time", "number", "分钟", "min"),
    ("traffic", "流量", "data volume", "number", "", "GB"),
]
BRANDS = [
    ("gotone", "全球通", "GoTone"),
    ("mzone", "动感地带", "M-Zone"),
    ("easyown", "神州行", "Easy"),
]


@pytest.fixture
def reader(catalogue: None) -> Iterator[User]:
    for code, zh, en, type_, unit_zh, unit_en in NAMED:
        names = {"name_zh": zh, "name_en": en, "unit_zh": unit_zh, "unit_en": unit_en}
        Attribute.objects.update_or_create(code=code, defaults={"type": type_, **names})
    brands = [{"code": code, "zh": zh, "en": en} for code, zh, en in BRANDS]
    Attribute.objects.filter(code="brand").update(name_en="brand", name_zh="品牌", values=brands)
    grades = [
        {"code": "moving", "zh": "异动", "en": "Moving"},
        {"code": "still", "zh": "未异动", "en": "Still"},
    ]
    Attribute.objects.filter(code="movement_grade").update(values=grades)
    Attribute.objects.create(
        code="behaviour_group", name_zh="客户群", name_en="group", type="category", origin="score",
        values=[{"code": f"g{n}", "zh": f"第{n}群", "en": f"group {n}"} for n in range(1, 13)],
    )  # fmt: skip
    make_province()
    with translation.override("en"):
        yield make_user("analyst")


def shown(version: ModelVersion, reader: User) -> str:
    """What the reader reads of the kind's part of the report, without the marks of the page."""
    report = Report(version, reader)
    markup = render_to_string(f"scoring/reports/{version.model.kind}.html", {"report": report})
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup))


@cache
def report_of_groups() -> dict[str, Any]:
    """Callers, surfers, and the poor who do little; a brand each. Few candidates: quick."""
    rng = np.random.default_rng(3)
    group = rng.choice(3, 900, p=[0.5, 0.3, 0.2])
    use = rng.gamma(40, np.array([[300, 1], [20, 30], [20, 1]])[group] / 40)
    columns = {
        "calls": use[:, 0],
        "traffic": use[:, 1],
        "arpu": np.array([80.0, 150.0, 20.0])[group] * rng.gamma(30, 1 / 30, 900),
        "tenure": rng.integers(0, 90, 900),
        "brand": [BRANDS[g][0] for g in group],
    }
    rows = Rows(pa.table(columns), features_of(GROUPS["features"], {}))
    fitted = BehaviourGroups(rows.features, most_groups=4, starts=2, pairs=3).fit(rows.x)
    return GroupsKind().measure(DEFINITION, fitted, rows, lambda done, total: None)


# --- the tree ------------------------------------------------------------------------------------


@pytest.fixture
def tree(reader: User, models: None) -> ModelVersion:
    make_snapshot()
    return trained("movement_index")


def test_every_leaf_is_told_as_a_sentence_with_rate_n_and_grade(tree, reader):
    told = shown(tree, reader)
    for leaf in tree.report["leaves"]:
        assert f"{leaf['n']:,}" in told
        assert f"{leaf['rate']:.1%}".replace("%", " %") in told
    assert "tenure" in told.lower()
    assert "months" in told
    assert "Moving" in told
    assert "Still" in told
    assert "tenure <" not in told.split("Its leaves as rules")[1]


def test_what_was_looked_at_and_is_not_used_is_named(tree, reader):
    tree.report["unused"] = ["brand"]
    report = Report(tree, reader)
    markup = render_to_string("scoring/reports/made_from.html", {"report": report, "version": tree})
    told = markup.split("Looked at and not used")[1].split("Parameters")[0]
    assert "brand" in told.lower()
    assert "tenure" not in told.lower()


def test_beside_the_training_s_rates_stand_those_of_customers_held_out(tree, reader):
    report = tree.report
    held_out = [leaf["held_out"] for leaf in report["leaves"]]
    assert sum(found["n"] for found in held_out) == report["evaluation"]["n"]
    assert sum(found["positives"] for found in held_out) == report["evaluation"]["positives"]
    assert sum(leaf["n"] for leaf in report["leaves"]) > report["evaluation"]["n"]
    assert report["tree"][0]["held_out"]["n"] == report["evaluation"]["n"]
    told = shown(tree, reader)
    for found in held_out:
        if found["n"]:
            assert f"{found['rate_low']:.1%} … {found['rate_high']:.1%}".replace("%", " %") in told


def test_leaves_come_by_score_and_grades_by_the_definitions_bands(tree, reader):
    leaves = report_trees.leaves_of(tree.report, tree.definition)
    scores = [leaf.figures["score"] for leaf in leaves]
    assert scores == sorted(scores, reverse=True)
    assert {leaf.grade for leaf in leaves if leaf.figures["score"] >= 32} == {"Moving"}
    assert {leaf.grade for leaf in leaves if leaf.figures["score"] < 32} == {"Still"}


def test_the_tree_is_told_in_chinese(tree, reader):
    with translation.override("zh-hans"):
        told = shown(tree, reader)
    assert "在网时长" in told
    assert "异动" in told
    assert "tenure" not in told


def test_a_drawing_holds_each_branch_once_and_no_two_boxes_touch(tree):
    root = report_trees.root_of(tree.report, tree.definition)
    drawn = report_trees.drawing(root)
    ids = [box.branch.node["id"] for box in drawn.boxes]
    assert len(ids) == len(set(ids))
    assert len(drawn.edges) == len(ids) - 1
    for x in {box.x for box in drawn.boxes}:
        rows = sorted(box.y for box in drawn.boxes if box.x == x)
        steps = np.diff(rows)
        assert (steps >= drawn.box_height).all()
    assert all(0 <= box.y <= drawn.height - drawn.box_height for box in drawn.boxes)


def test_what_a_drawing_leaves_out_is_counted():
    deep = chain(report_trees.LEVELS + 3)
    root = report_trees.root_of({"tree": deep}, {})
    drawn = report_trees.drawing(root)
    assert max(b.branch.node["depth"] for b in drawn.boxes) == report_trees.LEVELS
    assert [b.hidden for b in drawn.boxes if b.hidden] == ["+ 4 leaves"]
    assert root.leaves == report_trees.LEVELS + 4


def chain(depth: int) -> list[dict[str, Any]]:
    """A tree that splits its left child again and again."""
    nodes = [node(0, None, 0, None)]
    for level in range(1, depth + 1):
        above = 0 if level == 1 else 2 * level - 3
        nodes[above]["leaf"] = False
        nodes.append(node(2 * level - 1, above, level, 10.0 * level))
        nodes.append(node(2 * level, above, level, 10.0 * level))
    return nodes


def node(
    id_: int, parent: int | None, depth: int, low: float | None, **more: Any
) -> dict[str, Any]:
    plain = {"codes": [], "unknown": False, "none_known": False, "high": None, "leaf": True}
    rate = {"n": 10, "positives": 1, "rate": 0.1, "rate_low": 0.0, "rate_high": 0.3}
    where = {"id": id_, "parent": parent, "depth": depth, "low": low, "score": float(id_)}
    return where | plain | rate | {"attribute": "arpu" if id_ else None} | more


SAID = [
    ({"low": 12.5}, "≥ 12.5 yuan"),
    ({"low": 12.0, "high": 20.0}, "≥ 12 yuan, < 20 yuan"),
    ({"high": 3.0, "low": None, "unknown": True}, "< 3 yuan, or unknown"),
    ({"low": None, "none_known": True, "unknown": True}, "unknown"),
    ({"low": None, "attribute": "brand", "codes": ["gotone", "mzone"]}, "GoTone, M-Zone"),
    ({"low": None, "attribute": "brand", "unknown": True}, "any other, or unknown"),
    ({"low": 0.5, "attribute": "left_within_30d"}, "yes"),
    ({"low": None, "high": 0.5, "attribute": "left_within_30d", "unknown": True}, "no, or unknown"),
    ({"low": 20454.0, "attribute": "joined"}, "≥ 2026-01-01"),
]


@pytest.mark.parametrize(("asked", "said"), SAID)
def test_conditions_are_said_in_brief(reader, asked, said):
    Attribute.objects.create(code="joined", name_zh="入网日期", name_en="joined", type="date")
    one = node(1, 0, 1, 1.0) | asked
    assert report_trees.condition(one, Wording()) == said


def test_a_long_line_is_cut_to_its_box_and_chinese_takes_twice_the_room():
    assert fitted("a" * 27, 27) == "a" * 27
    assert fitted("a" * 40, 27).endswith("…")
    assert len(fitted("网" * 40, 27)) == 13


# --- the groups ----------------------------------------------------------------------------------


@pytest.fixture
def groups(reader: User) -> ModelVersion:
    definitions.load([GROUPS], "test")
    model = Model.objects.get(code="groups")
    report = report_of_groups()
    return ModelVersion.objects.create(
        model=model, number=1, definition=DEFINITION, report=report, metrics=report["metrics"]
    )


def test_groups_are_named_in_words_with_share_and_what_sets_them_apart(groups, reader):
    told = shown(groups, reader)
    for group in groups.report["profiles"]["groups"]:
        assert f"{group['customers']:,}" in told
        assert f"{group['share']:.1%}".replace("%", " %") in told
    assert "Call time very high" in told
    assert "customer value very low" in told
    assert "Very often brand: GoTone" in told
    assert "very_high" not in told


def test_the_number_of_groups_is_explained(groups, reader):
    told = shown(groups, reader)
    assert "3 groups: of all the numbers" in told
    chosen = next(c for c in groups.report["curve"] if c["groups"] == 3)
    assert f"{chosen['stability']:.2f}" in told
    assert f"{chosen['silhouette']:.2f}" in told


def test_a_profile_has_three_dimensions_in_the_attributes_own_units(groups, reader):
    told = shown(groups, reader)
    assert all(title in told for title in ("Who they are", "What they do", "What they are worth"))
    [callers] = [
        g for g in report_groups.groups_of(groups.report) if g.name.startswith("call time very h")
    ]
    behaviour = dict(callers.views)["What they do"]
    assert [line.name for line in behaviour] == ["call time", "data volume"]
    assert behaviour[0].group.endswith(" min")
    assert behaviour[0].everybody.endswith(" min")


def test_groups_are_told_in_chinese(groups, reader):
    with translation.override("zh-hans"):
        told = shown(groups, reader)
    assert "通话时长" in told
    assert "全球通" in told
    assert "call time" not in told.lower()


CHOICES = [
    ({"groups": 4, "why": "finer", "weak": True}, ["4 groups: no number parts", "shade into"]),
    ({"groups": 2, "why": "unstable", "weak": False}, ["2 groups: no number comes again"]),
    ({"groups": 5, "why": "only", "weak": False}, ["5 groups, as the definition asks"]),
]


@pytest.mark.parametrize(("choice", "said"), CHOICES)
def test_why_so_many(choice, said):
    with translation.override("en"):
        told = report_groups.why_so_many(choice)
    assert len(told) == len(said)
    assert all(part in sentence for part, sentence in zip(said, told, strict=True))


def test_a_group_like_all_others_and_a_second_of_one_name(reader):
    plain = {"words": [], "value": None, "number": None}
    assert report_groups.name_in_words(plain, Wording()) == "like all the others"
    again = {"words": [["calls", None, "low"]], "value": "high", "number": 2}
    assert report_groups.name_in_words(again, Wording()) == "call time low, customer value high (2)"


# --- the value index -----------------------------------------------------------------------------


def test_a_value_index_tells_weights_scales_and_tiers(reader):
    definitions.load(MODELS[:1], "test")
    make_snapshot()
    version = trained("value_index")
    told = shown(version, reader)
    assert "Monthly revenue 0.600" in told
    assert "Linear: 0 yuan counts 0, 200 yuan counts 1" in told
    for tier in version.report["tiers"]:
        assert f"{tier['n']:,}" in told
    assert "Mid high" in told
    assert "Experts&#x27; judgements" not in told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"scaling": "log", "low": 1, "high": 100},
            "logarithmic: 1 yuan counts 0, 100 yuan counts 1",
        ),
        ({"low": 0, "high": 9, "better": "less"}, "linear: 9 yuan counts 0, 0 yuan counts 1"),
        ({"scaling": "rank"}, "share of customers who have less"),
        ({"scaling": "rank", "better": "less"}, "share of customers who have more"),
        ({"scaling": "normal", "better": "less"}, "by the normal distribution, less is better"),
    ],
)
def test_scales_in_words(reader, more, said):
    plain = {"attribute": "arpu", "scaling": "linear", "low": None, "high": None, "better": "more"}
    assert scale_in_words(plain | more, Wording()) == said
