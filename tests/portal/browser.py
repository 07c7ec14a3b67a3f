"""A real browser: Debian's Chromium, driven through its own protocol, no network but loopback."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1366, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """pytest-django's, started where static files were never collected."""
    with override_settings(STATIC_ROOT=tmp_path_factory.mktemp("static")):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail("the browser tests need Chromium: apt-get install chromium fonts-noto-cjk")
    # The driver keeps an event loop in this thread; Django need not fear it, nothing here awaits.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def tab(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A fresh tab at the live server. Whatever the browser complains of fails the test."""
    context = browser.new_context(
        base_url=live_server.url, viewport=DESKTOP, locale="en", service_workers="block"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    context.close()
    assert not complaints


def log_in(tab: Page, username: str, password: str = "") -> None:
    """Log in; without a password, with the one that every user of the tests has."""
    from tests.accounts.people import PASSWORD  # models: not before Django is set up

    tab.goto("/accounts/login/")
    tab.fill("[name=login]", username)
    tab.fill("[name=password]", password or PASSWORD)
    tab.press("[name=password]", "Enter")
    tab.wait_for_load_state()
