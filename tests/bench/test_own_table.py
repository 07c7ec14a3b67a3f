"""A table of one's own in `make bench-models`: what is read, and what is refused in words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.figures.table import candidates, happened, read
from deploy.places import CHECKOUT

ROWS = 1_500


def made() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    calls, late = rng.poisson(2, ROWS), rng.random(ROWS) < 0.3
    chance = 1 / (1 + np.exp(2.5 - 0.8 * calls - 0.9 * late))
    left = rng.random(ROWS) < chance
    return pd.DataFrame(
        {
            "number": [f"C{place:05d}" for place in range(ROWS)],
            "calls": calls,
            "charges": [f"{value:.2f}" if value > 2 else " " for value in rng.gamma(4, 5, ROWS)],
            "late": np.where(late, "often", "seldom"),
            "reason": np.where(left, "moved", None),
            "left": np.where(left, "Yes", "No"),
        }
    )


def test_numbers_in_texts_are_numbers_and_names_of_customers_are_no_candidates() -> None:
    frame = candidates(made(), {"left"})
    assert list(frame) == ["calls", "charges", "late", "reason"]
    assert frame["charges"].dtype == np.float64
    assert frame["charges"].isna().sum() == (made()["charges"] == " ").sum() > 0


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_any_delimiter_and_format_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    made().to_parquet(path) if name.endswith("parquet") else made().to_csv(path, sep=";")
    assert (happened(read(path), "left=Yes") == (made()["left"] == "Yes")).all()


@pytest.mark.parametrize("value", [True, 1, "yes", "T"])
def test_an_outcome_without_a_value_happened_where_it_is_true(value: object) -> None:
    assert list(happened(pd.DataFrame({"y": [value, 0]}), "y")) == [True, False]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("gone", r"'gone' must be a column of the table; it has \['number'"),
        ("left=yes", "must hold of some rows and not of others; it holds of 0 of 1500"),
        ("left=yes", "as in left=No"),
    ],
)
def test_an_outcome_that_is_not_there_is_refused_with_what_is(written: str, told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        happened(made(), written)


def test_every_figure_is_told_without_what_knows_the_outcome(tmp_path: Path) -> None:
    made().to_csv(tmp_path / "table.csv", index=False)
    asked = {"TABLE": str(tmp_path / "table.csv"), "OUTCOME": "left=Yes", "ONLY": "table."}
    done = subprocess.run(
        [sys.executable, "-m", "bench.figures"],
        cwd=CHECKOUT, env=os.environ | asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told = {line["name"]: line for line in lines}
    assert told["table.leaks"]["named"] == ["reason"]
    assert told["table.propensity.drivers"]["named"] == ["calls", "late"]
    auc = told["table.propensity.auc"]
    assert auc["figure"] == pytest.approx(auc["baseline"], abs=0.03)
    assert told["table.tree.auc"]["figure"] > 0.6
