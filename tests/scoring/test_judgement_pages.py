"""Experts compare the indicators of a value index: what the page shows, weighs and keeps."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from customers.models import Attribute
from scoring import definitions
from scoring.judgements import judge
from scoring.models import Judgement, Model
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import MODELS

pytestmark = pytest.mark.django_db
PART = {"hx-request": "true"}
# Saaty: 3 × 5 = 15, so 9 between the ends contradicts little, 1/9 all.
FAIR = {("arpu", "tenure"): 3.0, ("arpu", "calls"): 9.0, ("tenure", "calls"): 5.0}
FOUL = FAIR | {("arpu", "calls"): 1 / 9}


def hierarchy(indicators: list[str]) -> dict[str, Any]:
    return {
        "code": "worth",
        "name": {"zh": "客户价值", "en": "Customer worth"},
        "children": [{"code": code} for code in indicators],
    }


def define(*indicators: str, **more: Any) -> Model:
    scaled = [{"attribute": code, "scaling": "rank"} for code in indicators]
    body = MODELS[0] | {"indicators": scaled, "hierarchy": hierarchy(list(indicators))}
    definitions.load([body | more], "test")
    return Model.objects.get(code="value_index")


@pytest.fixture
def model(catalogue: None) -> Model:
    Attribute.objects.filter(code="arpu").update(name_en="monthly revenue", name_zh="月均收入")
    Attribute.objects.create(code="calls", name_zh="通话", name_en="calls", type="number")
    make_province()
    return define("arpu", "tenure", "calls")


@pytest.fixture
def expert(model: Model) -> User:
    return make_user("analyst", username="wang")


@pytest.fixture
def page(client: Client, expert: User) -> Client:
    client.force_login(expert)
    client.cookies["django_language"] = "en"
    return client


def form(ratios: dict[tuple[str, str], float], node: str = "worth") -> dict[str, str]:
    return {json.dumps([node, *pair]): repr(ratio) for pair, ratio in ratios.items()}


ADDRESS = "/models/value_index/judgements/"


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_change_is_weighed_and_shown_but_not_kept(page):
    response = page.post(ADDRESS, form(FAIR), headers=PART)
    assert response.status_code == 200
    told = text_of(response)
    assert "not saved yet" in told
    assert "CR 0.028 · consistent" in told
    # Eigenvector of 1 3 9 / 1/3 1 5 / 1/9 1/5 1.
    assert "0.672" in told
    assert "0.265" in told
    assert "0.063" in told
    assert not Judgement.objects.exists()


def test_contradictions_are_refused_with_what_hurts_most(page):
    told = text_of(page.post(ADDRESS, form(FOUL), headers=PART))
    assert "contradictory" in told
    assert "A training refuses these judgements." in told
    assert "and must be at most 0.1" in told
    worst = "Calls counts 9 times as much as monthly revenue; from all the rest follows: "
    assert worst + "monthly revenue counts 9 times as much as calls. With that CR is 0.028." in told


def test_what_is_saved_is_shown_again_and_taken_by_a_training(page, model, expert):
    response = page.post(ADDRESS, form(FAIR), follow=True)
    assert response.redirect_chain == [(ADDRESS, 302)]
    told = text_of(response)
    assert "Your judgements of 1 comparison are kept." in told
    assert "the next training takes these weights" in told
    row = Judgement.objects.get()
    assert (row.expert, row.pairs["arpu"]["calls"]) == (expert, 9.0)
    chosen = re.findall(r'<option value="([^"]*)"\s+selected', response.content.decode())
    assert [float(value) for value in chosen] == list(FAIR.values())


def test_contradictions_may_be_kept_yet_no_training_takes_them(page, model):
    told = text_of(page.post(ADDRESS, form(FOUL), follow=True))
    assert Judgement.objects.exists()
    assert "A training refuses these judgements." in told


def test_nothing_changed_writes_nothing(page, model, expert):
    judge(model, node="worth", ratios=FAIR, by=expert)
    before = Judgement.objects.get().changed_at
    assert "You changed nothing." in text_of(page.post(ADDRESS, form(FAIR), follow=True))
    assert Judgement.objects.get().changed_at == before


def test_saving_never_touches_what_another_holds(page, model):
    other = make_user("analyst", username="li")
    judge(model, node="worth", ratios=FOUL, by=other)
    page.post(ADDRESS, form(FAIR))
    kept = {row.expert.username: row.pairs["arpu"]["calls"] for row in Judgement.objects.all()}
    assert kept == {"li": 1 / 9, "wang": 9.0}


def test_experts_who_disagree_are_told_on_what(page, model, expert):
    judge(model, node="worth", ratios=FOUL, by=make_user("analyst", username="li"))
    judge(model, node="worth", ratios=FAIR, by=expert)
    told = text_of(page.get(ADDRESS))
    assert "they disagree which counts more" in told
    assert "1/9 … 9" in told
    # Each one's own: wang's is consistent, li's is not.
    assert re.search(r"li CR \d\.\d+ · contradictory", told)
    assert re.search(r"wang CR 0\.028 · consistent", told)


def test_experts_of_the_definition_stand_beside_those_of_the_page(page, model, expert):
    finance = {
        "expert": {"zh": "财务", "en": "finance"},
        "pairs": {"worth": {"arpu": {"tenure": 3, "calls": 9}, "tenure": {"calls": 5}}},
    }
    define("arpu", "tenure", "calls", judgements=[finance])
    told = text_of(page.get(ADDRESS))
    assert re.search(r"finance, in the definition CR 0\.028 · consistent", told)
    assert "1 expert, pair by pair" in told
    assert "the next training takes these weights" in told
    told = text_of(page.post(ADDRESS, form(FAIR), headers=PART))
    assert "2 experts, pair by pair" in told


def test_what_is_not_judged_is_named(page):
    told = text_of(page.post(ADDRESS, form({("arpu", "tenure"): 3.0}), headers=PART))
    assert "Not judged: monthly revenue beside calls; tenure beside calls" in told
    assert "The weights appear once every pair is judged" in told


def test_a_judgement_is_taken_back_by_choosing_none(page, model, expert):
    judge(model, node="worth", ratios=FAIR, by=expert)
    page.post(ADDRESS, form({("arpu", "tenure"): 3.0}))
    assert Judgement.objects.get().pairs == {"arpu": {"tenure": 3.0}}


@pytest.mark.parametrize("ratio", ["12", "nan", "0", "much"])
def test_what_is_no_judgement_is_refused(page, ratio):
    data = form(FAIR) | {json.dumps(["worth", "arpu", "tenure"]): ratio}
    response = page.post(ADDRESS, data)
    assert response.status_code == 400
    assert not Judgement.objects.exists()


def test_judgements_of_an_indicator_that_is_gone_no_longer_count(page, model, expert):
    judge(model, node="worth", ratios=FAIR, by=expert)
    define("arpu", "tenure")
    response = page.get(ADDRESS)
    assert response.status_code == 200
    assert "0.750" in text_of(response)


def test_who_reads_models_sees_and_may_not_judge(client, model, expert):
    judge(model, node="worth", ratios=FAIR, by=expert)
    client.force_login(make_user("approver"))
    response = client.get(ADDRESS)
    assert response.status_code == 200
    assert b"<select" not in response.content
    assert b"0.672" in response.content
    for headers in ({}, PART):
        assert client.post(ADDRESS, form(FAIR), headers=headers).status_code == 403


def test_a_model_without_a_hierarchy_has_no_such_page(page):
    definitions.load(MODELS[1:2], "test")
    code = MODELS[1]["code"]
    assert page.get(reverse("model-judgements", args=[code])).status_code == 404


def test_the_page_speaks_chinese(client, expert):
    client.force_login(expert)
    with translation.override("zh-hans"):
        response = client.get(ADDRESS, headers={"accept-language": "zh-hans"})
    assert "客户价值" in response.content.decode()
