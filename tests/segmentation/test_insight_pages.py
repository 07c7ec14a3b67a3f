"""The pages of insight: what they show, to whom, within which walls; the workbook; the worker."""

from io import BytesIO
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Attribute
from jobs.models import Run, State
from jobs.work import work_through
from segmentation.audiences.models import Audience
from segmentation.insight import jobs as insight_jobs
from segmentation.insight.jobs import steps_of_insight
from segmentation.insight.measure import PROFILES, Question, measure
from segmentation.insight.profile import TOP_VALUES, profile
from segmentation.insight.today import Today
from segmentation.insight.workbook import safe
from segmentation.models import MatrixVersion, VersionState
from tests.accounts.people import make_user
from tests.portal.settings import page_settings as page_settings

from .insight_day import CUSTOMERS, DAY, cell, define, people, publish, table, write
from .test_insight import RULE

pytestmark = pytest.mark.django_db

TYPED = {"a-kind": "rule", "a-rule": "arpu >= 80 and brand = 'gotone'", "b-kind": "rest"}


@pytest.fixture
def version(db: None) -> MatrixVersion:
    return define()


@pytest.fixture
def frame() -> pd.DataFrame:
    frame = people(2_000)
    frame["audience_young"] = frame["is_campus"]
    frame["audience_harbour"] = frame["city"] == "ningbo"
    return frame


@pytest.fixture
def today(frame: pd.DataFrame, version: MatrixVersion) -> Today:
    for code, city in (("young", ""), ("harbour", "ningbo")):
        Audience.objects.create(
            code=code, city=city, name_zh=code, name_en=code.title(), expression={"rule": "true"}
        )
    return publish(frame, version)


class Browser:
    """Opens a page as a role, in English."""

    def __init__(self, client: Client) -> None:
        self.client = client
        client.cookies["django_language"] = "en"

    def log_in(self, role: str, place: str = "zhejiang") -> Any:
        user = make_user(role, place)
        self.client.force_login(user)
        return user

    def get(self, name: str = "insight", status: int = 200, **query: Any) -> str:
        response = self.client.get(reverse(name), query)
        assert response.status_code == status, response.content.decode()[:2000]
        return " ".join(response.content.decode().split())


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(client)


@pytest.fixture
def marketer(browser: Browser, version: MatrixVersion) -> Browser:
    browser.log_in("province-marketer")
    return browser


# --- what the page says ---


def test_before_the_first_day_it_says_so(marketer: Browser) -> None:
    assert "Nothing to profile yet" in marketer.get(status=503)


def test_without_a_question_it_invites_one(marketer: Browser, today: Today) -> None:
    text = marketer.get()
    assert "Whom would you like to know?" in text
    assert "Care · Arpu" in text
    assert "2026-03-03" in text


def test_a_rule_is_profiled_in_three_dimensions(marketer: Browser, today: Today) -> None:
    text = marketer.get(**TYPED)
    for words in (
        "What distinguishes A from B",
        "Demographics",
        "Behaviour",
        "Value",
        "all other customers",
        "care@1",
        "Download as XLSX",
    ):
        assert words in text, words
    assert "customer_no" not in text
    assert "00000000001" not in text


def test_cells_are_chosen_by_bands_or_by_number(
    marketer: Browser, today: Today, version: MatrixVersion, frame: pd.DataFrame
) -> None:
    bands = {"a-kind": "cells", "a-bands": ["care/arpu/b1", "care/is_campus/on"]}
    text = marketer.get(**bands, **{"b-kind": "everyone"})
    number = cell(version, arpu="b1", is_campus="on")
    customers = int((frame["cell_care"] == number).sum())
    assert f'<strong class="ms-2">{customers:,}</strong>' in text
    assert "Arpu: B1; Is_Campus: On" in text
    one = marketer.get(**{"a-kind": "cells", "a-cell": number, "b-kind": "rest"})
    assert f'<strong class="ms-2">{customers:,}</strong>' in one


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"a-kind": "rule", "a-rule": "arpuu > 3"}, "arpu"),
        ({"a-kind": "rule", "a-rule": ""}, "Type the rule"),
        ({"a-kind": "cells"}, "Choose bands of one matrix"),
        ({"a-kind": "cells", "a-cell": "999999"}, "has a cell 999999"),
        ({"a-kind": "named"}, "Choose an audience or a mark"),
        ({"a-kind": "named", "a-named": "audience:nobody"}, "Select a valid choice"),
        ({"a-kind": "nonsense"}, "Select a valid choice"),
        ({"a-kind": "rule", "a-rule": "arpu > 3", "b-kind": "cells"}, "Choose bands"),
    ],
)
def test_what_can_t_be_asked_is_said_at_its_field(
    marketer: Browser, today: Today, asked: dict[str, str], says: str
) -> None:
    assert says in marketer.get(status=422, **{"b-kind": "rest", **asked})


