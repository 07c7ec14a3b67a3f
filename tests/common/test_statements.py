"""Prepared statements are counted and timed like any other."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.statements import run


@pytest.mark.django_db
def test_a_statement_is_logged_with_the_time_it_took() -> None:
    with CaptureQueriesContext(connection) as queries:
        run("SELECT pg_sleep(%s::float)", [0.02])
    [query] = queries
    assert query["sql"].startswith("SELECT pg_sleep")
    assert 0.02 <= float(query["time"]) < 10
