"""The sample's propensities find what was planted: who orders for data use or for youth."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from scoring.models import ModelVersion

DAY = date(2026, 7, 1)
DEFINITIONS = Path(__file__).resolve().parents[2] / "definitions" / "sample_province"
CODES = ["data_pack_propensity", "ringback_propensity"]


@pytest.mark.django_db
def test_data_packs_and_ring_back_tones_are_learnt_from_the_first_day_s_orders(
    settings, tmp_path: Path
) -> None:
    settings.LANDING_DIR, settings.MODELS_DIR = tmp_path / "landing", tmp_path / "models"
    call_command(
        "make_sample", customers=30_000, days=1, first_day=DAY, workers=1, stdout=StringIO()
    )
    call_command("load_definitions", DEFINITIONS, stdout=StringIO())
    call_command("train_models", date=DAY, model=CODES, publish=True, stdout=(told := StringIO()))
    assert ModelVersion.objects.count() == 2, told.getvalue()
    drivers = {
        version.model.code: {d["attribute"] for d in version.report["drivers"]}
        for version in ModelVersion.objects.all()
    }
    assert drivers["data_pack_propensity"] & {"data_mb", "data_change"}
    assert "age" in drivers["ringback_propensity"]
    for version in ModelVersion.objects.all():
        assert version.metrics["auc_low"] > 0.5
        bands = {b["code"] for b in version.definition["grades"]["bands"]}
        assert bands == {"low", "medium", "high"}
