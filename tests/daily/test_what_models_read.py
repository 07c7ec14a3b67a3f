"""Models that read more than the snapshot, in the day: the orders of earlier days, other scores."""

from typing import Any

import psycopg

from tests.forks import Site

from .province import DAY1, DAY2, in_child, run_through

CARD: dict[str, Any] = {
    "code": "card",
    "name": {"zh": "分层", "en": "RFM"},
    "kind": "rfm",
    "output": "card_cell",
    "record_days": 60,
    "window_days": 60,
    "cuts": {
        "recency": [1, 7, 14, 30],
        "frequency": [2, 3, 4, 5],
        "monetary": [50, 100, 200, 500],
    },
}


def learn() -> None:
    """As of the second day, on the eve of which the first day's orders came."""
    from django.core.management import call_command

    from customers.models import Attribute
    from scoring import definitions

    Attribute.objects.create(
        code="card_cell", name_zh="分层", name_en="RFM", category="basic", type="number",
        origin="score",
    )  # fmt: skip
    definitions.load([CARD], "test")
    call_command("train_models", date=DAY2, model=["card"], publish=True)


def test_a_day_reads_the_orders_of_the_days_before_it_and_the_scores_before_a_model(
    site: Site,
) -> None:
    in_child(site, learn)
    in_child(site, run_through, DAY2)
    with psycopg.connect(site.database_url) as connection:
        [(inputs, counts)] = connection.execute(
            "SELECT r.inputs, s.counts FROM jobs_run r JOIN jobs_step s ON s.run_id = r.id"
            " WHERE r.kind = 'day' AND r.business_date = %s AND s.name = 'score'",
            [DAY2],
        ).fetchall()
        pinned = connection.execute(
            "SELECT business_date FROM lake_partition WHERE id = ANY(%s)", [inputs["orders"]]
        ).fetchall()
        bought = connection.execute(
            "SELECT business_date, rows, facts FROM lake_partition WHERE dataset = 'purchases'"
            " ORDER BY id DESC LIMIT 1"
        ).fetchone()
        [(stake,)] = connection.execute(
            "SELECT metrics FROM scoring_modelversion WHERE model_id = 'low_price_card'"
        ).fetchall()
    assert (DAY1,) in pinned
    assert (DAY2,) not in pinned
    assert bought is not None
    day, buyers, facts = bought
    assert (day, facts["days"]) == (DAY2, len(pinned) + 1)
    assert 50 < counts["rows"] - counts["nulls"]["card_cell"] <= buyers
    assert 0 < counts["nulls"]["low_price_card_untold"] < counts["rows"]
    assert 0 < stake["marked"] < 1
    assert stake["at_stake"] > 0
    assert counts["stale"] == []
