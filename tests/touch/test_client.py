"""The client that is generated from the description, and the example that others paste."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from contacts.models import ContactEvent
from tests.accounts.clients import make_key
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day

CLIENT = Path("clients/python").resolve()
NUMBER = "12000000001"


def contents(directory: Path) -> dict[str, str]:
    files = (p for p in directory.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {str(path.relative_to(directory)): path.read_text() for path in files}


def test_the_committed_client_is_what_the_description_gives(tmp_path: Path) -> None:
    """After a change: scripts/generate_client.sh"""
    script = ["bash", "scripts/generate_client.sh", str(tmp_path)]
    # The script's programs stand beside the interpreter, wherever that is.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(script, check=True, capture_output=True, env=os.environ | {"PATH": path})
    assert (tmp_path / "openapi.json").read_text() == Path("docs/openapi.json").read_text()
    assert contents(tmp_path / "juzhen_client") == contents(CLIENT / "juzhen_client")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(CLIENT)
    return importlib.import_module("example")


@pytest.fixture
def published(settings: Any, transactional_db: None) -> None:
    settings.LAKE_PARTS = 2
    province.define()
    publish_day([customer(int(NUMBER))])


def run(example: ModuleType, server: LiveServer, key: str, monkeypatch: Any, *args: str) -> None:
    monkeypatch.setenv("JUZHEN_URL", server.url)
    monkeypatch.setenv("JUZHEN_KEY", key)
    example.main(*args)


def test_the_example_asks_shows_and_reports(
    example: ModuleType,
    published: None,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(example, live_server, make_key(), monkeypatch, NUMBER, "sms")
    shown = capsys.readouterr().out
    assert "1. P1 名 (P1), until 2026-12-31" in shown
    assert "P1 话术" in shown
    assert shown.endswith("2 reported\n")
    events = ContactEvent.objects.values_list("policy", "kind", "channel").order_by("policy")
    assert list(events) == [("P1", "shown", "sms"), ("P2", "shown", "sms")]


def test_the_example_says_what_was_refused(
    example: ModuleType,
    published: None,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit, match=r"\[unknown_customer\]"):
        run(example, live_server, make_key(), monkeypatch, "404", "sms")


def test_a_refused_report_names_its_faults(
    example: ModuleType, published: None, live_server: LiveServer
) -> None:
    with example.connect(live_server.url, make_key(), "en") as client:
        answer = example.ask(client, NUMBER, example.ChannelEnum.SMS)
        outcomes = [("P1", example.OutcomeEnum.DECLINED, ""), ("P9", example.OutcomeEnum.SHOWN, "")]
        with pytest.raises(example.Refused) as refused:
            example.report(client, answer, outcomes)
    assert refused.value.code == "invalid"
    assert refused.value.faults == [
        (["events", 0, "reason"], "Say in a few words why the customer declined.")
    ]


def test_a_report_repeated_with_its_key_counts_once(
    example: ModuleType, published: None, live_server: LiveServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(example, "uuid4", lambda: "the-same")
    with example.connect(live_server.url, make_key()) as client:
        answer = example.ask(client, NUMBER, example.ChannelEnum.SMS)
        outcomes = [("P1", example.OutcomeEnum.DECLINED, "太贵")]
        first = example.report(client, answer, outcomes)
        assert example.report(client, answer, outcomes) == first
    assert ContactEvent.objects.count() == 1


def test_who_is_too_fast_waits_as_told(
    example: ModuleType, published: None, live_server: LiveServer, monkeypatch: Any
) -> None:
    waits: list[int] = []
    sleep = example.time.sleep
    monkeypatch.setattr(example.time, "sleep", lambda s: (waits.append(s), sleep(s)))
    with example.connect(live_server.url, make_key(rate=1, burst=1)) as client:
        for _call in range(2):
            assert example.ask(client, NUMBER, example.ChannelEnum.SMS).items
    assert waits == [1]
