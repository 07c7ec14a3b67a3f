"""What only a browser shows of the contact policy: rows come and go, Enter saves, a phone fits."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from contacts.models import ContactPolicyVersion
from tests.accounts.people import make_province, make_user
from tests.portal.browser import DESKTOP, PHONE, log_in
from tests.portal.settings import page_settings as page_settings

from .test_policy_versions import limit, quiet, save

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marketer(live_server: Any, tab: Page) -> Page:
    make_province()
    save(
        "zhejiang",
        limit(),
        limit(code="declined", per="policy", counts="declined", days=30, rest=60),
        quiet_hours=[quiet(channels=["outbound_call", "sms"])],
    )
    make_user("city-marketer", "ningbo", username="city-marketer")
    log_in(tab, "city-marketer")
    return tab


def fits(tab: Page) -> bool:
    return bool(tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_city_adds_a_limit_is_told_why_not_and_saves_with_the_enter_key(marketer: Page) -> None:
    marketer.goto(reverse("contact-policy"))
    marketer.get_by_role("link", name="Edit").click()
    for _twice in range(2):
        marketer.get_by_role("button", name="Add a limit").click()
    marketer.get_by_role("button", name="Remove").first.click()
    marketer.fill("[name=limits-0-name_zh]", "短信")
    marketer.fill("[name=limits-0-name_en]", "SMS")
    marketer.get_by_label("SMS").check()
    marketer.fill("[name=limits-0-days]", "7")
    marketer.fill("[name=limits-0-most]", "3")
    marketer.complaints.clear()
    marketer.press("[name=limits-0-most]", "Enter")
    expect(marketer.get_by_role("alert")).to_contain_text("The province says")
    # The browser reports every 422; that is what it is for.
    marketer.complaints.clear()
    marketer.fill("[name=limits-0-most]", "1")
    marketer.press("[name=limits-0-most]", "Enter")
    expect(marketer.get_by_text("ningbo@1 holds from now on.")).to_be_visible()
    assert ContactPolicyVersion.objects.get(organisation__code="ningbo").body["limits"] == [
        limit(code="limit_2", most=1)
    ]


def test_the_pages_fit_a_phone(marketer: Page) -> None:
    save("ningbo", limit(most=1), quiet_hours=[quiet()])
    save("ningbo", limit(most=1, days=9), quiet_hours=[quiet()])
    addresses = [reverse("contact-policy")]
    addresses += [reverse(f"contact-{n}", kwargs={"code": "ningbo"}) for n in ("versions", "edit")]
    for size in (DESKTOP, PHONE):
        marketer.set_viewport_size(size)
        for address in addresses:
            marketer.goto(address)
            expect(marketer.get_by_role("heading", level=1)).to_be_visible()
            assert fits(marketer), address