def test_a_group_of_nobody_is_said_to_be_so(marketer: Browser, today: Today) -> None:
    text = marketer.get(**TYPED | {"a-rule": "arpu < 0"})
    assert "A group holds nobody" in text


def test_a_small_group_is_not_estimable_and_not_zero(marketer: Browser, today: Today) -> None:
    text = marketer.get(**TYPED | {"a-rule": "arpu > 250"})
    assert "not estimable" in text
    assert "few_customers" in text


# --- who sees what ---


def test_sensitive_attributes_are_for_who_may_see_them(browser: Browser, today: Today) -> None:
    browser.log_in("province-marketer")
    assert "Income" not in browser.get(**TYPED)
    assert "income" in browser.get(status=422, **TYPED | {"a-rule": "income > 4000"})
    browser.log_in("analyst")
    assert "Income" in browser.get(**TYPED)
    browser.get(**TYPED | {"a-rule": "income > 4000"})


def test_a_city_profiles_its_own_customers_only(
    browser: Browser, today: Today, frame: pd.DataFrame
) -> None:
    browser.log_in("city-marketer", "ningbo")
    text = browser.get(**TYPED | {"b-kind": "everyone"})
    own = int((frame["city"] == "ningbo").sum())
    assert f'<strong class="ms-2">{own:,}</strong>' in text
    assert "2,000" not in text
    assert "Ningbo" in text
    assert "Hangzhou 0.0" not in text


def test_a_city_s_audience_is_nobody_else_s(browser: Browser, today: Today) -> None:
    browser.log_in("city-marketer", "hangzhou")
    assert "Harbour" not in browser.get()
    asked = {"a-kind": "named", "a-named": "audience:harbour", "b-kind": "rest"}
    browser.get(status=422, **asked)
    browser.log_in("city-marketer", "ningbo")
    assert "Harbour" in browser.get()


@pytest.mark.parametrize("role", ["front-desk", "approver", "province-admin"])
@pytest.mark.parametrize("address", ["insight", "insight-workbook"])
def test_who_sees_only_customers_or_only_matrices_is_refused(
    browser: Browser, today: Today, role: str, address: str
) -> None:
    browser.log_in(role)
    browser.get(address, status=403, **TYPED)
    assert browser.client.post(reverse("insight-start"), TYPED).status_code == 403


def test_nobody_is_let_in_without_a_login(client: Client, today: Today) -> None:
    assert client.get(reverse("insight")).status_code == 302


# --- the profile itself ---


def test_the_strongest_attribute_is_the_one_that_was_made_so(
    browser: Browser, today: Today
) -> None:
    reader = browser.log_in("analyst")
    found = profile(measure(Question(RULE), today, progress=lambda d, t: None), reader)
    assert {line.code for line in found.ranked[:2]} == {"brand", "arpu"}
    weakest = {line.code for line in found.ranked[3:]}
    assert {"data_mb", "income", "value_index"} <= weakest
    facets = {line.code: str(line.facet) for line in found.lines}
    assert facets["income"] == facets["value_index"] == facets["arpu"] == "value"
    assert facets["brand"] == "demographics"


def test_a_text_shows_its_most_frequent_values_and_the_others_as_one(
    browser: Browser, today: Today
) -> None:
    reader = browser.log_in("analyst")
    found = profile(measure(Question(RULE), today, progress=lambda d, t: None), reader)
    (plan,) = (line for line in found.lines if line.code == "plan_code")
    assert len(plan.values) == TOP_VALUES + 1
    assert plan.values[-1].name == "all others"
    assert sum(v.effect.b.hits for v in plan.values) == plan.b.known


