"""Figures of lifetimes: published estimates on CDNOW, indicators of real shops, planted churn."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.planted import planted
from bench.public_data import FOLDER, Outcomes, cdnow, outcomes
from sample.purchases import REPEATS
from sample.purchases import SPEND as SPENT
from scoring.learning.ledger import Ledger, days_since_1970, ledger
from scoring.learning.life_cycle import LifeCycle, life_cycle, more_returning
from scoring.learning.purchases import BgNbd, Histories, histories
from scoring.learning.spend import GammaGamma
from scoring.learning.survival import MonthlyHazard

from . import Figure, Found

PUBLISHED = np.array([0.243, 4.414, 0.793, 2.426])  # r, α, a, b: Fader, Hardie & Lee 2005
LIKELIHOOD = -9582.4
SPEND = np.array([6.25, 3.74, 15.44])  # p, q, γ: Fader & Hardie 2013
CALIBRATED, OBSERVED = date(1997, 10, 1), date(1998, 7, 1)  # 39 weeks, and 39 more
SHOP_DAY = date(2011, 7, 1)


@cache
def _cdnow() -> Ledger:
    return ledger(cdnow().rename(columns={"spent": "amount"}))


def _watched(until: date) -> Histories:
    return histories(_cdnow(), days_since_1970(until))


@cache
def _model() -> BgNbd:
    h = _watched(CALIBRATED)
    return BgNbd().fit(h.repeats, h.recency, h.watched)


def parameters() -> Found:
    return Found(float(np.abs(_model().parameters_ - PUBLISHED).max()), _model().customers_)


def likelihood() -> Found:
    return Found(abs(_model().log_likelihood_ - LIKELIHOOD), _model().customers_)


def holdout() -> Found:
    """Expected ÷ actual purchases of weeks 40 to 78; baseline: all go on as before."""
    before, after = _watched(CALIBRATED), _watched(OBSERVED)
    ahead = (OBSERVED - CALIBRATED).days / 7
    expected = _model().expected(before.repeats, before.recency, before.watched, ahead).sum()
    actual = (after.repeats - before.repeats).sum()
    pace = (before.repeats / before.watched * ahead).sum()
    return Found(float(expected / actual), int(actual), baseline=float(pace / actual))


def holdout_by_customer() -> Found:
    """Correlation of expected and actual purchases; baseline: of repeats so far."""
    before, after = _watched(CALIBRATED), _watched(OBSERVED)
    ahead = (OBSERVED - CALIBRATED).days / 7
    expected = _model().expected(before.repeats, before.recency, before.watched, ahead)
    actual = after.repeats - before.repeats
    plain = float(np.corrcoef(before.repeats, actual)[0, 1])
    return Found(float(np.corrcoef(expected, actual)[0, 1]), len(actual), baseline=plain)


def spend() -> Found:
    h = _watched(CALIBRATED)
    found = GammaGamma().fit(h.repeats, h.spend)
    return Found(float(np.abs(found.parameters_ - SPEND).max()), found.customers_)


def gain() -> Found:
    return Found(more_returning(80_000, 0.0236, 0.0281)[1], 80_000)


@cache
def _shop() -> tuple[Ledger, LifeCycle]:
    """Invoices of online_retail; credit notes are returns, lines without a customer left out."""
    lines = pd.read_csv(FOLDER / "online_retail" / "online_retail.csv.gz")
    rows = pd.DataFrame(
        {
            "customer": lines["CustomerID"].astype("Int64").astype("string"),
            "day": pd.to_datetime(lines["InvoiceDate"]),
            "amount": lines["Quantity"] * lines["UnitPrice"],
            "order": lines["InvoiceNo"],
        }
    )
    book = ledger(rows, order="order")
    return book, life_cycle(book, days_since_1970(SHOP_DAY))


def shop(indicator: str) -> Found:
    found = getattr(_shop()[1], indicator)
    return Found(found.value, int(found.n), found.low, found.high)


def left_out() -> Found:
    book = _shop()[0]
    return Found(book.left_out["no_customer"], len(book.day))


@cache
def _province() -> tuple[Outcomes, NDArray[np.float64], NDArray[np.bool_], MonthlyHazard]:
    """The training day with the true chance of leaving; the hazard fitted on every other row."""
    province = planted()
    table = province.table(province.training_day)
    inputs = table.drop(columns=["customer_no", "left_within_30d", "joined_on"])
    sample = outcomes("planted", inputs, table["left_within_30d"], table["customer_no"])
    truth = province.truth(province.training_day, "churn")
    chance = truth.set_index("customer_no")["leaving"].reindex(table["customer_no"]).to_numpy()
    fitted_on = np.arange(len(sample.y)) % 2 == 0
    model = MonthlyHazard(sample.features, contract="contract_months_left")
    return sample, chance, ~fitted_on, model.fit(sample.x[fitted_on], sample.y[fitted_on])


def bands_that_hold() -> Found:
    """Share of tenure bands whose expected share lies in the observed one's interval."""
    sample, _, others, model = _province()
    rows = [c for c in model.calibration(sample.x[others], sample.y[others]) if c.share.n]
    return Found(sum(bool(c.holds) for c in rows) / len(rows), int(others.sum()))


