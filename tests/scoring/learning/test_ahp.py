"""Weights from experts: the published cases, the laws of the method, and what is no judgement."""

import os
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import ahp as figures
from bench.public_data import FOLDER
from scoring.learning.ahp import Judgement, Node, composite, read_matrix, weigh
from scoring.learning.ahp_consistency import SCALE, eigen, nearest_on_scale
from scoring.learning.refusal import NotEstimable

ITEMS = ("spend", "use", "tenure", "credit")
GOAL = Node("value", tuple(Node(item) for item in ITEMS))

positive = st.floats(0.35, 3.0)
ratios = st.sampled_from(SCALE)
# One expert's six ratios over four items.
opinions = st.lists(ratios, min_size=6, max_size=6)


def judged(given_: list[float], expert: str = "A", items=ITEMS) -> list[Judgement]:
    pairs = combinations(items, 2)
    return [Judgement(expert, "value", *p, r) for p, r in zip(pairs, given_, strict=True)]


def published() -> None:
    if not (FOLDER / "ahp").is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{FOLDER / 'ahp'} must hold the published cases")
        pytest.skip(f"no {FOLDER}")


@pytest.mark.parametrize("figure", [f for f in figures.FIGURES if f.bar], ids=lambda f: f.name)
def test_the_published_cases_come_out_to_three_decimals(figure) -> None:
    published()
    assert figure.holds(figure.measure().figure)


def test_alternatives_under_each_criterion_add_up_to_the_composite() -> None:
    published()
    weights = figures.leader()
    local = {node.node: node.weights for node in weights.nodes}
    by_hand = composite(local.pop("leader"), local)
    assert weights.require_consistent() == pytest.approx(by_hand)
    assert sorted(by_hand, key=by_hand.get) == ["Sue", "Moll", "Nell"]


@given(st.lists(positive, min_size=2, max_size=9))
def test_judgements_that_agree_give_their_weights_exactly(weights: list[float]) -> None:
    w = np.array(weights) / sum(weights)
    items = [f"i{n}" for n in range(len(w))]
    goal = Node("value", tuple(Node(item) for item in items))
    found = weigh(goal, read_matrix(w[:, None] / w, items, node="value", expert="A"))
    assert found.require_consistent() == pytest.approx(dict(zip(items, w, strict=True)))
    assert found.nodes[0].ratio == pytest.approx(0, abs=1e-9)
    assert found.nodes[0].lambda_max == pytest.approx(len(w))


@given(opinions, st.permutations(ITEMS))
def test_the_order_of_items_does_not_matter(given_: list[float], order: list[str]) -> None:
    goal = Node("value", tuple(Node(item) for item in order))
    here, there = weigh(GOAL, judged(given_)), weigh(goal, judged(given_))
    assert here.leaves == pytest.approx(there.leaves)
    assert here.nodes[0].ratio == pytest.approx(there.nodes[0].ratio)


@given(opinions, opinions, opinions)
def test_experts_together_stay_reciprocal(a, b, c) -> None:
    node = weigh(GOAL, judged(a, "A") + judged(b, "B") + judged(c, "C")).nodes[0]
    matrix = np.array(node.matrix)
    np.testing.assert_allclose(matrix * matrix.T, 1.0)
    expected = np.cbrt(np.array(a) * b * c)
    np.testing.assert_allclose(matrix[np.triu_indices(4, 1)], expected)
    # An eigenvector by definition, and Perron's bound.
    w = np.array(list(node.weights.values()))
    np.testing.assert_allclose(matrix @ w, node.lambda_max * w)
    assert node.lambda_max >= 4 - 1e-9


def test_said_the_other_way_round_it_is_the_same() -> None:
    said = judged([3, 5, 7, 2, 4, 2])
    turned = [Judgement("A", "value", j.other, j.item, 1 / j.ratio) for j in said]
    assert weigh(GOAL, said).leaves == pytest.approx(weigh(GOAL, turned).leaves)


def test_the_judgement_that_was_spoilt_hurts_most_and_its_cure_is_named() -> None:
    w = np.array([8.0, 4.0, 2.0, 1.0])
    given_ = [w[i] / w[j] for i, j in combinations(range(4), 2)]
    given_[4] = 1 / 7  # use against credit: 4 as the others imply
    found = weigh(GOAL, judged(given_))
    assert not found.consistent
    worst = found.nodes[0].hurts[0]
    assert (worst.item, worst.other, worst.given) == ("use", "credit", pytest.approx(1 / 7))
    assert worst.implied == pytest.approx(4)
    assert worst.suggested == 4
    assert worst.ratio_after == pytest.approx(0, abs=1e-9)
    with pytest.raises(NotEstimable) as refusal:
        found.require_consistent()
    assert refusal.value.code == "inconsistent_judgements"
    assert refusal.value.figures["suggested"] == 4
    assert refusal.value.figures["ratio"] > refusal.value.figures["limit"] == 0.1


@given(opinions)
def test_following_the_advice_does_what_it_says(given_: list[float]) -> None:
    node = weigh(GOAL, judged(given_)).nodes[0]
    falls = [hurt.fall for hurt in node.hurts]
    assert falls == sorted(falls, reverse=True)
    if not node.hurts:
        return
    worst = node.hurts[0]
    mended = [
        Judgement(j.expert, j.node, j.item, j.other, worst.suggested)
        if (j.item, j.other) == (worst.item, worst.other)
        else j
        for j in judged(given_)
    ]
    after = weigh(GOAL, mended).nodes[0].ratio
    assert after == pytest.approx(worst.ratio_after)
    assert node.ratio - after == pytest.approx(worst.fall)