def test_an_attribute_that_becomes_sensitive_is_hidden_at_once(
    browser: Browser, today: Today
) -> None:
    browser.log_in("province-marketer")
    assert "Data_mb" in browser.get(**TYPED)
    Attribute.objects.filter(pk="data_mb").update(sensitivity="sensitive")
    assert "Data_mb" not in browser.get(**TYPED)


# --- the workbook ---


def opened(browser: Browser, **query: Any) -> Any:
    response = browser.client.get(reverse("insight-workbook"), query)
    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"]
    return openpyxl.load_workbook(BytesIO(response.content))


def test_the_workbook_has_a_sheet_for_each_dimension_and_its_definition(
    marketer: Browser, today: Today, frame: pd.DataFrame
) -> None:
    book = opened(marketer, **TYPED)
    assert book.sheetnames == ["Definition", "Ranking", "Demographics", "Behaviour", "Value"]
    said = {row[0].value: row[1].value for row in book["Definition"].iter_rows(min_row=2)}
    arpu = frame["arpu"].where(np.isfinite(frame["arpu"]))
    inside = int(((arpu >= 80) & (frame["brand"] == "gotone")).sum())
    assert said["customers of A"] == inside
    assert said["customers of B"] == 2_000 - inside
    assert said["as of the business date"] == "2026-03-03"
    assert "ARPU" in said["group (A)"].upper()
    assert said["among the customers of"] == "Zhejiang"
    versions = [row[1].value for row in book["Definition"].iter_rows() if row[0].value == "version"]
    assert {"care@1", "value_index@3"} <= set(versions)


def test_the_workbook_holds_no_customer_and_no_hidden_attribute(
    marketer: Browser, today: Today, frame: pd.DataFrame
) -> None:
    book = opened(marketer, **TYPED)
    cells = {str(c.value) for sheet in book for row in sheet.iter_rows() for c in row}
    assert not cells & set(frame["customer_no"])
    assert not any("income" in text.lower() for text in cells)
    assert "data_mb" in cells


def test_a_name_is_never_a_formula(marketer: Browser, today: Today) -> None:
    Attribute.objects.filter(pk="data_mb").update(name_en='=HYPERLINK("http://x")')
    book = opened(marketer, **TYPED)
    for sheet in book:
        assert all(c.data_type != "f" for row in sheet.iter_rows() for c in row)
    for text in ("=1", "+1", "-1", "@x", "\tx", "\rx"):
        assert safe(text).startswith("'")
    assert (safe(-1.5), safe("a\x00b"), safe(None)) == (-1.5, "ab", None)


def test_a_workbook_without_a_question_is_refused(marketer: Browser, today: Today) -> None:
    assert "Choose the customers" in marketer.get("insight-workbook", status=400)


# --- when it is too much to count while somebody waits ---


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight_jobs, "AT_ONCE", 10)


def test_a_large_province_is_counted_by_a_worker(
    marketer: Browser, today: Today, large: None
) -> None:
    assert "Count them" in marketer.get(**TYPED)
    assert not Run.objects.filter(kind="insight").exists(), "looking starts nothing"
    marketer.get("insight-workbook", status=409, **TYPED)
    response = marketer.client.post(reverse("insight-start"), TYPED)
    assert response.status_code == 302
    run = Run.objects.get(kind="insight")
    assert (run.business_date, run.requested_by) == (DAY, "zhejiang-province-marketer")
    assert "follows by itself" in marketer.get(**TYPED)
    part = marketer.get(**TYPED, progress="1")
    assert "<html" not in part
    assert "every 2s" in part
    assert work_through(run, steps_of_insight()).state == State.DONE
    done = marketer.client.get(reverse("insight"), TYPED | {"progress": "1"})
    assert done.headers["HX-Refresh"] == "true"
    assert "What distinguishes A from B" in marketer.get(**TYPED)
    assert run.steps.get().output.keys() == {PROFILES}
    assert run.steps.get().total_units >= 1


def test_a_question_that_is_being_counted_is_not_asked_twice(
    marketer: Browser, today: Today, large: None
) -> None:
    for rule in ("arpu > 80", "arpu > 90", "arpu > 80"):
        marketer.client.post(reverse("insight-start"), TYPED | {"a-rule": rule})
    assert Run.objects.filter(kind="insight").count() == 2


