"""The whole day on the IBM telecom sample; every count held against pandas on the raw sheets.

Nothing of the product computes the expected side: sheets, mapping, index, tree, bands, offers and
ranks are worked out here again, the slow way.
"""

import os
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from campaigns.models import Answer, CurrentPublication, Offer
from config import definitions
from examples.ibm_telco.prepare import SHEETS, prepare
from lake.models import Partition
from scoring.learning.features import Feature
from scoring.learning.index_tree import IndexTree
from scoring.models import ModelVersion
from segmentation.models import Cell

DAY = date(2026, 7, 1)
RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "ibm_telco_v11"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ibm_telco" / "definitions"
TEN = (
    "Los Angeles", "San Diego", "San Jose", "Sacramento", "San Francisco",
    "Fresno", "Long Beach", "Oakland", "Escondido", "Stockton",
)  # fmt: skip

if not RAW.is_dir():
    if os.environ.get("CI"):
        raise FileNotFoundError(f"{RAW} must hold the IBM telecom sheets: CI runs against them")
    pytest.skip(f"no {RAW}: the real-input test needs its data", allow_module_level=True)


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The four sheets side by side, read as they stand."""
    table = None
    for name in SHEETS:
        file = RAW / f"Telco_customer_churn_{name}.xlsx"
        sheet = pd.read_excel(file, keep_default_na=False).set_index("Customer ID")
        table = (
            sheet if table is None else table.join(sheet[sheet.columns.difference(table.columns)])
        )
    assert table is not None
    return table.sort_index()


@pytest.fixture(scope="module")
def day(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Prepare, load, train, run: committed for the whole module, as an operator would."""
    from django.test.utils import override_settings

    root = tmp_path_factory.mktemp("ibm")
    folders = {f"{name}_DIR": root / name.lower() for name in ("LAKE", "LANDING", "MODELS")}
    with django_db_blocker.unblock(), override_settings(**folders, LAKE_PARTS=3):
        prepare(RAW, django_settings.LANDING_DIR, DAY)
        call_command("load_definitions", str(EXAMPLE))
        call_command("train_models", "--date", DAY.isoformat(), "--publish")
        call_command("run_day", "--date", DAY.isoformat())
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def answers(day: None) -> dict[str, Answer]:
    current = CurrentPublication.objects.get().publication_id
    return {a.customer_no: a for a in Answer.objects.filter(publication_id=current)}


@pytest.fixture(scope="module")
def expected(raw: pd.DataFrame) -> pd.DataFrame:
    """What the definitions say of each customer, in pandas."""
    out = pd.DataFrame(index=raw.index)
    known = raw["City"].isin(TEN)
    out["city"] = raw["City"].str.lower().str.replace(" ", "-").where(known, "other")
    out["value_index"] = 100 * (
        0.5 * ((raw["Monthly Charge"] - 18) / 100).clip(0, 1)
        + 0.3 * (raw["Total Revenue"] / 9000).clip(0, 1)
        + 0.2 * (raw["Tenure in Months"] / 72).clip(0, 1)
    )
    out["value"] = value_bands(out["value_index"])
    out["movement_index"] = movement(raw)
    out["movement"] = np.where(out["movement_index"] >= 32, "moving", "other")
    out["contract"] = np.where(raw["Contract"] == "Month-to-Month", "monthly", "bound")
    dear = out["city"].isin(["los-angeles", "san-francisco"])
    low, high = np.where(dear, 40, 35), np.where(dear, 90, 80)
    charge = raw["Monthly Charge"]
    out["spend"] = np.select([charge < low, charge < high], ["low", "middle"], "high")
    out["unlimited"] = np.where(raw["Unlimited Data"] == "Yes", "has", "has_not")
    streams = (raw[["Streaming TV", "Streaming Movies", "Streaming Music"]] == "Yes").any(axis=1)
    guarded = (raw[["Online Security", "Device Protection Plan"]] == "Yes").any(axis=1)
    out["demand"] = np.select([streams, guarded], ["streaming", "protection"], "rest")
    return out


def value_bands(index: pd.Series) -> np.ndarray:
    """Top 10 %, next 20 %, next 60 %, last 10 %; equal values stay together, upward."""
    ranked = np.sort(index.to_numpy())[::-1]
    cuts = [ranked[int(np.ceil(len(ranked) * share)) - 1] for share in (0.1, 0.3, 0.9)]
    return np.select([index >= cut for cut in cuts], ["high", "mid_high", "middle"], "low")


def movement(raw: pd.DataFrame) -> np.ndarray:
    """The tree of the definition, fitted here on columns that pandas encoded."""
    codes = {
        "Contract": ("Month-to-Month", "One Year", "Two Year"),
        "Payment Method": ("Bank Withdrawal", "Credit Card", "Mailed Check"),
        "Internet Type": ("None", "DSL", "Fiber Optic", "Cable"),
    }
    names = {
        "Age": "age", "Married": "is_married", "Number of Dependents": "dependents",
        "Number of Referrals": "referrals", "Tenure in Months": "tenure", "Contract": "contract",
        "Payment Method": "payment", "Paperless Billing": "is_paperless",
        "Internet Type": "internet_type", "Avg Monthly GB Download": "monthly_gb",
        "Online Security": "has_online_security", "Premium Tech Support": "has_tech_support",
        "Unlimited Data": "has_unlimited_data", "Monthly Charge": "monthly_charge",
        "Avg Monthly Long Distance Charges": "long_distance",
    }  # fmt: skip
    columns = [
        raw[name].map({code: float(i) for i, code in enumerate(codes[name])})
        if name in codes
        else (raw[name] == "Yes").astype(float)
        if set(raw[name]) <= {"Yes", "No"}
        else raw[name]
        for name in names
    ]
    x = np.column_stack(columns).astype(np.float64)
    left = (raw["Churn Label"] == "Yes").to_numpy()
    learn = np.array([zlib.crc32(n.encode()) % 4 != 0 for n in raw.index])
    features = tuple(Feature(to, codes.get(name)) for name, to in names.items())
    return IndexTree(features).fit(x[learn], left[learn]).predict(x)


