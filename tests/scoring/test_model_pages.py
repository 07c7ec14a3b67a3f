"""The pages of the models: what they show, to whom, and what they refuse."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import Page

from accounts.models import Operation
from jobs import outbox
from jobs.models import Run, State
from scoring.figures import facts
from scoring.models import Model, ModelDay, ModelVersion
from scoring.names import Names
from scoring.services import propose
from scoring.templatetags.models import chance, decimals
from scoring.training import start_training
from tests.accounts.people import make_province, make_user
from tests.portal.browser import PHONE, log_in
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, make_snapshot, published, train, trained
from .kind_models import attribute, define
from .test_kind_cannibalisation import MODEL as CHEAPER

pytestmark = pytest.mark.django_db
ROWS = 3000


class Browser:
    """Opens pages as one person, in English."""

    def __init__(self, client: Client) -> None:
        client.cookies["django_language"] = "en"
        self.client = client

    def login(self, role: str, organisation: str = "zhejiang", username: str = "") -> Any:
        user = make_user(role, organisation, username=username)
        self.client.force_login(user)
        return user

    def text(self, name: str, *, status: int = 200, **where: Any) -> str:
        answer = self.client.get(reverse(name, kwargs=where))
        assert answer.status_code == status, answer.content.decode()
        return " ".join(answer.content.decode().split())

    def post(self, name: str, sent: dict[str, Any] | None = None, **where: Any) -> Any:
        return self.client.post(reverse(name, kwargs=where), sent or {})

    def act(self, version: ModelVersion, do: str, note: str = "") -> Any:
        where = {"code": version.model_id, "number": version.number}
        return self.post("model-version", {"do": do, "note": note}, **where)

    def report(self, version: ModelVersion) -> str:
        return self.text("model-version", code=version.model_id, number=version.number)


@pytest.fixture(autouse=True)
def _models(models: None) -> None:
    make_province()


@pytest.fixture
def browser_(client: Client) -> Browser:
    return Browser(client)


@pytest.fixture
def two_cities() -> None:
    rng = np.random.default_rng(1)
    cities = rng.choice(["hangzhou", "ningbo"], ROWS)
    make_snapshot(ROWS, city=cities, age=rng.integers(18, 80, ROWS))


# --- the list ---


def test_without_models_the_list_says_where_they_come_from(browser_: Browser) -> None:
    Model.objects.all().delete()
    browser_.login("auditor")
    assert "No model is defined" in browser_.text("models")


def test_the_list_names_what_is_published_in_use_and_waiting(
    browser_: Browser, snapshot: Any
) -> None:
    version = published("movement_index")
    waiting = propose(trained("leaving"), by="analyst")
    browser_.login("auditor")
    text = browser_.text("models")
    assert "Customer movement index" in text
    assert "Movement_grade" in text
    metrics = version.metrics
    ends = f"{metrics['auc']:.3f} ({metrics['auc_low']:.3f} … {metrics['auc_high']:.3f})"
    assert ends in text
    assert "no day yet" in text
    assert reverse("model-version", args=[waiting.model_id, waiting.number]) in text


def test_a_proposal_is_seen_although_a_later_version_was_trained(
    browser_: Browser, snapshot: Any
) -> None:
    propose(trained("leaving"), by="analyst")
    make_snapshot(key="other", seed=6)
    trained("leaving")
    browser_.login("auditor")
    assert reverse("model-version", args=["leaving", 1]) in browser_.text("models")


ALERTS = [
    ({"code": "feature_absent", "attribute": "arpu"}, "Arpu is lacking"),
    ({"code": "type_changed", "attribute": "arpu"}, "Arpu came in another type"),
    (
        {"code": "missing_more", "attribute": "arpu", "figure": 0.4, "limit": 0.15},
        "Arpu is unknown of 40.0 % of the customers, the limit is 15.0 %",
    ),
    (
        {"code": "feature_shifted", "attribute": "arpu", "figure": 0.5, "limit": 0.25},
        "Arpu is distributed otherwise than in training: PSI 0.500, the limit is 0.250",
    ),
    (
        {"code": "unseen_values", "attribute": "brand", "figure": 0.4, "limit": 0.01},
        "40.0 % of the customers have a value of brand that training had not seen",
    ),
    ({"code": "score_shifted", "attribute": "", "figure": 0.5, "limit": 0.25}, "The score is dist"),
]


@pytest.mark.parametrize(("alert", "words"), ALERTS, ids=[a["code"] for a, _ in ALERTS])
def test_the_health_of_the_last_day_is_told_in_words(
    browser_: Browser, snapshot: Any, alert: dict[str, Any], words: str
) -> None:
    version = published("value_index")
    before = DAY - timedelta(days=1)
    ModelDay.objects.create(version=version, business_date=before, alerts=[])
    ModelDay.objects.create(version=version, business_date=DAY, alerts=[alert])
    browser_.login("auditor")
    text = browser_.text("models")
    assert "look at it" in text
    assert words in text
    assert words in browser_.report(version)


def test_a_stale_day_is_marked(browser_: Browser, snapshot: Any) -> None:
    since = DAY - timedelta(days=1)
    alert = {"code": "stale", "since": str(since)}
    version = published("value_index")
    ModelDay.objects.create(version=version, business_date=DAY, stale_since=since, alerts=[alert])
    browser_.login("auditor")
    assert f"the scores of {since} stand" in browser_.text("models")


# --- one model, its training ---


def test_a_model_is_told_in_words(browser_: Browser, snapshot: Any) -> None:
    browser_.login("auditor")
    text = browser_.text("model", code="leaving")
    assert "Chosen from every attribute" in text
    assert "Left_within_30d" in text
    assert "Brand is gotone or brand is mzone" in text
    movement = browser_.text("model", code="movement_index")
    assert "3 attributes" in movement
    assert "from 32" in movement
    assert "Train a version" not in movement


def test_a_training_is_asked_for_and_followed(browser_: Browser, snapshot: Any) -> None:
    browser_.login("analyst")
    answer = browser_.post("model-train", {"day": str(DAY)}, code="leaving")
    assert answer.status_code == 302
    run = Run.objects.get(kind="training")
    assert run.requested_by == "zhejiang-analyst"
    page = browser_.text("model", code="leaving")
    assert 'hx-get="/models/leaving/training/"' in page
    assert "Train a version" not in page
    for stage in ("Question", "Data", "Preparation", "Modelling", "Evaluation", "Deployment"):
        assert stage in browser_.text("model-training", code="leaving")
    train("leaving", by="zhejiang-analyst")
    answer = browser_.client.get("/models/leaving/training/")
    assert answer.headers["HX-Refresh"] == "true"
    page = browser_.text("model", code="leaving")
    assert "held out for the test" in page
    assert "Version 1" in page


def test_asking_again_over_the_same_data_says_which_version_stays(
    browser_: Browser, snapshot: Any
) -> None:
    trained("leaving")
    browser_.login("analyst")
    browser_.post("model-train", {"day": str(DAY)}, code="leaving")
    assert "Nothing has changed since leaving@1" in browser_.text("model", code="leaving")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([], "Choose at least one day"),
        (["soon"], "A day is written like"),
        (["2026-01-01"], "whom the lake does not have"),
    ],
)
def test_a_bad_day_is_refused_on_the_page(
    browser_: Browser, snapshot: Any, days: list[str], words: str
) -> None:
    browser_.login("analyst")
    answer = browser_.post("model-train", {"day": days}, code="leaving")
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Run.objects.exists()


def test_a_training_can_be_cancelled(browser_: Browser, snapshot: Any) -> None:
    browser_.login("analyst")
    browser_.post("model-train", {"day": str(DAY)}, code="leaving")
    assert "Cancel it" in browser_.text("model-training", code="leaving")
    browser_.post("model-cancel", code="leaving")
    assert Run.objects.get().state == State.FAILED
    page = browser_.text("model", code="leaving")
    assert "it made no version" in page
    assert "Cancelled by zhejiang-analyst." in page
    assert "Train a version" in page


def test_a_training_that_is_refused_is_worded_anew_for_the_reader(browser_: Browser) -> None:
    make_snapshot(left_within_30d=[True] * ROWS)
    step = train("leaving").steps.get(state=State.FAILED)
    step.error |= {"message": "in the words of whoever asked", "extra": {"rows": 1234}}
    step.save()
    browser_.login("auditor")
    text = browser_.text("model", code="leaving")
    assert "all 1,234 customers have the same outcome" in text
    assert "whoever asked" not in text


def test_a_fault_in_the_code_is_not_quoted(browser_: Browser, snapshot: Any) -> None:
    run, _new = start_training(Model.objects.get(code="leaving"), days=[DAY], by="analyst")
    error = {"code": "unexpected", "message": "ValueError: 13800000000", "extra": {}}
    run.steps.filter(name="data").update(state=State.FAILED, error=error)
    browser_.login("auditor")
    text = browser_.text("model", code="leaving")
    assert "It broke off because of a fault" in text
    assert "13800000000" not in text


def test_who_may_not_train_neither_trains_nor_cancels(browser_: Browser, snapshot: Any) -> None:
    start_training(Model.objects.get(code="leaving"), days=[DAY], by="analyst")
    for role, home in (("auditor", "zhejiang"), ("analyst", "hangzhou")):
        browser_.login(role, home)
        assert "Cancel it" not in browser_.text("model", code="leaving")
        assert browser_.post("model-train", {"day": str(DAY)}, code="leaving").status_code == 403
        assert browser_.post("model-cancel", code="leaving").status_code == 403
    assert Run.objects.get().state == State.WAITING


def test_what_there_is_not_is_not_found(browser_: Browser) -> None:
    browser_.login("analyst")
    browser_.text("model", status=404, code="nothing")
    browser_.text("model-training", status=404, code="nothing")
    browser_.text("model-version", status=404, code="leaving", number=1)
    assert browser_.post("model-train", code="nothing").status_code == 404
    assert browser_.post("model-cancel", code="nothing").status_code == 404


# --- a version ---


def test_a_report_tells_how_good_a_model_is(browser_: Browser, two_cities: None) -> None:
    version = trained("movement_index")
    browser_.login("auditor")
    text = browser_.report(version)
    for heading in (
        "ROC curve",
        "Lift and gain by tenth",
        "Calibration",
        "Who is called",
        "Stability by city",
        "Fairness by age",
        "What drives it",
        "Score over one attribute",
        "Data, parameters and code",
        "Drift",
    ):
        assert heading in text, heading
    assert text.count("<svg viewBox") >= 6
    assert text.index("&lt;25<") < text.index(">25–34<") < text.index("65+")
    assert version.code_version in text
    assert f"{version.report['evaluation']['confusion']['called_positive']:,}" in text


def test_the_separation_is_told_with_its_interval(browser_: Browser, two_cities: None) -> None:
    version = trained("movement_index")
    found = version.report["evaluation"]
    ends = f"({found['ks_low']:.3f} … {found['ks_high']:.3f})"
    browser_.login("auditor")
    assert browser_.report(version).count(f"KS {found['ks']:.3f} {ends}") == 1
    assert f"{found['ks']:.3f} {ends}" in dict(facts(version.metrics, Names())).values()
    # A version that was measured before its interval was.
    del found["ks_low"], found["ks_high"]
    version.save()
    assert f"KS {found['ks']:.3f}<" in browser_.report(version)


def test_a_report_says_of_how_many_customers_it_is_and_when_of_a_sample(
    browser_: Browser, snapshot: Any, settings: Any
) -> None:
    browser_.login("auditor")
    whole = browser_.report(trained("value_index"))
    assert "Made from 3,000 of the 3,000 customers in the snapshots." in whole
    assert "sample" not in whole
    settings.TRAINING_ROWS = ROWS // 2
    make_snapshot(key="again", seed=6)
    part = browser_.report(trained("value_index"))
    assert "Made from 1,500 of the 3,000 customers in the snapshots." in part
    assert "A sample: 1,500 of the 3,000 customers in the snapshots were read." in part


def test_a_report_shows_a_city_its_own_customers_only(browser_: Browser, two_cities: None) -> None:
    version = trained("movement_index")
    browser_.login("auditor")
    whole = browser_.report(version)
    assert ">Hangzhou<" in whole
    assert ">Ningbo<" in whole
    browser_.login("auditor", "ningbo")
    own = browser_.report(version)
    assert ">Hangzhou<" not in own
    assert ">Ningbo<" in own


def test_a_scorecard_shows_bins_points_and_why_candidates_were_left(
    browser_: Browser, snapshot: Any
) -> None:
    version = trained("leaving")
    browser_.login("auditor")
    text = browser_.report(version)
    assert "Scorecard" in text
    [driver] = version.report["drivers"]
    assert f"{driver['bins'][0]['rows']:,}" in text
    assert "Tenure is below" in text
    assert "Tells no more than chance" in text
    assert "the less likely" in text


def test_a_challenger_is_shown_beside_the_champion(browser_: Browser, snapshot: Any) -> None:
    published("movement_index")
    make_snapshot(key="other", seed=6)
    version = trained("movement_index")
    browser_.login("auditor")
    text = browser_.report(version)
    assert "Beside version 1, in use at the time" in text
    verdict = version.report["champion"]["verdict"]
    words = {
        "better": "Better than",
        "worse": "Worse than",
        "no difference shown": "No difference to",
    }
    assert f"{words[verdict]} the version in use" in text
    assert f"{version.report['champion']['auc_p']:.4f}" in text


def test_a_champion_that_is_not_comparable_says_why(browser_: Browser, snapshot: Any) -> None:
    version = trained("movement_index")
    version.report["champion"] = {"version": 1, "not_comparable": "too_few_outcomes"}
    version.save()
    browser_.login("auditor")
    assert "can't be compared: too few customers with the outcome" in browser_.report(version)


def test_drift_is_shown_by_feature_and_day(browser_: Browser, snapshot: Any) -> None:
    version = published("value_index")
    for days, psi in ((1, 0.02), (0, 0.31)):
        drift = {"psi": psi, "grade": "shifted", "missing": 0.05, "unseen": 0.0}
        facts = {
            "scored": 2999,
            "mean": 41.5,
            "score": drift | {"psi": 0.07, "grade": "stable"},
            "features": {"arpu": drift},
            "missing": {"arpu": 0.125},
            "missing_at_training": {"arpu": 0.051},
        }
        day = DAY - timedelta(days=days)
        ModelDay.objects.create(version=version, business_date=day, facts=facts)
    browser_.login("auditor")
    text = browser_.report(version)
    assert "0.310" in text
    assert "12.5" in text
    assert "5.1" in text
    assert "2,999" in text
    assert "0.070" in text


def test_a_version_goes_its_way_from_hand_to_hand(browser_: Browser, snapshot: Any) -> None:
    version = trained("movement_index", by="zhejiang-analyst")
    analyst, approver = make_user("analyst"), make_user("approver")
    for user, do, button, state in (
        (analyst, "propose", "Propose it", "proposed"),
        (approver, "approve", "Approve it", "published"),
        (analyst, "withdraw", "Yes, withdraw it", "replaced"),
        (approver, "roll_back", "Roll back to it", "published"),
    ):
        browser_.client.force_login(user)
        assert button in browser_.report(version)
        assert browser_.act(version, do, "why").status_code == 302
        version.refresh_from_db()
        assert version.state == state
        assert Operation.objects.filter(action=f"{do}_model", by=user.username).exists()
    assert version.decided_by == "zhejiang-approver"


def test_nobody_decides_on_his_own_proposal(browser_: Browser, snapshot: Any) -> None:
    version = propose(trained("movement_index"), by="analyst")
    user = browser_.login("approver")
    version.proposed_by = user.username
    version.save()
    text = browser_.report(version)
    assert "Approve it" not in text
    assert "another person decides on it" in text
    for do in ("approve", "refuse"):
        answer = browser_.act(version, do, "no")
        assert answer.status_code == 403
        assert "another person must decide" in answer.content.decode()
    version.refresh_from_db()
    assert version.state == "proposed"


def test_a_refusal_needs_its_reason_and_shows_it(browser_: Browser, snapshot: Any) -> None:
    version = propose(trained("movement_index"), by="analyst")
    browser_.login("approver")
    answer = browser_.act(version, "refuse")
    assert answer.status_code == 422
    assert "Say why it is refused" in answer.content.decode()
    browser_.act(version, "refuse", "drivers make no sense")
    assert "drivers make no sense" in browser_.report(version)
    assert "drivers make no sense" in browser_.text("model", code="movement_index")


def test_what_does_not_follow_the_state_is_refused(browser_: Browser, snapshot: Any) -> None:
    version = trained("movement_index")
    browser_.login("approver")
    assert "Approve it" not in browser_.report(version)
    answer = browser_.act(version, "approve")
    assert answer.status_code == 409
    assert "can&#x27;t be done" in answer.content.decode()
    assert browser_.act(version, "praise").status_code == 404


@pytest.mark.parametrize(
    ("role", "home", "do"),
    [
        ("auditor", "zhejiang", "propose"),
        ("analyst", "zhejiang", "approve"),
        ("approver", "zhejiang", "propose"),
        ("approver", "hangzhou", "approve"),
        ("analyst", "hangzhou", "propose"),
    ],
)
def test_who_may_not_decide_is_refused(
    browser_: Browser, snapshot: Any, role: str, home: str, do: str
) -> None:
    version = trained("movement_index")
    if do == "approve":
        version = propose(version, by="analyst")
    before = version.state
    browser_.login(role, home)
    assert f'value="{do}"' not in browser_.report(version)
    assert browser_.act(version, do).status_code == 403
    version.refresh_from_db()
    assert version.state == before


def test_a_version_without_a_report_has_its_page_all_the_same(browser_: Browser) -> None:
    made = ModelVersion.objects.create(
        model_id="leaving", number=1, definition=Model.objects.get(code="leaving").definition
    )
    browser_.login("auditor")
    text = browser_.report(made)
    assert "Propensity to leave, version 1" in text
    assert "Scorecard" not in text
    assert "the last 30 days" in text


def test_of_a_model_that_scores_nobody_no_drift_is_told(browser_: Browser) -> None:
    definition = {"rule": "last_touch", "window_days": 7, "margin_share": 0.4, "tariffs": {}}
    kind = {"kind": "channel_profitability", "definition": definition}
    model = Model.objects.create(code="channels", name_zh="渠道", name_en="Channels", **kind)
    made = ModelVersion.objects.create(model=model, number=1, definition=definition)
    browser_.login("approver")
    assert "Drift" not in browser_.report(made)
    ModelVersion.objects.filter(pk=made.pk).update(state="proposed", proposed_by="chen")
    text = browser_.report(made)
    assert "it scores nobody" in text
    assert "it scores every customer" not in text
    assert "Data, parameters and code" in text


def test_what_a_button_does_is_said_beside_it(browser_: Browser, snapshot: Any) -> None:
    version = trained("movement_index")
    day = ModelDay.objects.create(version=version, business_date=DAY)
    day.alerts = [{"code": "feature_absent", "attribute": "arpu"}]
    day.save()
    browser_.login("analyst", username="chen")
    assert "scores nobody until one person" in browser_.text("model", code="movement_index")
    assert "it is told no more until" in browser_.report(version)
    browser_.act(version, "propose")
    browser_.login("approver", username="li")
    assert "Refused, it is not put to use" in browser_.report(version)


# --- in a browser ---


CUT = """[...document.querySelectorAll(".table-responsive")]
    .filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"""
A4 = {"width": 718, "height": 1046}  # 190 mm × 277 mm at 96 dots per inch


@pytest.mark.django_db(transaction=True)
def test_a_report_fits_a_phone_and_prints_uncut(
    two_cities: None, tab: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "relay", lambda *_: 0)  # nobody hears the bells here
    version = trained("movement_index")
    drift = {"psi": 0.123, "grade": "watch", "missing": 0.05, "unseen": 0.0}
    facts = {"scored": 2999, "mean": 41.5, "score": drift, "features": {"arpu": drift}}
    ModelDay.objects.create(version=version, business_date=DAY, facts=facts)
    make_user("auditor", username="auditor")
    log_in(tab, "auditor")
    tab.set_viewport_size(PHONE)
    tab.goto(reverse("model-version", args=[version.model_id, version.number]))
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tab.set_viewport_size(A4)
    tab.emulate_media(media="print")
    assert tab.evaluate(CUT) == []


@pytest.mark.django_db(transaction=True)
def test_the_widest_tables_fit_the_screen_and_the_paper(
    tab: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "relay", lambda *_: 0)  # nobody hears the bells here
    rng = np.random.default_rng(7)
    make_snapshot(ROWS, calls=rng.poisson(120, ROWS), traffic=rng.gamma(2, 900, ROWS))
    attribute("calls", "integer")
    attribute("traffic", "number")
    attribute("cheap_card_yuan", "number", "score")
    attribute("cheap_card_untold", "boolean", "score")
    define(CHEAPER)
    version = trained("cheap_card")
    make_user("auditor", username="auditor")
    log_in(tab, "auditor")
    tab.goto(reverse("model-version", args=[version.model_id, version.number]))
    assert tab.evaluate(CUT) == []
    tab.set_viewport_size(A4)
    tab.emulate_media(media="print")
    assert tab.evaluate(CUT) == []


def test_large_figures_are_grouped_and_shares_told_in_per_cent() -> None:
    counts = {"at_stake": 1234567.89, "marked": 0.1234, "marked_low": 0.12, "marked_high": 0.13}
    with translation.override("en"):
        told = dict(facts(counts, Names()))
    assert told["yuan at stake"] == "1,234,568"
    assert told["share marked"].replace("\u202f", "") == "12.3% (12.0% … 13.0%)"


def test_numbers_read_alike_in_every_language_and_no_p_is_nought() -> None:
    with translation.override("zh-hans"):
        assert decimals(-15930.4, 0) == "−15,930"
    assert (decimals(None, 1), chance(0.0), chance(0.5383)) == ("–", "< 0.0001", "0.5383")


def test_every_figure_is_told_by_a_name_and_with_its_interval() -> None:
    counts = {"qini": 0.031, "qini_low": 0.019, "qini_high": 0.044, "tested": 391}
    with translation.override("en"):
        told = dict(facts(counts, Names()))
    assert told == {"Qini": "0.031 (0.019 … 0.044)", "pairs tested": "391"}
