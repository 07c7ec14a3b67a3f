"""Leaks found, and honest features refused with them: on public data and the sample province."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from bench.figures import Figure, Found
from bench.planted import planted
from bench.public_data import (
    FOLDER,
    Outcomes,
    bigml_churn,
    ibm_telco,
    outcomes,
    uci_bank,
)
from common.rates import wilson
from scoring.learning.leaks import LeakDetector

LABEL = "left_within_30d"
SHEETS = ("demographics", "location", "services", "status")
# Of IBM's second edition: the outcome itself, its reasons, and what was asked or computed after it.
AFTERWARDS = ("Customer Status", "Churn Value", "Churn Score", "Churn Category", "Churn Reason")


def province() -> Outcomes:
    """The training day's 70 attributes; dates as days since 1970."""
    made = planted()
    frame = made.table(made.training_day)
    y, customers = frame.pop(LABEL).astype(bool), frame.pop("customer_no")
    for name, column in frame.items():
        if isinstance(column.iloc[0], date):
            frame[name] = pd.to_datetime(column).to_numpy("datetime64[D]").astype(np.float64)
    return outcomes("sample province", frame, y, customers)


def ibm_telco_v11() -> Outcomes:
    """7,043 customers of IBM's second edition, with what became known of them afterwards."""
    table = None
    for name in SHEETS:
        file = FOLDER / "ibm_telco_v11" / f"Telco_customer_churn_{name}.xlsx"
        sheet = pd.read_excel(file).set_index("Customer ID")
        sheet = (
            sheet if table is None else sheet[sheet.columns.difference(table.columns, sort=False)]
        )
        table = sheet if table is None else table.join(sheet)
    assert table is not None
    y = table.pop("Churn Label") == "Yes"
    return outcomes("ibm_telco_v11", table, y, table.index.to_series())


def found(load: Callable[[], Outcomes], *leaks: str) -> Callable[[], Found]:
    """How many of the known ``leaks`` are found."""

    def measure() -> Found:
        data = load()
        refused = LeakDetector(data.features).fit(data.x, data.y).leaks_
        hits = sum(leak in refused for leak in leaks)
        low, high = wilson(hits, len(leaks))
        return Found(hits / len(leaks), len(leaks), float(low), float(high))

    return measure


def refused(load: Callable[[], Outcomes], *leaks: str) -> Callable[[], Found]:
    """How many features other than the known ``leaks`` are refused, of so many."""

    def measure() -> Found:
        data = load()
        refused = LeakDetector(data.features).fit(data.x, data.y).leaks_
        return Found(len(set(refused) - set(leaks)), len(data.features) - len(leaks))

    return measure


def pair(name: str, load: Callable[[], Outcomes], *leaks: str) -> list[Figure]:
    false_alarms = Figure(
        f"leaks.{name}.refused",
        f"honest features of {name} refused",
        refused(load, *leaks),
        bar=0,
        at_least=False,
    )
    if not leaks:
        return [false_alarms]
    told = Figure(f"leaks.{name}.found", f"leaks of {name} found", found(load, *leaks), bar=1.0)
    return [told, false_alarms]


FIGURES = [
    *pair("uci_bank", uci_bank, "duration"),
    # Asked after the outcome or before it: nobody says, so neither a leak nor honest for certain.
    *pair("ibm_telco_v11", lambda: ibm_telco_v11().without("Satisfaction Score"), *AFTERWARDS),
    *pair("ibm_telco", ibm_telco),
    *pair("bigml_churn", bigml_churn),
    *pair("province", province),
]
