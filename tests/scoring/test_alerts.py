"""An alert is told where people look, until somebody has looked at it; then until it grows."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Operation, User
from common.errors import DomainError
from jobs.models import Run
from lake.models import Partition
from scoring.alerts import acknowledge, end_acknowledged
from scoring.health import alerts_of
from scoring.models import Acknowledgement, ModelDay, ModelVersion
from scoring.selectors import lines
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, published

pytestmark = pytest.mark.django_db
SHIFTED = {"code": "feature_shifted", "attribute": "arpu", "figure": 0.4, "limit": 0.25}
WORDS = "Arpu is distributed otherwise than in training"


@pytest.fixture
def version(models: None, snapshot: Partition) -> ModelVersion:
    make_province()
    version = published("value_index")
    tell(version, 0, SHIFTED)
    return version


def tell(version: ModelVersion, days: int, *alerts: dict[str, Any]) -> None:
    day = DAY + timedelta(days=days)
    ModelDay.objects.create(version=version, business_date=day, alerts=list(alerts))
    end_acknowledged(version, day, list(alerts))


def health(version: ModelVersion) -> str:
    return next(line.health for line in lines() if line.champion == version)


def look(version: ModelVersion, note: str = "spring sale") -> Acknowledgement:
    return acknowledge(version, code="feature_shifted", attribute="arpu", note=note, by="wang")


def page(client: Client, role: str, name: str, *args: Any, query: str = "") -> str:
    user = make_user(role, username=f"{role}-{User.objects.count()}")
    client.force_login(user)
    client.cookies["django_language"] = "en"
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_what_was_looked_at_is_silent_while_it_lasts(version: ModelVersion) -> None:
    assert health(version) == "alert"
    look(version)
    assert health(version) == "seen"
    tell(version, 1, SHIFTED | {"figure": 0.45})
    assert health(version) == "seen"


def test_one_that_grows_is_told_again(version: ModelVersion) -> None:
    look(version)
    tell(version, 1, SHIFTED | {"figure": 0.61})
    assert health(version) == "alert"
    look(version, "still the sale")
    assert health(version) == "seen"
    assert Acknowledgement.objects.get().figure == 0.61


@pytest.mark.parametrize(
    ("size", "expected"), [(0.5, "seen"), (0.7, "alert"), (-0.3, "alert"), (0.1, "seen")]
)
def test_a_level_is_told_again_where_it_is_further_off_or_turns(
    version: ModelVersion, size: float, expected: str
) -> None:
    level = {"code": "level_shifted", "attribute": "", "figure": 0.3, "limit": 0.2, "size": 0.4}
    tell(version, 1, level)
    acknowledge(version, code="level_shifted", attribute="", note="a sale", by="wang")
    tell(version, 2, level | {"figure": 0.2, "size": size})
    assert health(version) == expected


def test_scores_that_stay_stale_are_told_again() -> None:
    facts = {"absent": [], "retyped": [], "missing": {}, "missing_at_training": {}}
    [told] = alerts_of(facts | {"stale_since": str(DAY)}, DAY + timedelta(days=3))
    assert told == {"code": "stale", "since": str(DAY), "figure": 3}


def test_of_two_who_look_at_once_the_first_is_noted(version: ModelVersion) -> None:
    look(version)
    with pytest.raises(DomainError) as refused:
        look(version, "nothing at all")
    assert refused.value.code == "already_looked_at"
    assert Acknowledgement.objects.get().note == "spring sale"


def test_one_that_ends_and_comes_back_is_told_again(version: ModelVersion) -> None:
    look(version)
    tell(version, 1)
    assert health(version) == "well"
    tell(version, 2, SHIFTED)
    assert health(version) == "alert"
    assert Acknowledgement.objects.get().ended_on == DAY + timedelta(days=1)


def test_other_alerts_stay_loud(version: ModelVersion) -> None:
    look(version)
    tell(version, 1, SHIFTED, SHIFTED | {"attribute": "tenure"})
    assert health(version) == "alert"


def test_who_looks_says_what_he_found_and_it_is_logged(version: ModelVersion) -> None:
    with pytest.raises(DomainError) as refused:
        look(version, " ")
    assert refused.value.code == "reason_missing"
    look(version)
    logged = Operation.objects.get(action="acknowledge_alert")
    assert (logged.by, logged.target_id) == ("wang", "value_index")
    assert logged.after == {"alert": "feature_shifted", "attribute": "arpu", "note": "spring sale"}


def test_an_alert_that_is_over_can_not_be_looked_at(version: ModelVersion) -> None:
    tell(version, 1)
    with pytest.raises(DomainError) as refused:
        look(version)
    assert refused.value.code == "alert_over"


# --- where people look ---


def test_the_home_page_names_the_models_that_need_a_look(client, version) -> None:
    for role in ("analyst", "approver"):
        told = page(client, role, "home")
        assert "1 model needs a look" in told
        assert WORDS in told
        assert reverse("model-version", args=["value_index", version.number]) in told
    assert "needs a look" not in page(client, "front-desk", "home")
    look(version)
    assert "needs a look" not in page(client, "analyst", "home")


def test_the_list_shows_only_those_that_are_to_be_looked_at(client, version) -> None:
    published("movement_index")
    told = page(client, "auditor", "models", query="?show=alerts")
    assert "To be looked at (1)" in told
    assert WORDS in told
    assert "Customer movement index" not in told
    look(version)
    assert "Nothing to look at" in page(client, "auditor", "models", query="?show=alerts")
    told = page(client, "auditor", "models")
    assert "looked at by wang: spring sale" in told


def test_the_page_of_the_day_tells_what_it_found(client, version) -> None:
    inputs = {"models": [{"id": version.pk, "code": "value_index", "version": 1}]}
    run = Run.objects.create(kind="day", business_date=DAY, number=1, key="k", inputs=inputs)
    assert WORDS in page(client, "auditor", "run", run.pk)
    assert WORDS not in page(client, "city-marketer", "run", run.pk)


def test_an_alert_is_looked_at_on_the_version_s_page(client, version) -> None:
    address = reverse("model-acknowledge", args=["value_index", version.number])
    sent = {"code": "feature_shifted", "attribute": "arpu", "note": "spring sale"}
    assert address in page(client, "analyst", "model-version", "value_index", version.number)
    assert client.post(address, sent | {"note": ""}).status_code == 422
    assert client.post(address, sent).status_code == 302
    assert Acknowledgement.objects.get().note == "spring sale"
    assert "spring sale" in page(client, "auditor", "model-version", "value_index", version.number)
    assert client.post(address, sent).status_code == 403