def test_every_row_is_loaded_under_its_city(day, raw: pd.DataFrame, expected: pd.DataFrame) -> None:
    facts = Partition.objects.get(dataset="customers").facts
    assert (facts["rows_in"], facts["loaded"], facts["rejected"]) == (7043, 7043, 0)
    assert facts["by_city"] == expected["city"].value_counts().to_dict()


def test_every_answer_belongs_to_a_customer_of_the_sheets(answers, raw: pd.DataFrame) -> None:
    assert set(answers) == set(raw.index)


def test_scores_are_what_the_sheets_give(answers, expected: pd.DataFrame) -> None:
    rows = {n: a.profile for n, a in answers.items()}
    profile = pd.DataFrame.from_dict(rows, orient="index").loc[expected.index]
    np.testing.assert_allclose(profile["value_index"], expected["value_index"], atol=1e-6)
    np.testing.assert_allclose(profile["movement_index"], expected["movement_index"], atol=1e-6)
    grade = np.where(expected["movement_index"] >= 32, "moving", "still")
    assert (profile["movement_grade"] == grade).all()


def test_the_movement_tree_separates_customers_it_has_not_seen(day) -> None:
    metrics = ModelVersion.objects.get(model="movement_index").metrics
    assert metrics["auc"] > 0.84
    assert metrics["top_decile_lift"] > 2.8


@pytest.mark.parametrize(
    ("place", "matrix", "dimensions"),
    [
        (0, "retention", ["value", "movement", "contract"]),
        (1, "uplift", ["spend", "unlimited", "demand"]),
    ],
)
def test_each_cell_holds_the_customers_that_pandas_puts_there(
    answers, expected: pd.DataFrame, place: int, matrix: str, dimensions: list[str]
) -> None:
    bands = {c.number: c.bands for c in Cell.objects.filter(matrix=matrix)}
    for number, row in expected[dimensions].iterrows():
        assert bands[answers[str(number)].cells[place]] == row.to_dict(), number
    sizes = Counter(a.cells[place] for a in answers.values())
    assert sum(sizes.values()) == 7043


def test_the_proof_counts_none_unassigned_and_none_twice(day) -> None:
    for proof in Partition.objects.get(dataset="cells").facts["matrices"]:
        assert (proof["customers"], proof["unassigned"], proof["doubly_assigned"]) == (7043, 0, 0)


OFFERS = {  # policy: least tenure, first tenure too long, take-up, margin
    "A": (66, 999, 0.16, 40),
    "B": (40, 66, 0.24, 36),
    "C": (24, 40, 0.26, 32),
    "D": (10, 24, 0.30, 28),
    "E": (0, 11, 0.55, 24),
}


def reached(row: pd.Series) -> dict[str, list[str]]:
    """The marketing matrix by hand: letter → campaigns that bring it to this customer's cells."""
    ways: dict[str, list[str]] = {letter: [] for letter in OFFERS}
    if row["movement"] == "moving":
        for letter in "ABCDE":
            ways[letter].append("IBM-KEEP")
    if row["value"] in ("high", "mid_high"):
        ways["A"].append("IBM-LIFE")
        ways["B"].append("IBM-LIFE")
    if row["demand"] == "streaming":
        ways["C"].append("IBM-LIFE")
        ways["D"].append("IBM-LIFE")
    ways["E"].append("IBM-LIFE")
    if row["spend"] == "high" and row["city"] == "los-angeles":
        ways["A"].append("IBM-LA")
        ways["B"].append("IBM-LA")
    return ways


def ranked(row: pd.Series, source: pd.Series) -> list[tuple[str, str]]:
    """(policy, campaign) in the order of the priority matrix, expected value, policy number."""
    levers = {"IBM-KEEP": 1.5, "IBM-LIFE": 1.0, "IBM-LA": 1.2}
    best: dict[str, tuple[int, float, str, str]] = {}
    for letter, campaigns in reached(row).items():
        least, too_long, take_up, margin = OFFERS[letter]
        tenure = source["Tenure in Months"]
        if not (least <= tenure < too_long) or source["Offer"] == f"Offer {letter}":
            continue
        for campaign in campaigns:
            tier = 2
            if row["contract"] == "monthly" and tenure < 24 and letter in "DE":
                tier = 1
            if row["movement"] == "moving" and campaign == "IBM-KEEP":
                tier = 0
            way = (tier, -take_up * margin * levers[campaign], f"IBM-{letter}", campaign)
            best[letter] = min(best.get(letter, way), way)
    return [(policy, campaign) for _, _, policy, campaign in sorted(best.values())]


def test_each_customer_is_offered_what_the_rules_say_in_their_order(
    answers, raw: pd.DataFrame, expected: pd.DataFrame
) -> None:
    offers = {
        o.pk: (o.policy_version.policy_id, o.campaign_id)
        for o in Offer.objects.select_related("policy_version")
    }
    seen: Counter[tuple[str, str]] = Counter()
    for number, row in expected.iterrows():
        got = [offers[pk] for pk in answers[str(number)].offers]
        assert got == ranked(row, raw.loc[number]), number
        seen.update(got)
    assert len(seen) > 8


def test_exporting_and_loading_changes_nothing(day, tmp_path: Path) -> None:
    definitions.export(tmp_path)
    assert not any(c.any for c in definitions.load(tmp_path, by="test").values())
