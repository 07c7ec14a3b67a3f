"""The sample province with its planted truth, as frames in the catalogue's own words."""

import os
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import pandas as pd
import yaml

from sample.days import Province
from sample.make import make

DEFINITIONS = Path(__file__).resolve().parents[1] / "definitions" / "sample_province"
CUSTOMERS = 200_000
SEED = 7


@dataclass(frozen=True)
class Planted:
    """The province's files: ``table(day, name)`` in attributes' names, ``truth(day, name)`` as is.

    ``training_day`` is labelled (left_within_30d); ``first_day`` has the pilots.
    """

    folder: Path
    training_day: date
    first_day: date

    def table(self, day: date, name: str = "customers") -> pd.DataFrame:
        frame = pd.read_parquet(self.folder / day.isoformat() / f"{name}.parquet")
        source = next(s for s in _sources() if s["table"] == name)
        columns = {"city": source["city"]} if "city" in source else {}
        columns |= source["columns"]
        key = {
            "customers": "customer_no",
            "orders": "order_no",
            "contacts": "contact_no",
            "trials": "trial_no",
        }[name]
        read = {key: frame[source["key"]]}
        for attribute, mapping in columns.items():
            if isinstance(mapping, str):
                read[attribute] = frame[mapping]
            else:
                read[attribute] = frame[mapping["column"]].map(mapping["values"])
        return pd.DataFrame(read)

    def truth(self, day: date, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / day.isoformat() / f"{name}.parquet")


@cache
def planted(customers: int = CUSTOMERS) -> Planted:
    """Return the province, made once per machine: the same seed writes the same bytes."""
    folder = Path(os.environ.get("PLANTED_DIR", Path(gettempdir()) / "juzhen-planted"))
    folder = folder / str(customers)
    province = Province(customers=customers, seed=SEED, first_day=date(2026, 7, 1), days=1)
    make(province, folder, workers=1, report=lambda done: None)
    return Planted(folder, province.training_day, province.first_day)


@cache
def _sources() -> list[dict]:
    return yaml.safe_load((DEFINITIONS / "sources.yaml").read_text())["sources"]
