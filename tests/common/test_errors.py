"""An error says where the fault is, seen from wherever it is caught."""

import pytest

from common.definitions import refuse_twice
from common.errors import DomainError, at


def test_a_place_is_put_before_the_where_of_an_error_raised_inside() -> None:
    with pytest.raises(DomainError) as caught, at("dimensions", 3), at("bands"), at(0, "rule"):
        raise DomainError("odd", "Odd.", where=["left"])
    assert caught.value.extra["where"] == ["dimensions", 3, "bands", 0, "rule", "left"]


def test_an_error_that_says_no_place_gets_that_of_what_was_looked_at() -> None:
    with pytest.raises(DomainError) as caught, at(2):
        raise DomainError("odd", "Odd.")
    assert caught.value.extra["where"] == [2]


def test_other_errors_and_none_pass_unchanged() -> None:
    with pytest.raises(KeyError, match="odd"), at(2):
        raise KeyError("odd")
    with at(2):
        pass


def test_the_second_item_of_a_code_is_refused_in_its_place() -> None:
    refuse_twice(["a", "b"], "code")
    with pytest.raises(DomainError) as caught:
        refuse_twice(["a", "b", "a", "b"], "code")
    error = caught.value
    assert (error.code, error.extra["where"]) == ("repeated_code", [2, "code"])
    with pytest.raises(DomainError) as caught:
        refuse_twice(["a", "a"])
    assert caught.value.extra["where"] == [1]
