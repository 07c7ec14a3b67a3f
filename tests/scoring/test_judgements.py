"""Experts' judgements below the page: several experts, one set of weights, or a refusal."""

import threading
from math import prod
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from accounts.models import Operation, User
from common.errors import DomainError
from customers.models import Attribute
from scoring import definitions
from scoring.judgements import hierarchy_of, judge, weights_of
from scoring.learning.refusal import NotEstimable
from scoring.models import Judgement, Model
from tests.accounts.people import make_province, make_user

from .conftest import MODELS, make_snapshot, train

pytestmark = pytest.mark.django_db
CODES = ("arpu", "tenure", "calls")
Ratios = dict[tuple[str, str], float]
# Saaty's, of three items.
RANDOM_INDEX = 0.52
FAIR: Ratios = {("arpu", "tenure"): 3.0, ("arpu", "calls"): 9.0, ("tenure", "calls"): 5.0}
FOUL = FAIR | {("arpu", "calls"): 1 / 9}


@pytest.fixture
def model(catalogue: None) -> Model:
    Attribute.objects.create(code="calls", name_zh="通话", name_en="calls", type="number")
    make_province()
    return define()


def define(codes: tuple[str, ...] = CODES, **more: Any) -> Model:
    scaled = [{"attribute": code, "scaling": "rank"} for code in codes]
    goal = {
        "code": "worth",
        "name": {"zh": "价值", "en": "Worth"},
        "children": [{"code": code} for code in codes],
    }
    definitions.load([MODELS[0] | {"indicators": scaled, "hierarchy": goal} | more], "test")
    return Model.objects.get(code="value_index")


def expert(name: str) -> User:
    return make_user("analyst", username=name)


def matrix_of(ratios: Ratios) -> np.ndarray:
    matrix = np.eye(len(CODES))
    for (a, b), ratio in ratios.items():
        i, j = CODES.index(a), CODES.index(b)
        matrix[i, j], matrix[j, i] = ratio, 1 / ratio
    return matrix


