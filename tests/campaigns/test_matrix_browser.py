"""In a real browser: a draft from its beginning to its approval, by two people."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from segmentation.models import MatrixVersion
from tests.accounts.people import make_user
from tests.portal.browser import PHONE, log_in

from . import province
from .matrix_day import publish_days

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _province(live_server: Any, settings: Any) -> None:
    settings.LAKE_PARTS = 2
    province.define()
    publish_days()
    make_user("province-marketer", username="marketer")
    make_user("approver", username="approver")


def change_hands(tab: Page, username: str) -> None:
    # The page first, since it asks for news of itself and would be told that nobody is signed in.
    tab.goto("about:blank")
    tab.context.clear_cookies()
    log_in(tab, username)


def test_one_edits_and_checks_and_another_approves(tab: Page) -> None:
    log_in(tab, "marketer")
    tab.get_by_role("link", name="Customer matrices").first.click()
    tab.get_by_role("link", name="retention", exact=True).click()
    tab.get_by_role("link", name="Versions and drafts").click()
    tab.get_by_role("button", name="Begin a draft").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("retention@2")

    tab.get_by_text("Merge a box into one cell").click()
    form = tab.locator("form", has=tab.get_by_role("button", name="Merge", exact=True))
    for band in ("low", "high", "on"):
        form.get_by_label(band, exact=True).check()
    form.get_by_role("button", name="Merge").click()
    expect(tab.get_by_text("low or high, on: merged into one cell").first).to_be_visible()

    # It is counted while the page is there already.
    consequences = tab.locator("#consequences")
    expect(consequences.get_by_text("Counted exactly")).to_be_visible()
    expect(consequences.get_by_role("row", name="low or high, on 8").first).to_be_visible()

    misfits = tab.locator("#misfits")
    misfits.get_by_role("button", name="Re-point to low or high").click()
    expect(tab.locator("#misfits").get_by_text("decided", exact=True)).to_be_visible()
    tab.get_by_role("button", name="Check it").click()
    expect(tab.get_by_text("8 cells proved by marketer")).to_be_visible()
    expect(tab.get_by_role("button", name="Approve it")).to_have_count(0)

    change_hands(tab, "approver")
    tab.goto("/matrices/")
    tab.get_by_role("link", name="@2").click()
    tab.get_by_label("In force from").fill(timezone.localdate().isoformat())
    tab.get_by_role("button", name="Approve it").click()
    expect(tab.get_by_role("listitem").filter(has_text="Approved by approver")).to_be_visible()
    tab.get_by_role("button", name="Publish now").click()
    expect(tab.get_by_text("retention@2 is in force")).to_be_visible()
    assert MatrixVersion.objects.published().get(matrix="retention").number == 2


def test_on_a_phone_no_page_is_wider_than_the_screen(tab: Page) -> None:
    tab.set_viewport_size(PHONE)
    log_in(tab, "marketer")
    tab.goto("/matrices/retention/versions/")
    tab.get_by_role("button", name="Begin a draft").click()
    draft = tab.url
    number = province.cell("retention", spend="high", campus="on")
    for address in (
        "/matrices/",
        "/matrices/retention/",
        "/matrices/retention/cells/",
        f"/matrices/retention/cells/{number}/",
        "/matrices/retention/versions/",
        "/matrices/retention/compare/",
        "/matrices/retention/cuts/",
        draft,
        f"{draft}cells/?cell=0",
        f"{draft}dimension/?do=split&kind=thresholds",
    ):
        tab.goto(address)
        tab.wait_for_load_state("networkidle")
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{address} is {wide} pixels wide"
