"""A tree that would mean nothing cannot be built, and one meaning has one tree."""

import pytest

from rules import RuleError
from rules.nodes import Among, And, Arithmetic, Compare, Negate, Not, Number, Or, Read, Text, Truth
from tests.rules.catalogue import CATALOGUE

ARPU = Read(CATALOGUE["arpu"])
BRAND = Read(CATALOGUE["brand"])
CAMPUS = Read(CATALOGUE["is_campus"])


@pytest.mark.parametrize(
    "build",
    [
        lambda: Compare("=", ARPU, Text("x")),
        lambda: Compare(">", BRAND, Text("gotone")),
        lambda: Compare("=", BRAND, Text("gotne")),
        lambda: Among(ARPU, ()),
        lambda: Among(ARPU, (Number(1.0), Text("1"))),
        lambda: Arithmetic("+", ARPU, CAMPUS),
        lambda: Not(ARPU),
        lambda: And((CAMPUS, ARPU)),
        lambda: Number(float("nan")),
        lambda: Number(float("inf")),
        lambda: Text("a\x00"),
    ],
)
def test_a_wrong_node_cannot_be_built(build) -> None:
    with pytest.raises(RuleError):
        build()


def test_one_meaning_has_one_tree() -> None:
    assert str(Number(-0.0).value) == "0.0"
    with pytest.raises(TypeError):
        Negate(Number(5.0))
    with pytest.raises(TypeError):
        And((And((CAMPUS, CAMPUS)), CAMPUS))
    with pytest.raises(TypeError):
        Or((CAMPUS,))
    with pytest.raises(ValueError, match="~"):
        Compare("~", ARPU, ARPU)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="%"):
        Arithmetic("%", ARPU, ARPU)  # type: ignore[arg-type]
    assert And((CAMPUS, Truth(True))) != Or((CAMPUS, Truth(True)))
