"""The customer's page in a real browser: reporting by a click, opting out, and the keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.models import ContactEvent
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.portal.browser import PHONE, log_in

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/customers/12000000001/"


@pytest.fixture
def desk(settings: Any, live_server: Any, tab: Page) -> Page:
    """A front desk that has logged in; the customer is offered P1, by SMS P2 too."""
    settings.LAKE_PARTS = 2
    province.define()
    publish_day([customer(12000000001)])
    make_user("front-desk", "hangzhou", username="desk")
    log_in(tab, "desk")
    return tab


def test_an_outcome_is_reported_by_a_click_where_one_stands(desk: Page) -> None:
    desk.goto(f"{PAGE}?channel=front_desk")
    offer = desk.locator("details", has=desk.get_by_role("heading", name="P1"))
    offer.get_by_role("button", name="Shown").click()
    expect(offer.get_by_text("Recorded.")).to_be_visible()
    expect(offer.get_by_role("button", name="Shown")).to_be_disabled()
    offer.get_by_text("Declined …").click()
    offer.get_by_label("Reason").fill("too dear")
    offer.get_by_role("button", name="Record the refusal").click()
    expect(offer.get_by_text("declined: too dear")).to_be_visible()
    assert [(e.kind, e.reason) for e in ContactEvent.objects.order_by("version")] == [
        ("shown", ""),
        ("declined", "too dear"),
    ]


def test_a_refusal_stands_at_the_offer_it_is_about(desk: Page) -> None:
    desk.goto(PAGE)
    offer = desk.locator("details", has=desk.get_by_role("heading", name="P1"))
    desk.evaluate("document.querySelectorAll('select[name=channel]').forEach(s => s.required = 0)")
    offer.get_by_role("button", name="Ordered").click()
    expect(offer.get_by_text("where was the customer met?")).to_be_visible()
    offer.get_by_label("Where the customer was met").first.select_option("sms")
    offer.get_by_role("button", name="Ordered").click()
    expect(offer.get_by_text("Recorded.")).to_be_visible()
    # The browser itself reports the refusal (400); nothing else may be on its console.
    desk.complaints[:] = [c for c in desk.complaints if "400" not in c]


def test_an_opt_out_is_obeyed_on_the_next_load(desk: Page) -> None:
    desk.goto(PAGE)
    desk.get_by_role("link", name="Opt-outs").click()
    desk.get_by_label("SMS").check()
    desk.get_by_role("button", name="Next").click()
    desk.get_by_role("button", name="Confirm").click()
    expect(desk.get_by_text("it holds from the next answer on")).to_be_visible()
    desk.get_by_role("link", name="SMS").click()
    expect(desk.get_by_role("heading", name="Opted out of this channel: SMS")).to_be_visible()
    expect(desk.get_by_role("heading", name="P2")).to_have_count(0)


def test_what_was_not_offered_opens_by_keyboard(desk: Page) -> None:
    desk.goto(f"{PAGE}?channel=front_desk")
    table = desk.locator("#looks table")
    expect(table).to_be_hidden()
    desk.locator("#looks summary").focus()
    desk.keyboard.press("Enter")
    expect(table).to_be_visible()
    expect(table.get_by_text("Stopped at: Channel")).to_be_visible()


def test_on_a_phone_nothing_sticks_out(desk: Page) -> None:
    desk.set_viewport_size(PHONE)
    desk.goto(PAGE)
    decision = desk.locator("code.user-select-all").first.inner_text()
    for address in (PAGE, f"{PAGE}opt-outs/", f"/decisions/{decision}/", "/customers/"):
        desk.goto(address)
        desk.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        wide = desk.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{address} is {wide} pixels wide"