def principal(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and Saaty's consistency ratio of three items, by numpy alone."""
    values, vectors = np.linalg.eig(matrix)
    first = int(np.argmax(values.real))
    weights = np.abs(vectors[:, first].real)
    return weights / weights.sum(), float((values[first].real - 3) / 2 / RANDOM_INDEX)


def test_one_expert_s_weights_are_the_principal_eigenvector(model: Model) -> None:
    found = judge(model, node="worth", ratios=FAIR, by=expert("wang"))
    weights, ratio = principal(matrix_of(FAIR))
    assert found.leaves == pytest.approx(dict(zip(CODES, weights, strict=True)), abs=1e-9)
    assert found.nodes[0].ratio == pytest.approx(ratio)
    found.require_consistent()


def test_several_experts_count_by_the_geometric_mean(model: Model) -> None:
    said: list[Ratios] = [
        FAIR,
        {("tenure", "arpu"): 2.0, ("arpu", "calls"): 3.0, ("tenure", "calls"): 7.0},
        {("arpu", "tenure"): 1.0, ("arpu", "calls"): 5.0, ("calls", "tenure"): 1 / 4},
    ]
    for n, ratios in enumerate(said):
        judge(model, node="worth", ratios=ratios, by=expert(f"expert{n}"))
    together = np.array(
        [[prod(matrix_of(r)[i, j] for r in said) ** (1 / 3) for j in range(3)] for i in range(3)]
    )
    weights, ratio = principal(together)
    found = weights_of(model)
    assert found.leaves == pytest.approx(dict(zip(CODES, weights, strict=True)), abs=1e-9)
    assert found.nodes[0].ratio == pytest.approx(ratio)
    assert [opinion.expert for opinion in found.nodes[0].opinions] == [
        "expert0",
        "expert1",
        "expert2",
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_in_which_experts_speak_does_not_matter(model: Model, order: Any) -> None:
    said = [FAIR, {("tenure", "arpu"): 2.0, ("arpu", "calls"): 3.0, ("tenure", "calls"): 7.0}]
    people = [expert("an"), expert("bo")]
    for n in order:
        judge(model, node="worth", ratios=said[n], by=people[n])
    geometric = {"arpu": (3 / 2) ** 0.5}
    matrix = weights_of(model).nodes[0].matrix
    assert matrix[0][1] == pytest.approx(geometric["arpu"])


def test_a_second_word_of_the_same_expert_takes_the_place_of_the_first(model: Model) -> None:
    wang = expert("wang")
    judge(model, node="worth", ratios=FOUL, by=wang)
    judge(model, node="worth", ratios=FAIR, by=wang)
    assert Judgement.objects.get().pairs == {
        "arpu": {"tenure": 3.0, "calls": 9.0},
        "tenure": {"calls": 5.0},
    }
    first, second = Operation.objects.filter(action="judge_indicators").order_by("pk")
    assert (first.before, second.before) == (None, first.after)


def test_contradictions_are_refused_with_those_that_hurt_most(model: Model) -> None:
    found = judge(model, node="worth", ratios=FOUL, by=expert("wang"))
    worst = found.nodes[0].hurts[0]
    assert {worst.item, worst.other} == {"arpu", "calls"}
    falls = [hurt.fall for hurt in found.nodes[0].hurts]
    assert falls == sorted(falls, reverse=True)
    repaired = FOUL | {(worst.item, worst.other): worst.suggested}
    if (worst.item, worst.other) not in FOUL:
        repaired = FOUL | {(worst.other, worst.item): 1 / worst.suggested}
    assert principal(matrix_of(repaired))[1] == pytest.approx(worst.ratio_after, abs=1e-6)
    with pytest.raises(NotEstimable) as refused:
        found.require_consistent()
    assert refused.value.figures["ratio"] > 0.1
    assert {refused.value.figures["item"], refused.value.figures["other"]} == {"arpu", "calls"}


def test_no_training_takes_contradictions(model: Model) -> None:
    judge(model, node="worth", ratios=FOUL, by=expert("wang"))
    make_snapshot(calls=np.arange(3000.0))
    with pytest.raises(DomainError) as refused:
        train("value_index")
    assert refused.value.code == "inconsistent_judgements"


def test_a_pair_that_nobody_judged_is_told_and_gives_no_weights(model: Model) -> None:
    some = {pair: FAIR[pair] for pair in list(FAIR)[:1]}
    found = judge(model, node="worth", ratios=some, by=expert("wang"))
    assert found.leaves is None
    assert len(found.nodes[0].missing) >= 1


@pytest.mark.parametrize("ratios", [{("arpu", "tenure"): 0.0}, {("arpu", "tenure"): -3.0}])
def test_what_is_no_judgement_is_refused_and_not_kept(model: Model, ratios: Ratios) -> None:
    with pytest.raises(DomainError):
        judge(model, node="worth", ratios=ratios, by=expert("wang"))
    assert not Judgement.objects.exists()
    assert not Operation.objects.filter(action="judge_indicators").exists()


def test_what_was_said_of_an_indicator_that_has_gone_counts_no_more(model: Model) -> None:
    judge(model, node="worth", ratios=FAIR, by=expert("wang"))
    smaller = define(("arpu", "tenure"))
    assert weights_of(smaller).leaves == pytest.approx({"arpu": 0.75, "tenure": 0.25})


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ({"code": "g", "children": [{"code": "arpu"}]}, "calls, tenure"),
        (
            {"code": "g", "children": [{"code": c} for c in (*CODES, "arpu")]},
            "arpu",
        ),
        (
            {"code": "arpu", "children": [{"code": c} for c in CODES]},
            "arpu",
        ),
    ],
)
def test_a_hierarchy_that_differs_from_the_indicators_is_refused(goal: Any, words: str) -> None:
    definition = {"hierarchy": goal, "indicators": [{"attribute": code} for code in CODES]}
    with pytest.raises(DomainError) as refused:
        hierarchy_of(definition, ["hierarchy"])
    assert refused.value.code == "hierarchy_differs"
    assert words in refused.value.message


