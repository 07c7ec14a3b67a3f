"""Generated customers with generated histories: each gate as its definition says, the slow way.

The reference reads the definitions as they are written and the list of all that ever happened; it
shares with the product only the day's ranking, which has a reference of its own.
"""

import hashlib
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from campaigns.models import Plan, Publication
from campaigns.planned import Planned
from contacts.limits import Limit
from contacts.models import ContactEvent
from contacts.record import DAY as SECONDS
from contacts.record import PERSONALISED
from contacts.services import NewEvent, record_events
from tests.accounts.people import make_user
from tests.campaigns import province, reference
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import DAY, load
from tests.contacts.reference import occurrences, stops
from touch.answers import Recommendation
from touch.recommendation import recommend

from .counter import contact_policy, limit, opt_out

pytestmark = pytest.mark.django_db
CHANNELS = ("", "front_desk", "sms", "outbound_call")
KEY = "a-key-of-tests"
HOLD_OUT = [[0, 999], [9000, 9499]]
POLICIES = [
    {**province.POLICIES[0], "held_days": 30},
    {**province.POLICIES[1], "channels": ["sms", "outbound_call"]},
    {**province.POLICIES[2], "exclusivity_group": "gift", "capacity": 2},
    province.POLICIES[3],
    {**province.POLICIES[1], "number": "P5", "valid": {"from": "2026-01-01", "to": "2026-07-01"}},
    {**province.POLICIES[1], "number": "P6", "margin": 70, "held_days": 5, "capacity": 1000},
]
CAMPAIGNS = [{**province.CAMPAIGNS[0], "control": [[2000, 4499]]}, province.CAMPAIGNS[1]]
MARKETING = [
    *province.MARKETING,
    *({**province.MARKETING[1], "policy": number} for number in ("P5", "P6")),
]
LIMITS = [
    limit(3, 7, "channel", channels=["sms"]),
    limit(2, 30, "policy", counts="declined", rest=30),
    limit(4, 20, "exclusivity_group"),
    limit(1, 30, counts="complained", channels=["sms", "outbound_call"], rest=40),
]
OF_NINGBO = [limit(2, 7, "channel", channels=["sms"])]
ELIGIBLE = {
    "P1": lambda p: p["arpu"] >= 80 and p["brand"] == "gotone",
    "P3": lambda p: p["income"] < 5000,
}
Person = dict[str, Any]


def people(draw: Random, n: int) -> list[Person]:
    return [
        customer(
            number,
            city=draw.choice(["hangzhou", "hangzhou", "ningbo"]),
            arpu=draw.choice([10.0, 79.9, 80.0, 90.0]),
            is_campus=draw.choice([True, False]),
            brand=draw.choice(["gotone", "gotone", "mzone"]),
            income=draw.choice([1000.0, 4000.0, 6000.0]),
            movement_index=draw.choice([None, 20.0, 40.0]),
        )
        for number in range(1, n + 1)
    ]


def happen(draw: Random, person: Person, now: datetime) -> None:
    """Up to a dozen events of the last two months, and perhaps an opt-out."""
    kinds = ("shown", "shown", "shown", "accepted", "declined", "declined", "ordered", "complained")
    news = []
    for _ in range(draw.choice([0, 2, 6, 12])):
        policy = draw.choice(POLICIES)
        news.append(
            NewEvent(
                customer_no=person["customer_no"],
                kind=draw.choices(kinds, [9, 9, 9, 3, 9, 9, 4, 1])[0],
                at=now - timedelta(seconds=draw.randrange(1, draw.choice([6, 60]) * SECONDS)),
                channel=draw.choice(CHANNELS[1:]),
                policy=policy["number"],
                group=policy.get("exclusivity_group", ""),
                held_days=policy.get("held_days", 365),
                decision=uuid4(),
            )
        )
    with transaction.atomic():
        record_events(news, by="test")
    out = draw.choice([(), (), (), ("sms",), (PERSONALISED,), ("sms", PERSONALISED)])
    opt_out(*out, customer_no=person["customer_no"], city=person["city"])


