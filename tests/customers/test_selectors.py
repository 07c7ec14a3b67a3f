"""Who sees what of a customer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.roles import ROLES
from common.masking import mask_addresses, mask_number
from common.permissions import Permission
from customers.models import Attribute
from customers.selectors import attributes_for
from tests.accounts.people import make_province, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def _catalogue() -> None:
    make_province()
    for code, sensitivity, origin in (
        ("brand", "public", "source"),
        ("arpu", "internal", "source"),
        ("id_number", "sensitive", "source"),
        ("value_index", "internal", "score"),
        ("left", "public", "label"),
    ):
        Attribute.objects.create(
            code=code,
            name_zh=code,
            name_en=code,
            category="basic",
            type="text",
            sensitivity=sensitivity,
            origin=origin,
        )


@pytest.mark.usefixtures("_catalogue")
@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_sees_what_its_permissions_say(role: str) -> None:
    permissions = ROLES[role].permissions
    expected = set()
    if permissions & {Permission.VIEW_CUSTOMERS, Permission.RECOMMEND}:
        expected = {"brand", "arpu", "value_index"}
        if Permission.VIEW_SENSITIVE in permissions:
            expected.add("id_number")
    assert {a.code for a in attributes_for(make_user(role))} == expected


@pytest.mark.usefixtures("_catalogue")
def test_a_label_is_seen_by_nobody() -> None:
    assert all(
        not attributes_for(make_user(role)).filter(code="left").exists() for role in sorted(ROLES)
    )


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+86*******1234"),
        ("0002-ORFBO", "00*****FBO"),
        ("12345", "1**45"),
        ("1234", "1**4"),
        ("123", "***"),
        ("", ""),
        ("客户一二三四五六", "客户***四五六"),
    ],
)
def test_a_number_is_shown_without_its_middle(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@given(st.text(max_size=60))
def test_a_masked_number_keeps_its_length_and_never_shows_more_than_seven(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    shown = len(masked) - masked.count("*") + number.count("*")
    assert shown <= 7 + number.count("*")
    assert len(number) < 2 or masked.count("*") >= 2


def test_no_address_in_a_log_tells_a_whole_number() -> None:
    text = "Not Found: /api/v1/customers/13812341234/opt-outs and /customers/?q=13812341234"
    assert mask_addresses(text) == (
        "Not Found: /api/v1/customers/138****1234/opt-outs and /customers/?q=138****1234"
    )
