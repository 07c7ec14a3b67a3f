"""Customers of the small province with the cells that its matrices give them; a published day."""

from datetime import date
from typing import Any

from campaigns.match import match
from campaigns.models import Publication
from campaigns.plan import compile_plan
from campaigns.publish import publish

from . import province
from .lake import write_day
from .province import DAY, cell


def customer(number: int, **values: Any) -> dict[str, Any]:
    """A customer as the reference takes one."""
    person = {
        "customer_no": f"{number:011d}",
        "city": "hangzhou",
        "arpu": 90.0,
        "is_campus": False,
        "joined_on": date(2020, 1, 31),
        "brand": "gotone",
        "income": 4000.0,
        "data_mb": 100.0,
        "movement_index": 40.0,
        **values,
    }
    spend = "unknown" if person["arpu"] is None else "high" if person["arpu"] >= 50 else "low"
    campus = {True: "on", False: "off", None: "unknown"}[person["is_campus"]]
    earning = "rich" if person["income"] >= 3000 else "poor"
    person["cells"] = [
        cell("retention", spend=spend, campus=campus),
        cell("uplift", earning=earning),
    ]
    return person


def publish_day(customers: list[dict[str, Any]], day: date = DAY) -> Publication:
    """Match these customers on what is defined now, and publish their answers."""
    plan = compile_plan(day, province.versions())
    held = write_day(plan, customers, day, f"day {Publication.objects.count()}")
    answers = match(
        held["customers"],
        held["scores"],
        held["cells"],
        plan,
        business_date=day,
        progress=lambda done, total: None,
    )
    return publish(
        answers,
        business_date=day,
        run_number=Publication.objects.count() + 1,
        plan=plan,
        versions={"matrices": {"retention": 1, "uplift": 1}, "models": {}, "plan": plan.key},
        fence=lambda: None,
        progress=lambda done, total: None,
    )
