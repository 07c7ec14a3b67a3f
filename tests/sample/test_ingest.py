"""The files are read with the sample's own definitions: every row is loaded, none is rejected."""

from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

import accounts.definitions
import customers.definitions
from customers.ingest import ingest
from customers.sources import resolve
from sample.days import Province
from sample.make import make
from tests.sample.landing import DAYS, TRAINING, document

pytestmark = pytest.mark.django_db


@pytest.fixture
def landed() -> Province:
    province = Province(customers=3_000, first_day=date.fromisoformat(DAYS[0]), days=1, seed=7)
    folder = Path(settings.LANDING_DIR) / "sample"
    make(province, folder, workers=1, report=lambda done: None)
    for definition in (*accounts.definitions.DOCUMENTS, *customers.definitions.DOCUMENTS):
        content = document(definition.name, dates_as_text=True)
        definition.load(content, "test")
        assert not definition.load(content, "test").any, "loading twice changes nothing"
    return province


@pytest.mark.parametrize("day", [TRAINING, DAYS[0]])
def test_every_row_of_every_table_is_loaded(landed: Province, day: str) -> None:
    pinned = {source["table"]: source for source in resolve(date.fromisoformat(day))}
    assert set(pinned) == {"customers", "orders", "contacts", "trials"}
    for table, source in pinned.items():
        facts = ingest(date.fromisoformat(day), source, progress=lambda done, total: None).facts
        assert facts["rejected"] == 0, (table, facts["reasons"])
        assert facts["loaded"] == facts["rows_in"], table
        assert facts["loaded"] > 0 or (table == "trials" and day == TRAINING)
        if table == "customers":
            assert facts["loaded"] == landed.customers
            assert len(facts["by_city"]) == 11
