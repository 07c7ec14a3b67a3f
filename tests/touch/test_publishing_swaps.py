"""Asked without a pause while fifty days are published: each answer is wholly of one of them."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from campaigns.models import Plan, Publication
from campaigns.plan import compile_plan
from campaigns.planned import Planned
from campaigns.publish import publish
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.province import DAY, cell, edited, load
from tests.campaigns.publishing import Row, write
from touch.recommendation import Recommendation, recommend

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 50
NUMBERS = ("00000000001", "00000000002", "00000000003")


def plans() -> list[Plan]:
    """Three, of which each says something else of P1, and offers other policies."""
    found = [compile_plan(DAY, province.versions())]
    for times, changes in enumerate(({"margin": 50}, {"margin": 60, "channels": ["sms"]}), 2):
        load("policies", edited("policies", 0, name=province.name(f"P1 {times}"), **changes))
        load("marketing", [province.MARKETING[0], *province.MARKETING[times:]])
        found.append(compile_plan(DAY, province.versions()))
    assert len({plan.key for plan in found}) == 3
    return found


class Days:
    """What is published day after day, and what each publication said."""

    def __init__(self) -> None:
        self.plans = plans()
        self.cells = (cell("retention", spend="high", campus="off"), cell("uplift", earning="rich"))

    def offers(self, number: int) -> list[Any]:
        """The plan's offers, in another order each day."""
        planned = Planned.from_json(self.plans[number % 3].body)
        best = {offer.policy: offer for offer in planned.offers}
        turned = number % len(best)
        ordered = list(best.values())
        return ordered[turned:] + ordered[:turned]

    def publish(self, number: int) -> None:
        """Everybody's answer tells the number."""
        offers = self.offers(number)
        row = Row(
            profile={"arpu": float(number), "income": 0.0},
            cells=self.cells,
            offers=tuple(offer.id for offer in offers),
            tiers=(255,) * len(offers),
            take_ups=(number / 100,) * len(offers),
            worths=(float(number),) * len(offers),
        )
        day = DAY + timedelta(days=number)
        made = publish(
            write(day, f"day{number}", dict.fromkeys(NUMBERS, row)),
            business_date=day,
            run_number=1,
            plan=self.plans[number % 3],
            versions={"number": number},
            fence=lambda: None,
            progress=lambda done, total: None,
        )
        assert made.pk == number

    def check(self, answer: dict[str, Any]) -> int:
        """The number of the publication of which all parts of the answer are."""
        number = answer["publication"]
        offers = self.offers(number)
        names = {"P1": "P1" if number % 3 == 0 else f"P1 {number % 3 + 1}"}
        assert answer["versions"]["number"] == number
        assert answer["business_date"] == (DAY + timedelta(days=number)).isoformat()
        assert [f["value"] for f in answer["profile"] if f["code"] == "arpu"] == [number]
        assert [
            (i["policy"], i["version"], i["campaign"], i["name"], i["take_up"])
            for i in answer["items"]
        ] == [
            (o.policy, o.version, o.campaign, names.get(o.policy, o.policy), number / 100)
            for o in offers
        ]
        considered = {(c["policy"], c["version"]) for c in answer["considered"]}
        planned = Planned.from_json(self.plans[number % 3].body)
        assert considered == {(o.policy, o.version) for o in (*planned.offers, *planned.idle)}
        return number


def test_no_answer_is_mixed_and_nothing_restarts(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()
    days, key, user = Days(), make_key(), make_user("auditor")
    days.publish(1)
    done, errors = threading.Event(), []
    seen: list[int] = []

    def asking(ask: Callable[[], list[dict[str, Any]]]) -> Callable[[], None]:
        """Newer and newer publications: nobody goes back."""

        def work() -> None:
            newest = 0
            while not errors and (not done.is_set() or newest < TIMES):
                numbers = {days.check(answer) for answer in ask()}
                assert len(numbers) == 1
                assert min(numbers) >= newest
                newest = max(numbers)
                seen.append(newest)

        return work

    client = Client(headers=bearer(key) | {"accept-language": "en"})

    def one() -> list[dict[str, Any]]:
        response = client.get(f"/api/v1/customers/{NUMBERS[0]}/recommendations?explain=1")
        assert response.status_code == 200
        return [response.json()]

    def many() -> list[dict[str, Any]]:
        body = {"customers": NUMBERS, "explain": True}
        address = "/api/v1/recommendations:batch"
        response = client.post(address, body, content_type="application/json")
        return [entry["answer"] for entry in response.json()["answers"]]

    def publishing() -> None:
        for number in range(2, TIMES + 1):
            days.publish(number)
        done.set()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
            done.set()
        finally:
            connection.close()

    works = [publishing, asking(one), asking(one), asking(many)]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)
    assert Publication.objects.count() == TIMES
    assert len(set(seen)) >= TIMES // 3, "too little was seen while it was published"
    newest = recommend(NUMBERS[0], user=user)
    assert isinstance(newest, Recommendation)
    assert newest.publication == TIMES
