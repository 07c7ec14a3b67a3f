"""Numbers are shown with their middle hidden, wherever they stand."""

import pytest

from common.masking import mask_number, mask_numbers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+86*******1234"),
        ("打13812341234找我", "打138****1234找我"),
        ("call 138 1234 1234 or 138-1234-1234.", "call 138******1234 or 138******1234."),
        ("0571-88881234", "0571-88***234"),
        ("from 2026-07-01 to 2026-12-31", "from 2026-07-01 to 2026-12-31"),
        ("199 yuan, 100000 points", "199 yuan, 100000 points"),
        ("330102199001011234", "330102199001011234"),
        ("too dear", "too dear"),
        ("", ""),
    ],
)
def test_what_looks_like_a_telephone_number_is_masked(text: str, shown: str) -> None:
    assert mask_numbers(text) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("", ""), ("123", "***"), ("1234", "1**4"), ("13812341234", "138****1234")],
)
def test_a_number(number: str, shown: str) -> None:
    assert mask_number(number) == shown
