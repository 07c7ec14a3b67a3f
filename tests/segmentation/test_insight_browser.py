"""What only a browser shows of insight: a count that is followed, and the narrow page."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from jobs.models import Run
from jobs.work import work_through
from segmentation.insight import jobs as insight_jobs
from segmentation.insight.jobs import steps_of_insight
from tests.accounts.people import make_user
from tests.portal.browser import DESKTOP, PHONE, log_in
from tests.portal.settings import page_settings as page_settings

from .insight_day import define, people, publish
from .test_insight_pages import TYPED, WISH
from .test_insight_pages import training as training

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(live_server: Any) -> Any:
    return define()


@pytest.fixture
def marketer(version: Any, tab: Page) -> Page:
    make_user("province-marketer", username="province-marketer")
    log_in(tab, "province-marketer")
    return tab


def fits(tab: Page) -> bool:
    return bool(tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_count_is_started_followed_and_shown(
    marketer: Page, version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight_jobs, "AT_ONCE", 10)
    publish(people(500), version)
    marketer.goto(f"{reverse('insight')}?{urlencode(TYPED)}")
    marketer.get_by_role("button", name="Count them").click()
    expect(marketer.locator("#counting")).to_be_visible()
    work_through(Run.objects.get(kind="insight"), steps_of_insight())
    heading = marketer.get_by_role("heading", name="What distinguishes A from B")
    expect(heading).to_be_visible(timeout=8000)


def test_a_profile_fits_a_phone(marketer: Page, version: Any) -> None:
    publish(people(1_500), version)
    for size in (DESKTOP, PHONE):
        marketer.set_viewport_size(size)
        marketer.goto(f"{reverse('insight')}?{urlencode(TYPED)}")
        marketer.locator("details summary").last.click()
        expect(marketer.get_by_role("heading", name="Demographics")).to_be_visible()
        assert fits(marketer)


def test_a_proposal_fits_a_phone(marketer: Page, training: None) -> None:
    marketer.set_viewport_size(PHONE)
    marketer.goto(reverse("matrix-proposal"))
    assert fits(marketer)
    for name, value in WISH.items():
        field = marketer.locator(f"[name={name}]")
        if name in ("target", "day", "candidates", "strategy"):
            field.select_option(value)
        else:
            field.fill(value)
    marketer.get_by_role("button", name="Propose").click()
    expect(marketer.get_by_role("heading", name="Expected separation")).to_be_visible()
    assert fits(marketer)
