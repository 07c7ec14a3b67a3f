"""Lay the four sheets of the IBM telecom sample side by side, as one landing file.

    python examples/ibm_telco/prepare.py SHEETS LANDING DATE

SHEETS is the folder with Telco_customer_churn_{demographics,location,services,status}.xlsx; the
result is LANDING/ibm_telco/DATE/customers.csv. Values are copied as they stand: what they mean is
the mapping's business (definitions/sources.yaml). The data are IBM's fictional sample.
"""

import sys
from datetime import date
from pathlib import Path

import pandas as pd

SHEETS = ("demographics", "location", "services", "status")
KEY = "Customer ID"


def prepare(sheets: Path, landing: Path, business_date: date) -> Path:
    """Join the sheets on the customer's id, each id exactly once in each; return the file."""
    table = read_sheet(sheets, SHEETS[0])
    for name in SHEETS[1:]:
        sheet = read_sheet(sheets, name)
        sheet = sheet[[KEY, *sheet.columns.difference(table.columns, sort=False)]]
        table = table.merge(sheet, on=KEY, how="outer", validate="one_to_one")
    target = landing / "ibm_telco" / business_date.isoformat() / "customers.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(target, index=False)
    return target


def read_sheet(sheets: Path, name: str) -> pd.DataFrame:
    """Read a sheet as text: "None" is an offer here, not a missing value."""
    file = sheets / f"Telco_customer_churn_{name}.xlsx"
    return pd.read_excel(file, dtype=str, keep_default_na=False)


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3])))