def furthest_band() -> Found:
    """Largest |expected ÷ true expected leavers - 1| of the tenure bands of 1,000 or more.

    baseline: one rate for all bands.
    """
    sample, chance, others, model = _province()
    x = sample.x[others]
    tenure = [f.attribute for f in sample.features].index(model.tenure)
    band = np.searchsorted(model.tenure_bands, x[:, tenure], side="right")
    predicted = np.bincount(band, model.predict(x))
    true, n = np.bincount(band, chance[others]), np.bincount(band)
    told = n >= 1000
    plain = n * chance[others].mean()
    return Found(
        float(np.abs(predicted[told] / true[told] - 1).max()),
        int(others.sum()),
        baseline=float(np.abs(plain[told] / true[told] - 1).max()),
    )


def near_the_truth() -> Found:
    """Correlation of the fitted and the true log-odds of leaving."""
    sample, chance, others, model = _province()
    x = sample.x[others]
    fitted = model.predict(x)
    odds = [np.log(p / (1 - p)) for p in (fitted, np.clip(chance[others], 1e-4, 1 - 1e-4))]
    return Found(float(np.corrcoef(*odds)[0, 1]), len(x))


@cache
def _planted_purchases() -> Histories:
    """What the province's customers had bought by the training day."""
    province = planted()
    orders = province.table(province.training_day, "orders")
    rows = orders.rename(columns={"customer_no": "customer", "ordered_on": "day"})
    return histories(ledger(rows), days_since_1970(province.training_day))


def planted_buying() -> Found:
    """Furthest of r, α, a, b from what was planted, in standard errors of the fit."""
    h = _planted_purchases()
    found = BgNbd().fit(h.repeats, h.recency, h.watched)
    off = np.abs(found.parameters_ - [*REPEATS.values()]) / found.errors_
    return Found(float(off.max()), found.customers_)


def planted_spend() -> Found:
    """Furthest of p, q, γ from what was planted, as a share of it."""
    h = _planted_purchases()
    found = GammaGamma().fit(h.repeats, h.spend)
    off = np.abs(found.parameters_ / [*SPENT.values()] - 1)
    return Found(float(off.max()), found.customers_)


FIGURES = (
    Figure("lifetime.cdnow.parameters", "BG/NBD: furthest from published", parameters, 5e-4, False),
    Figure("lifetime.cdnow.likelihood", "BG/NBD: LL from published", likelihood, 0.05, False),
    Figure("lifetime.cdnow.spend", "Gamma-Gamma: furthest from published", spend, 0.005, False),
    Figure("lifetime.cdnow.holdout", "purchases weeks 40-78, expected ÷ actual", holdout),
    Figure("lifetime.cdnow.customers", "the same by customer, correlation", holdout_by_customer),
    Figure(
        "lifetime.planted.buying", "BG/NBD: standard errors from planted", planted_buying, 4, False
    ),
    Figure(
        "lifetime.planted.spend", "Gamma-Gamma: furthest from planted", planted_spend, 0.1, False
    ),
    Figure("lifetime.return.gain", "more returning a quarter, 2.36 → 2.81 %", gain, 4680),
    *(
        Figure(f"lifetime.shop.{name}", f"online_retail: {name}", lambda name=name: shop(name))
        for name in ("conversion", "repeat_rate", "orders", "weekly_return", "won_back")
    ),
    Figure("lifetime.shop.left_out", "online_retail: lines without a customer", left_out),
    Figure("lifetime.planted.bands", "churn by tenure: bands that hold", bands_that_hold),
    Figure("lifetime.planted.furthest", "churn by tenure: furthest from truth", furthest_band),
    Figure("lifetime.planted.odds", "churn: correlation with true log-odds", near_the_truth),
)