class Reference:
    """What must come of one question about one customer."""

    def __init__(self, person: Person, channel: str, at: datetime) -> None:
        self.person, self.channel, self.at = person, channel, at
        events = ContactEvent.objects.filter(customer_no=person["customer_no"])
        self.events = list(events.order_by("version"))
        self.out: set[str] = set()
        for event in self.events:
            if event.kind == "opt_out":
                self.out.add(event.channel)
            elif event.kind == "opt_in":
                self.out.discard(event.channel)

    def gate(self, policy: str, campaign: str) -> str | None:
        says = next(p for p in POLICIES if p["number"] == policy)
        runs = next(c for c in CAMPAIGNS if c["code"] == campaign)
        rows = [r for r in MARKETING if (r["campaign"], r["policy"]) == (campaign, policy)]
        if not any(self._met(row) for row in rows):
            return "cell"
        last = min(says["valid"]["to"], runs["ends_on"])
        if not says["valid"]["from"] <= self.at.date().isoformat() <= last:
            return "validity"
        city = self.person["city"]
        if runs["organisation"] not in ("zhejiang", city) or city not in says.get("cities", [city]):
            return "city"
        if self.channel and self.channel not in says["channels"]:
            return "channel"
        if policy in ELIGIBLE and not ELIGIBLE[policy](self.person):
            return "eligibility"
        if self._holds(says):
            return "exclusivity"
        if self.channel in self.out or (PERSONALISED in self.out and not self._general(rows)):
            return "opt_out"
        if self._limited(says):
            return "contact_policy"
        if self._in("hold out", HOLD_OUT) or self._in(campaign, runs.get("control", [])):
            return "control_group"
        orders = ContactEvent.objects.filter(policy=policy, kind="ordered").count()
        return "capacity" if orders >= says.get("capacity", 10**9) else None

    def _met(self, row: Any) -> bool:
        p = self.person
        bands = {
            "spend": "high" if p["arpu"] >= 50 else "low",
            "campus": "on" if p["is_campus"] else "off",
            "earning": "rich" if p["income"] >= 3000 else "poor",
        }
        return all(bands[dimension] in chosen for dimension, chosen in row["cells"].items())

    def _general(self, rows: Any) -> bool:
        return rows[0]["policy"] not in ELIGIBLE and any(not row["cells"] for row in rows)

    def _holds(self, says: Any) -> bool:
        group = says.get("exclusivity_group")
        for event in self.events:
            same = event.group == group if group else event.policy == says["number"]
            until = event.at + timedelta(days=event.held_days)
            if event.kind == "ordered" and same and self.at.timestamp() < int(until.timestamp()):
                return True
        return False

    def _limited(self, says: Any) -> bool:
        mets = [event.met for event in self.events]
        theirs = OF_NINGBO if self.person["city"] == "ningbo" else []
        for item in [*LIMITS, *theirs]:
            of = _limit(item)
            if of.channels and self.channel not in of.channels:
                continue
            if of.per == "channel" and not self.channel:
                continue
            group = says.get("exclusivity_group", "")
            times = occurrences(of, mets, self.channel, says["number"], group)
            if stops(of, times, int(self.at.timestamp())):
                return True
        quiet = self.at.hour >= 21 or self.at.hour < 9
        return quiet and self.channel == "outbound_call"

    def _in(self, name: str, ranges: Any) -> bool:
        text = f"{KEY}\t{name}\t{self.person['customer_no']}"
        bucket = int(hashlib.md5(text.encode()).hexdigest()[:13], 16) % 10_000
        return any(first <= bucket <= last for first, last in ranges)

    def offers(self, planned: Planned) -> list[tuple[str, str]]:
        """All that is open, best first."""
        if PERSONALISED in self.out:
            order = [("P6", "C1"), ("P2", "C1"), ("P4", "C1")]
        else:
            ids = reference.answer(planned, self.person, DAY).offers
            order = [(planned.by_id[i].policy, planned.by_id[i].campaign) for i in ids]
        return [pair for pair in order if self.gate(*pair) is None]


def _limit(item: dict[str, Any]) -> Limit:
    values = {k: v for k, v in item.items() if k not in ("name", "channels")}
    return Limit(name_zh="", name_en="", channels=tuple(item.get("channels", ())), **values)


def pairs(answer: Recommendation) -> list[tuple[str, str]]:
    return [(item.policy, item.campaign) for item in answer.items]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_gate_is_as_its_definition_says(seed: int, settings: Any, noon: datetime) -> None:
    settings.LAKE_PARTS = 1
    province.define()
    for document, content in (
        ("policies", POLICIES),
        ("hold_out", {"key": KEY, "buckets": HOLD_OUT}),
        ("campaigns", CAMPAIGNS),
        ("marketing", MARKETING),
    ):
        load(document, content)
    night = [{"start": "21:00", "end": "09:00", "channels": ["outbound_call"]}]
    contact_policy(*LIMITS, quiet=night)
    contact_policy(*OF_NINGBO, organisation="ningbo")
    draw, user = Random(seed), make_user("auditor")
    everybody = people(draw, 60)
    publish_day(everybody)
    planned = Planned.from_json(Plan.objects.get(pk=Publication.objects.get().plan_id).body)
    for person in everybody:
        happen(draw, person, noon)
    met: set[str | None] = set()
    for person in everybody:
        for channel in CHANNELS:
            at, most = noon + timedelta(hours=draw.choice([0, 0, 9.5])), draw.choice([1, 2, 50])
            asked = {"channel": channel or None, "limit": most, "at": at, "explain": True}
            answer = recommend(person["customer_no"], user=user, **asked)
            right = Reference(person, channel, at)
            gates = {(c.policy, c.campaign): c.gate for c in answer.considered or ()}
            assert gates == {pair: right.gate(*pair) for pair in gates}
            assert pairs(answer) == right.offers(planned)[:most]
            met |= {*gates.values()}
    assert len(met) == 11, "a gate that nobody met was not tried"
