"""The past of purchases: what was planted can be found again, and it fits who the customers are."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sample import purchases
from sample.days import Province, training_block
from sample.make import make
from sample.purchases import delivered_purchases
from scoring.learning.ledger import days_since_1970, ledger
from scoring.learning.purchases import BgNbd, Histories, histories
from scoring.learning.spend import GammaGamma
from tests.sample.landing import DAYS, FIRST, SECOND, TRAINING, Landing
from tests.sample.test_reproducible import content

GROUPS = 8


def past(landing: Landing, day: str) -> pa.Table:
    """The orders of the past that a day's file brings; beside them stand those of the day."""
    orders = landing.table(day, "orders")
    return orders.filter(pc.starts_with(orders["order_no"], "P"))


@pytest.fixture(scope="module")
def bought(landing: Landing) -> Histories:
    """What each customer had bought by the training day, from its file as it is handed over."""
    orders = landing.table(TRAINING, "orders")
    rows = pd.DataFrame(
        {
            "customer": orders["customer_no"].to_pylist(),
            "day": pd.to_datetime(orders["ordered_on"].to_pylist()),
            "amount": orders["amount"].to_numpy(),
        }
    )
    return histories(ledger(rows), days_since_1970(date.fromisoformat(TRAINING)))


def test_repeats_and_leaving_are_recovered_with_their_parameters(
    landing: Landing, bought: Histories
) -> None:
    planted = landing.facts["purchases"]["repeats_per_week"]
    found = BgNbd().fit(bought.repeats, bought.recency, bought.watched)
    for name, value, error in zip(planted, found.parameters_, found.errors_, strict=True):
        assert abs(value - planted[name]) < 4 * error, name
        assert error < 0.07 * planted[name], f"{name}: too few customers to tell"


def test_spend_is_recovered_with_its_parameters(landing: Landing, bought: Histories) -> None:
    """By groups of customers: how far these lie apart is what sampling allows."""
    planted = np.array(list(landing.facts["purchases"]["spend"].values()))
    group = np.arange(len(bought.repeats)) % GROUPS
    found = np.array(
        [
            np.log(GammaGamma().fit(bought.repeats[mine], bought.spend[mine]).parameters_)
            for mine in (group == number for number in range(GROUPS))
        ]
    )
    error = found.std(axis=0, ddof=1) / np.sqrt(GROUPS)
    assert (np.abs(found.mean(axis=0) - np.log(planted)) < 4 * error).all()
    assert (error < 0.05).all(), "too few customers to tell"


def test_about_one_order_a_customer_and_year_first_ones_all_year_round(
    landing: Landing, bought: Histories, province: Province
) -> None:
    assert len(past(landing, TRAINING)) / province.customers == pytest.approx(1.2, abs=0.1)
    fifths, _ = np.histogram(bought.watched, bins=5, range=(0, 365 / 7))
    assert fifths.max() < 1.25 * fifths.min(), "but for those who joined within the year"


def test_a_customer_buys_on_a_day_once_and_not_before_he_joined(landing: Landing) -> None:
    for day in (TRAINING, FIRST):
        orders = past(landing, day)
        own = list(
            zip(orders["customer_no"].to_pylist(), orders["ordered_on"].to_pylist(), strict=True)
        )
        assert len(own) == len(set(own)) > 1_000
        customers = landing.table(day, "customers").select(["customer_no", "joined_on"])
        joined = orders.join(customers, "customer_no", join_type="left outer")
        early = pc.less(joined["ordered_on"], joined["joined_on"])
        assert early.null_count == 0, "somebody who is not there"
        assert not pc.any(early).as_py()


def test_the_year_comes_with_the_training_day_and_the_month_since_with_the_first(
    landing: Landing,
) -> None:
    spans = {day: pc.min_max(past(landing, day)["ordered_on"]).as_py() for day in (TRAINING, FIRST)}
    assert spans == {
        TRAINING: {"min": date(2025, 6, 1), "max": date(2026, 5, 31)},
        FIRST: {"min": date(2026, 6, 2), "max": date(2026, 6, 30)},
    }
    for day in DAYS[DAYS.index(SECOND) :]:
        assert len(past(landing, day)) == 0
    may = pc.sum(pc.equal(pc.month(past(landing, TRAINING)["ordered_on"]), 5)).as_py() / 31
    assert len(past(landing, FIRST)) / 29 == pytest.approx(may, rel=0.15), "no break between"


def test_the_same_customers_go_on_buying(landing: Landing) -> None:
    """What was bought since the training day is drawn with what was bought before it."""
    before, since = (set(past(landing, d)["customer_no"].to_pylist()) for d in (TRAINING, FIRST))
    assert len(before & since) / len(since) > 0.6


def test_nothing_else_depends_on_the_past(
    tiny: tuple[Province, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    province, folder = tiny
    make(province, folder, workers=1, report=lambda done: None)
    monkeypatch.setattr(purchases, "BUYING", 0.0)
    make(province, tmp_path / "without", workers=1, report=lambda done: None)
    for name, table in content(tmp_path / "without").items():
        mine = content(folder)[name]
        if name.endswith("orders.parquet"):
            mine = mine.filter(pc.invert(pc.starts_with(mine["ORDER_NO"], "P")))
        assert mine.equals(table), name


def test_who_may_order_no_pack_has_bought_none(province: Province) -> None:
    customers = training_block(province, 2)
    assert len(delivered_purchases(province, 2, -1, customers)["slot"]) > 1_000
    asked = ("data_mb", "entertainment_visits", "roaming_minutes", "long_distance_minutes")
    idle = customers | {name: np.zeros_like(customers[name]) for name in asked}
    assert len(delivered_purchases(province, 2, -1, idle)["slot"]) == 0
