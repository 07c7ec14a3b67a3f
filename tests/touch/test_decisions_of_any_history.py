"""Whatever happened in between, every decision is made again as it was."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from common.errors import DomainError
from contacts.record import PERSONALISED
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.models import Decision
from touch.recommendation import Recommendation, recommend
from touch.replay import replay

from .counter import contact_policy, limit, opt_out, report

pytestmark = pytest.mark.django_db
NUMBERS = ("00000000001", "00000000002")
CHANNELS = ("front_desk", "sms")
REFUSED = {"not_offered", "other_channel"}

asks = st.tuples(st.just("ask"), st.sampled_from([None, *CHANNELS]), st.integers(1, 3))
outcomes = st.sampled_from(["shown", "accepted", "declined", "ordered", "complained"])
reports = st.tuples(st.just("report"), outcomes, st.sampled_from(["P1", "P2"]), st.integers(0, 900))
choices = st.sets(st.sampled_from([*CHANNELS, PERSONALISED]))
opt_outs = st.tuples(st.just("opt_out"), choices)
rules = st.tuples(st.just("rules"), st.integers(1, 3), st.integers(1, 3))
waits = st.tuples(st.just("wait"), st.integers(1, 40 * 3600))
steps = st.tuples(st.sampled_from(NUMBERS), st.one_of(asks, reports, opt_outs, rules, waits, asks))


class Days:
    """Some days at the counter, step by step."""

    def __init__(self, clock: Any, user: User) -> None:
        self.clock, self.user = clock, user
        self.answers: list[Recommendation] = []

    def ask(self, number: str, channel: str | None, most: int) -> None:
        asked = {"channel": channel, "limit": most, "explain": True}
        self.answers.append(recommend(number, user=self.user, **asked))

    def report(self, number: str, outcome: str, policy: str, back: int) -> None:
        if self.answers:
            answer, at = self.answers[-1], self.clock.now - timedelta(seconds=back)
            channel = answer.channel or "sms"
            try:
                report(answer, policy, outcome, by=self.user, channel=channel, at=at)
            except DomainError as refusal:
                if refusal.code not in REFUSED:
                    raise

    def opt_out(self, number: str, what: set[str]) -> None:
        opt_out(*what, customer_no=number)

    def rules(self, number: str, most: int, days: int) -> None:
        quiet = [{"start": "20:00", "end": "08:00", "channels": ["sms"]}]
        contact_policy(limit(most, days), limit(1, days, "policy"), quiet=quiet)

    def wait(self, number: str, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(noon: datetime, monkeypatch: pytest.MonkeyPatch) -> Any:
    held = SimpleNamespace(now=noon)
    monkeypatch.setattr("django.utils.timezone.now", lambda: held.now)
    return held


@pytest.fixture
def published(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()
    load("policies", edited("policies", 0, capacity=2, held_days=1))
    load("hold_out", {"key": "a-key-of-tests", "buckets": []})
    load("campaigns", edited("campaigns", 1, control=[[0, 4999]]))
    publish_day([customer(1, is_campus=True), customer(2)])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(steps, min_size=3, max_size=25))
def test_every_decision_is_reproduced(
    history: list[Any], published: None, clock: Any, noon: datetime
) -> None:
    clock.now = noon
    with transaction.atomic():
        user = make_user("auditor")
        days = Days(clock, user)
        for number, (step, *said) in history:
            getattr(days, step)(number, *said)
        assert Decision.objects.count() == len(days.answers)
        for answer in days.answers:
            found = replay(answer.decision, user=user)
            assert found.reproduced is True
            assert found.answer == answer
        transaction.set_rollback(True)