def test_pairs_nobody_judged_are_named_and_nothing_is_weighed() -> None:
    some = judged([3, 5, 7, 2, 4, 2], "A")[:4] + judged([3, 5, 7, 2, 4, 2], "B")[:5]
    found = weigh(GOAL, some)
    assert found.nodes[0].missing == (("tenure", "credit"),)
    assert found.nodes[0].weights is None
    assert found.leaves is None
    assert not found.consistent
    assert [len(o.missing) for o in found.nodes[0].opinions] == [2, 1]
    with pytest.raises(NotEstimable) as refusal:
        found.require_consistent()
    assert refusal.value.code == "missing_judgements"
    assert refusal.value.figures["missing"] == 1


def test_experts_may_fill_each_other_s_gaps() -> None:
    said = judged([3, 5, 7, 2, 4, 2], "A")
    shared = said[:3] + judged([3, 5, 7, 2, 4, 2], "B")[3:]
    assert weigh(GOAL, shared).leaves == pytest.approx(weigh(GOAL, said).leaves)


def test_each_expert_has_his_own_ratio_and_the_widest_disagreement_comes_first() -> None:
    agree, spoilt = [2, 4, 8, 2, 4, 2], [2, 4, 8, 2, 1 / 4, 2]
    node = weigh(GOAL, judged(agree, "A") + judged(spoilt, "B")).nodes[0]
    a, b = node.opinions
    assert a.ratio == pytest.approx(0, abs=1e-9)
    assert (a.consistent, b.consistent) == (True, False)
    first = node.spreads[0]
    assert (first.item, first.other, first.opposed) == ("use", "credit", True)
    assert first.factor == pytest.approx(np.exp(np.log(16) / np.sqrt(2)))
    assert node.spreads[1].factor == pytest.approx(1)


def test_a_deep_hierarchy_multiplies_down_and_two_items_always_agree() -> None:
    goal = Node("value", (Node("money", (Node("arpu"), Node("fee"))), Node("tenure")))
    said = [
        Judgement("A", "value", "money", "tenure", 3),
        Judgement("A", "money", "arpu", "fee", 9),
    ]
    found = weigh(goal, said)
    assert found.require_consistent() == pytest.approx(
        {"arpu": 0.675, "fee": 0.075, "tenure": 0.25}
    )
    assert [node.ratio for node in found.nodes] == [0, 0]


@pytest.mark.parametrize("ratio", [0.0, -3.0, 10.0, 1 / 10, float("nan"), float("inf")])
def test_a_ratio_off_the_scale_is_refused(ratio: float) -> None:
    with pytest.raises(NotEstimable) as refusal:
        weigh(GOAL, [Judgement("A", "value", "use", "tenure", ratio)])
    assert refusal.value.code == "judgement_off_scale"
    assert refusal.value.figures["item"] == "use"


@pytest.mark.parametrize(
    ("judgements", "code"),
    [
        ([Judgement("A", "value", "use", "use", 1)], "judgement_of_itself"),
        ([Judgement("A", "value", "use", "arpu", 2)], "judgement_unknown"),
        ([Judgement("A", "other", "use", "tenure", 2)], "judgement_unknown"),
        (
            [
                Judgement("A", "value", "use", "tenure", 2),
                Judgement("A", "value", "tenure", "use", 2),
            ],
            "judgement_repeated",
        ),
    ],
)
def test_what_is_no_judgement_of_the_hierarchy_is_refused(judgements, code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        weigh(GOAL, judgements)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("matrix", "code", "figures_"),
    [
        ([[2, 3], [1 / 3, 1]], "judgement_of_itself", {"item": "a", "ratio": 2}),
        ([[1, 3], [1 / 2, 1]], "judgement_not_reciprocal", {"ratio": 3, "back": 0.5}),
        ([[1, 3], [float("nan"), 1]], "judgement_not_reciprocal", {"ratio": 3}),
        ([[1, 12], [1 / 12, 1]], "judgement_off_scale", {"ratio": 12}),
    ],
)
def test_a_matrix_that_contradicts_itself_is_refused(matrix, code: str, figures_) -> None:
    with pytest.raises(NotEstimable) as refusal:
        read_matrix(matrix, ["a", "b"], node="value", expert="A")
    assert refusal.value.code == code
    assert refusal.value.figures.items() >= figures_.items()


def test_a_matrix_must_be_square_and_codes_differ() -> None:
    with pytest.raises(ValueError, match="square"):
        read_matrix([[1, 2]], ["a", "b"], node="value", expert="A")
    with pytest.raises(ValueError, match="differ"):
        weigh(Node("value", (Node("a"), Node("a"))), [])


def test_more_items_than_the_random_index_knows_are_refused() -> None:
    goal = Node("value", tuple(Node(f"i{n}") for n in range(16)))
    with pytest.raises(NotEstimable) as refusal:
        weigh(goal, [])
    assert refusal.value.figures == {"node": "value", "items": 16, "limit": 15}


@given(st.floats(1e-3, 1e3))
def test_the_nearest_step_is_the_nearest_by_factor(ratio: float) -> None:
    found = nearest_on_scale(ratio)
    assert all(abs(np.log(found / ratio)) <= abs(np.log(s / ratio)) + 1e-12 for s in SCALE)


def test_the_eigenvector_is_the_limit_of_powers() -> None:
    rng = np.random.default_rng(2)
    matrix = np.ones((6, 6))
    for i, j in combinations(range(6), 2):
        matrix[i, j] = rng.choice(SCALE)
        matrix[j, i] = 1 / matrix[i, j]
    vector = np.ones(6)
    for _ in range(500):
        vector = matrix @ vector
        vector /= vector.sum()
    np.testing.assert_allclose(eigen(matrix)[0], vector)