def held(ratios: Ratios, name: str = "finance") -> dict[str, Any]:
    """An opinion as a definition has it."""
    pairs: dict[str, dict[str, float]] = {}
    for (item, other), ratio in ratios.items():
        pairs.setdefault(item, {})[other] = ratio
    return {"expert": {"zh": "财务", "en": name}, "pairs": {"worth": pairs}}


def test_experts_of_the_definition_give_weights_before_anybody_speaks(model: Model) -> None:
    found = weights_of(define(judgements=[held(FAIR)]))
    weights, ratio = principal(matrix_of(FAIR))
    assert found.leaves == pytest.approx(dict(zip(CODES, weights, strict=True)), abs=1e-9)
    assert found.nodes[0].ratio == pytest.approx(ratio)
    make_snapshot(calls=np.arange(3000.0))
    assert train("value_index").state == "done"


def test_who_speaks_counts_beside_the_experts_of_the_definition(model: Model) -> None:
    """Even one whose user name is what the definition calls its expert."""
    model = define(judgements=[held(FAIR), held(FAIR, "market")])
    judge(model, node="worth", ratios=FAIR | {("arpu", "tenure"): 1 / 3}, by=expert("finance"))
    found = weights_of(model).nodes[0]
    assert len(found.opinions) == 3
    assert found.matrix[0][1] == pytest.approx((3 * 3 / 3) ** (1 / 3))


@pytest.mark.parametrize(
    ("judgements", "code"),
    [
        ([held({("arpu", "brand"): 3.0})], "judgement_unknown"),
        ([held({("arpu", "tenure"): 12.0})], "judgement_off_scale"),
        ([held(FAIR), held(FAIR)], "judgement_repeated"),
    ],
)
def test_a_definition_with_what_is_no_judgement_is_refused(
    model: Model, judgements: list, code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        define(judgements=judgements)
    assert refused.value.code == code
    assert refused.value.extra["where"] == [0, "judgements"]


def test_judgements_of_no_hierarchy_are_refused(catalogue: None) -> None:
    with pytest.raises(DomainError) as refused:
        definitions.load([MODELS[0] | {"judgements": [held(FAIR)]}], "test")
    assert refused.value.code == "judgements_without_hierarchy"


@pytest.mark.django_db(transaction=True)
def test_two_experts_at_once_are_both_kept(model: Model) -> None:
    people = [expert("an"), expert("bo")]
    start = threading.Barrier(2)
    errors: list[BaseException] = []

    def speak(user: User) -> None:
        try:
            start.wait()
            judge(model, node="worth", ratios=FAIR, by=user)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=speak, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Judgement.objects.count() == 2
    assert len(weights_of(model).nodes[0].opinions) == 2
    assert Operation.objects.filter(action="judge_indicators").count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_expert_in_two_windows_keeps_one_whole_word(model: Model) -> None:
    wang = expert("wang")
    other = FAIR | {("arpu", "calls"): 7.0}
    start = threading.Barrier(2)

    def speak(ratios: Ratios) -> None:
        try:
            start.wait()
            judge(model, node="worth", ratios=ratios, by=wang)
        finally:
            connection.close()

    threads = [threading.Thread(target=speak, args=(ratios,)) for ratios in (FAIR, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = Judgement.objects.get()
    assert kept.pairs["arpu"]["calls"] in (7.0, 9.0)
    last = Operation.objects.filter(action="judge_indicators").order_by("-pk")[0]
    assert last.after == {"pairs": kept.pairs}


@pytest.mark.django_db(transaction=True)
def test_a_word_waits_while_another_is_being_kept(model: Model) -> None:
    wang = expert("wang")

    def speak() -> None:
        try:
            judge(model, node="worth", ratios=FAIR, by=wang)
        finally:
            connection.close()

    speaking = threading.Thread(target=speak)
    with transaction.atomic():
        # A row that refers to the model can be written beside this, another such word can't.
        Model.objects.select_for_update(no_key=True).get(pk=model.pk)
        speaking.start()
        speaking.join(0.5)
        assert speaking.is_alive()
    speaking.join()
    assert Judgement.objects.count() == 1
