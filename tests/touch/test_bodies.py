"""What no JSON library makes, but a wire brings: refused, and never an internal error."""

from typing import Any

import pytest
from django.test import Client

from tests.accounts.clients import bearer, make_key
from tests.campaigns import province

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        b'{"customers": ["1"], "\\ud800": 1}',
        b'{"customers": ["1"], "channel": "\\ud800"}',
        b"[" * 100_000,
        b'{"customers": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"customers": ["1"], "limit": NaN}',
        b"\xff\xfe{",
        b"{",
    ],
)
def test_a_body_that_is_not_json_to_the_letter_is_refused(body: bytes) -> None:
    province.define()
    response = Client().post(
        "/api/v1/recommendations:batch",
        data=body,
        content_type="application/json; charset=nonsense",
        headers=bearer(make_key()),
    )
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"]) == (400, "parse_error")
    assert "not JSON in UTF-8" in problem["detail"]


def test_a_number_that_cannot_be_one_is_named_by_its_place() -> None:
    province.define()
    response = Client().post(
        "/api/v1/recommendations:batch",
        data={"customers": ["1", "2\u200b"]},
        content_type="application/json",
        headers=bearer(make_key()),
    )
    assert response.status_code == 400
    assert response.json()["where"] == ["customers", 1]
