"""What only a browser shows: scripts under the policy, refreshing, the narrow page."""

import pytest
from playwright.sync_api import expect

from jobs.models import Run, State
from tests.accounts.people import make_province, make_user
from tests.portal.browser import PHONE, log_in
from tests.portal.day import make_day, make_publication

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marketer(live_server):
    make_province()
    return make_user("province-marketer", username="province-marketer")


def test_a_marketer_logs_in_sees_the_day_and_switches_the_language(marketer, tab):
    make_day()
    log_in(tab, "province-marketer")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("2026-03-03")
    expect(tab.get_by_role("heading", name="Latest run")).to_be_visible()
    tab.get_by_role("button", name="中文").first.click()
    expect(tab.get_by_role("heading", name="最近一次运行")).to_be_visible()
    assert tab.locator("html").get_attribute("lang") == "zh-hans"


def test_five_wrong_passwords_show_the_lock(marketer, tab):
    for _ in range(5):
        log_in(tab, "province-marketer", "wrong password")
    expect(tab.get_by_role("heading", name="Locked for a while")).to_be_visible()
    # The browser itself reports the refusal (429); nothing else may be on its console.
    tab.complaints[:] = [c for c in tab.complaints if "429" not in c]


def test_the_run_card_follows_the_run_by_itself(marketer, tab):
    run = make_day(State.RUNNING)
    log_in(tab, "province-marketer")
    card = tab.locator("#latest-run")
    expect(card.locator("progress")).to_have_attribute("value", "11")
    run.steps.filter(name="assign").update(done_units=16)
    expect(card.locator("progress")).to_have_attribute("value", "16", timeout=8000)
    Run.objects.filter(pk=run.pk).update(state=State.FAILED, finished_at=run.created_at)
    expect(card.locator(".card-header .badge")).to_have_text("failed", timeout=8000)


def test_a_session_that_ended_takes_the_page_to_the_login(marketer, tab):
    make_day(State.RUNNING)
    log_in(tab, "province-marketer")
    tab.context.clear_cookies(name="sessionid")
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible(timeout=8000)
    tab.complaints[:] = [c for c in tab.complaints if "401" not in c]


def test_on_a_phone_the_menu_folds_and_nothing_sticks_out(marketer, tab):
    make_publication(make_day(State.FAILED))
    tab.set_viewport_size(PHONE)
    log_in(tab, "province-marketer")
    for address in ("/", "/runs/", f"/runs/{Run.objects.get().pk}/"):
        tab.goto(address)
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{address} is {wide} pixels wide"
    menu = tab.get_by_role("link", name="Daily runs")
    expect(menu.first).to_be_hidden()
    tab.get_by_role("button", name="Menu").click()
    expect(menu.first).to_be_visible()


def test_the_account_menu_logs_out(marketer, tab):
    log_in(tab, "province-marketer")
    tab.get_by_label("Your account").locator("visible=true").click()
    tab.get_by_role("button", name="Log out").locator("visible=true").click()
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_interface_is_described_under_the_same_policy(marketer, tab):
    tab.goto("/api/docs/")
    expect(tab.locator(".swagger-ui .info .title")).to_contain_text("Juzhen")
