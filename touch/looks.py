"""What was considered, as a page shows it: grouped by the gate that stopped it, nearest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from .answers import Considered
from .gates import Gate
from .names import GATE_MEANINGS, GATE_NAMES

State = Literal["passed", "shut", "not asked"]


@dataclass(frozen=True)
class Mark:
    """One gate of one policy."""

    name: str
    state: State


@dataclass(frozen=True)
class Look:
    """One policy within one campaign, with a mark for every gate."""

    considered: Considered
    marks: list[Mark]


@dataclass(frozen=True)
class Group:
    """What came equally far.

    code    of the gate; "offered" and "fits" where all are open
    text    why, where it is the same for all of several; else each look says so
    """

    code: str
    name: str
    meaning: str
    text: str
    looks: list[Look]


def groups_of(considered: Sequence[Considered]) -> list[Group]:
    """What is offered, what fits and is not, then gate by gate from the last to the first.

    So what nearly came through stands above what never came near.
    """
    found = [
        _group(
            "offered",
            _("Offered"),
            _("All gates are open, and it stands in the list"),
            [one for one in considered if one.rank is not None],
        ),
        _group(
            "fits",
            _("Fits, not offered"),
            _("All gates are open; others stand before it"),
            [one for one in considered if one.rank is None and one.gate is None],
        ),
    ]
    for gate in reversed(Gate):
        stopped = [one for one in considered if one.gate == gate]
        found.append(_group(gate.value, str(GATE_NAMES[gate]), str(GATE_MEANINGS[gate]), stopped))
    return [group for group in found if group.looks]


def _group(code: str, name: str, meaning: str, ones: Sequence[Considered]) -> Group:
    texts = {one.text for one in ones}
    text = texts.pop() if len(texts) == 1 < len(ones) else ""
    return Group(code, name, meaning, text, [Look(one, _marks(one)) for one in ones])


def _marks(one: Considered) -> list[Mark]:
    return [Mark(str(GATE_NAMES[gate]), _state(gate, one)) for gate in Gate]


def _state(gate: Gate, one: Considered) -> State:
    if gate.value in one.passed:
        return "passed"
    return "shut" if gate.value == one.gate else "not asked"