def test_a_count_that_failed_says_why_and_can_be_tried_again(
    marketer: Browser, today: Today, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    marketer.client.post(reverse("insight-start"), TYPED)
    run = Run.objects.get(kind="insight")
    today.snapshot.file(1).unlink()
    failing = {"measure": steps_of_insight()["measure"]}
    monkeypatch.setattr("django.conf.settings.STEP_ATTEMPTS", 1)
    assert work_through(run, failing).state == State.FAILED
    assert "Try again" in marketer.get(**TYPED)
    marketer.client.post(reverse("insight-start"), TYPED)
    run.refresh_from_db()
    assert run.state == State.WAITING


# --- a matrix proposed ---


@pytest.fixture
def training(version: MatrixVersion) -> None:
    frame = people(4_000, seed=9)
    arpu = frame["arpu"].where(np.isfinite(frame["arpu"]), 60)
    chance = np.where(arpu < 40, 0.35, 0.05) + np.where(frame["data_mb"] > 20_000, 0.2, 0)
    frame["left_within_30d"] = np.random.default_rng(2).random(len(frame)) < chance
    write("customers", table(frame, CUSTOMERS))


WISH = {
    "target": "label:left_within_30d",
    "day": "2026-03-03",
    "candidates": ["arpu", "data_mb", "is_campus", "brand"],
    "cells": "8",
    "least": "100",
    "code": "stay",
    "strategy": "retention",
    "name_zh": "离网",
    "name_en": "Leaving",
}


def test_without_a_snapshot_there_is_nothing_to_propose(marketer: Browser) -> None:
    assert "No snapshot yet" in marketer.get("matrix-proposal")


def test_a_matrix_is_proposed_and_saved_as_a_draft(marketer: Browser, training: None) -> None:
    assert "What is to be foretold" in marketer.get("matrix-proposal")
    response = marketer.client.post(reverse("matrix-proposal"), WISH)
    text = response.content.decode()
    assert response.status_code == 200, text
    assert "Expected separation" in text
    assert "income" not in text, "sensitive attributes are no candidates of a marketer"
    definition = response.context["proposal"].definition
    assert {d.attribute for d in definition.dimensions} == {"arpu", "data_mb"}
    body = response.context["draft"].initial["body"]
    saved = marketer.client.post(reverse("matrix-proposal"), {"do": "save", "body": body})
    draft = MatrixVersion.objects.get(matrix="stay")
    assert saved.status_code == 302
    assert marketer.client.get(saved.headers["Location"]).status_code == 200
    assert draft.state == VersionState.DRAFT
    assert draft.body == definition.to_json()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"target": ""}, "Choose an outcome"),
        ({"policy": "P1"}, "Choose an outcome"),
        ({"code": "Not A Code"}, "valid value"),
        ({"cells": "1"}, "greater than or equal to 4"),
        ({"candidates": ["income"]}, "Select a valid choice"),
        ({"candidates": ["is_campus"]}, "No matrix can be proposed"),
        ({"target": "", "policy": "P1"}, "must have happened after"),
    ],
)
def test_a_wish_that_can_t_be_met_is_said_on_the_form(
    marketer: Browser, training: None, wrong: dict[str, Any], says: str
) -> None:
    response = marketer.client.post(reverse("matrix-proposal"), WISH | wrong)
    assert response.status_code == 422
    assert says in response.content.decode()


@pytest.mark.parametrize("body", ["{", "{}", '{"code": "x"}'])
def test_a_draft_that_is_none_is_not_saved(marketer: Browser, training: None, body: str) -> None:
    response = marketer.client.post(reverse("matrix-proposal"), {"do": "save", "body": body})
    assert response.status_code == 422
    assert not MatrixVersion.objects.exclude(matrix="care").exists()


def test_proposals_are_for_the_province_and_saving_for_who_edits(
    browser: Browser, training: None
) -> None:
    browser.log_in("city-marketer", "ningbo")
    browser.get("matrix-proposal", status=403)
    browser.log_in("auditor")
    browser.get("matrix-proposal", status=403)
    browser.log_in("analyst")
    assert "income" in browser.get("matrix-proposal")
    saved = browser.client.post(reverse("matrix-proposal"), {"do": "save", "body": "{}"})
    assert saved.status_code == 403
