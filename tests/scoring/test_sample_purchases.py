"""The sample's models over purchases learn from its past what was planted, and score each day."""

from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from customers.ingest import ingest
from customers.purchases import orders_of
from customers.sources import resolve
from lake.models import Partition
from sample.purchases import REPEATS
from scoring.bought import earlier_orders, purchases_read
from scoring.health import record_days
from scoring.models import ModelVersion
from scoring.score import score
from scoring.selectors import current_versions

from .kind_models import read

DAY, TRAINING_DAY = date(2026, 7, 1), date(2026, 6, 1)
DEFINITIONS = Path(__file__).resolve().parents[2] / "definitions" / "sample_province"
CODES = ["purchase_rfm", "purchase_life_cycle", "purchase_value"]
OUTPUTS = [
    "rfm_cell", "rfm_recency", "rfm_frequency", "rfm_monetary", "life_cycle", "purchase_value",
]  # fmt: skip
CUSTOMERS = 20_000


def _brought_in(day: date) -> dict[str, Partition]:
    """The day's customers and orders, as the day's run brings them in."""
    return {
        pinned["table"]: ingest(day, pinned, progress=lambda done, total: None)
        for pinned in resolve(day)
        if pinned["table"] in ("customers", "orders")
    }


def _values_the_past_right(version: ModelVersion) -> None:
    found = zip(version.report["buying"], version.report["buying_errors"], strict=True)
    for (name, planted), (value, error) in zip(REPEATS.items(), found, strict=True):
        assert abs(value - planted) < 4 * error, name
    check = version.report["check"]
    assert check["came"] > 1_000
    assert check["foretold"] == pytest.approx(check["came"], rel=0.1)


@pytest.mark.django_db
def test_purchases_are_learnt_from_the_year_before_and_the_first_day_is_scored(
    settings, tmp_path: Path
) -> None:
    settings.LANDING_DIR, settings.MODELS_DIR = tmp_path / "landing", tmp_path / "models"
    call_command(
        "make_sample", customers=CUSTOMERS, days=1, first_day=DAY, workers=1, stdout=StringIO()
    )
    call_command("load_definitions", DEFINITIONS, stdout=StringIO())
    call_command("train_models", date=TRAINING_DAY, model=CODES, publish=True, stdout=StringIO())
    versions = {version.model.code: version for version in current_versions()}
    assert set(versions) == set(CODES)
    for version in versions.values():
        assert version.report["history"] == 365
        assert 0.35 < version.report["bought"]["value"] < 0.5
    _values_the_past_right(versions["purchase_value"])
    found = versions["purchase_life_cycle"].report["indicators"]
    assert [name for name, told in found.items() if told["not_estimable"]] == []
    assert versions["purchase_life_cycle"].report["target"]["a_quarter"] > 0
    assert all(m["scores"] for m in versions["purchase_rfm"].report["measures"])

    came, used = _brought_in(DAY), list(versions.values())
    bought = purchases_read(
        used,
        [*earlier_orders(used, DAY), *orders_of(DAY, DAY)],
        came["customers"],
        progress=lambda done, total: None,
    )
    made = score(came["customers"], used, purchases=bought, progress=lambda done, total: None)
    scores = read(made).to_pydict()
    for output in OUTPUTS:
        assert 0.35 < np.mean([value is not None for value in scores[output]]) < 0.5, output
    assert set(scores["life_cycle"]) == {"new", "active_returning", "pre_churn", "lost", None}
    assert record_days(made, used) == 0, "a month later they buy as they did"
