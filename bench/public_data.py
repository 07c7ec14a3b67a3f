"""Public data sets beside the checkout, as matrices: for figures and for tests, never copied."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.learning.features import Feature

FOLDER = Path(
    os.environ.get("PUBLIC_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


@dataclass(frozen=True)
class Outcomes:
    """``x`` as scoring.learning.features has it; ``y`` True: the outcome happened."""

    name: str
    features: tuple[Feature, ...]
    x: NDArray[np.float64]
    y: NDArray[np.bool_]
    customers: NDArray[np.str_]

    def without(self, *attributes: str) -> "Outcomes":
        kept = [i for i, f in enumerate(self.features) if f.attribute not in attributes]
        features = tuple(self.features[i] for i in kept)
        return Outcomes(self.name, features, self.x[:, kept], self.y, self.customers)


def outcomes(name: str, frame: pd.DataFrame, y: pd.Series, customers: pd.Series) -> Outcomes:
    """Numbers stay numbers; every other column is a category over the codes that occur in it."""
    features, columns = [], []
    for attribute in frame.columns:
        column = frame[attribute]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            features.append(Feature(str(attribute)))
            columns.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
            continue
        codes = sorted(column.dropna().unique())
        features.append(Feature(str(attribute), tuple(codes)))
        positions = column.map({code: float(i) for i, code in enumerate(codes)})
        columns.append(positions.to_numpy(dtype=np.float64, na_value=np.nan))
    x = np.asfortranarray(np.column_stack(columns))
    return Outcomes(name, tuple(features), x, y.to_numpy(dtype=bool), customers.to_numpy(dtype=str))


@cache
def ibm_telco() -> Outcomes:
    """7,043 customers, 1,869 of whom left; 11 without total charges."""
    frame = pd.read_csv(FOLDER / "ibm_telco" / "Telco-Customer-Churn.csv")
    frame["TotalCharges"] = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    inputs = frame.drop(columns=["customerID", "Churn"])
    return outcomes("ibm_telco", inputs, frame["Churn"] == "Yes", frame["customerID"])


@cache
def bigml_churn() -> Outcomes:
    """3,333 customers, 483 of whom left."""
    frame = pd.read_csv(FOLDER / "bigml_churn" / "churn_3333.csv")
    frame["churn"] = frame["churn"].astype(str).str.upper().str.startswith("T")
    inputs = frame.drop(columns=["phonenumber", "churn"])
    return outcomes("bigml_churn", inputs, frame["churn"], frame["phonenumber"])


@cache
def uci_bank() -> Outcomes:
    """41,188 calls in the order of time; ``duration`` is a leak. 999 days since contact: never."""
    frame = pd.read_csv(FOLDER / "uci_bank" / "bank-additional-full.csv", sep=";")
    frame["pdays"] = frame["pdays"].replace(999, np.nan)
    customers = pd.Series(np.arange(len(frame)).astype(str))
    return outcomes("uci_bank", frame.drop(columns=["y"]), frame["y"] == "yes", customers)


@cache
def hillstrom() -> pd.DataFrame:
    """A random half of a randomised campaign: two treatments and a control (``segment``)."""
    return pd.read_csv(FOLDER / "hillstrom" / "hillstrom.csv")


@cache
def groceries() -> list[tuple[str, ...]]:
    """9,835 baskets of 169 items."""
    lines = (FOLDER / "groceries" / "groceries_baskets.csv").read_text().splitlines()
    return [tuple(line.split(",")) for line in lines if line]


@cache
def cdnow() -> pd.DataFrame:
    """2,357 customers' purchases: customer, day, cds, yuan (dollars, in truth)."""
    rows = (FOLDER / "cdnow" / "CDNOW_sample.txt").read_text().split("\n")
    split = [row.split() for row in rows if row.strip()]
    return pd.DataFrame(
        {
            "customer": [row[1] for row in split],
            "day": pd.to_datetime([row[2] for row in split], format="%Y%m%d"),
            "items": [int(row[3]) for row in split],
            "spent": [float(row[4]) for row in split],
        }
    )
