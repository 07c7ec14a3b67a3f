"""Reasons as conditions of the rule language: the same text a person reads and a rule could be.

A customer's reasons are one text, ``"+complaints_90d >= 2; -tenure_months >= 60"``: each part one
condition that holds of him, behind the sign of what it does to the score. It is kept with the
scores, so it can be read in either language on any later day, without the model that gave it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from customers.models import Type

from .learning.reasons import Reason

BETWEEN = "; "
UP, DOWN = "+", "-"


def texts_of(reasons: Sequence[Reason], types: Mapping[str, str]) -> list[str]:
    """Each reason of a catalogue as sign and condition. ``types``: attribute → Type."""
    return [
        (UP if reason.raises else DOWN) + _condition(reason, types[reason.attribute])
        for reason in reasons
    ]


def column(positions: NDArray[np.int16], texts: Sequence[str]) -> pa.Array:
    """Rows × 3 positions in ``texts`` (-1: none) as one text per row; null where there is none.

    Few of the possible combinations occur, so each text is made once and then pointed at.
    """
    base = len(texts) + 1
    code = np.zeros(len(positions), dtype=np.int64)
    for place in range(positions.shape[1]):
        code *= base
        code += positions[:, place] + 1
    combinations = pa.array(code).dictionary_encode()
    said = [
        _joined(c, base, texts, positions.shape[1]) for c in combinations.dictionary.to_pylist()
    ]
    return pa.array(said, pa.string()).take(combinations.indices)


def parts_of(text: str) -> list[tuple[str, str]]:
    """The text of ``column`` again as pairs of sign and condition."""
    return [(part[0], part[1:]) for part in text.split(BETWEEN) if part]


def _joined(code: int, base: int, texts: Sequence[str], places: int) -> str | None:
    chosen = []
    for _ in range(places):
        code, position = divmod(code, base)
        if position:
            chosen.append(texts[position - 1])
    return BETWEEN.join(reversed(chosen)) or None


def _condition(reason: Reason, kind: str) -> str:
    name = reason.attribute
    if reason.missing:
        return f"{name} is null"
    if reason.codes:
        listed = ", ".join("'" + code.replace("'", "''") + "'" for code in reason.codes)
        return f"{name} = {listed}" if len(reason.codes) == 1 else f"{name} in ({listed})"
    if kind == Type.BOOLEAN:
        # Between false (0) and true (1) lies the cut.
        return name if reason.low > 0 else f"not {name}"
    low, high = reason.low, reason.high
    if kind == Type.INTEGER:
        low, high = np.ceil(low), np.ceil(high)
    ends = []
    if np.isfinite(low):
        ends.append(f"{name} >= {_value(low, kind)}")
    if np.isfinite(high):
        ends.append(f"{name} < {_value(high, kind)}")
    return " and ".join(ends) or f"{name} is not null"


def _value(value: float, kind: str) -> str:
    if kind == Type.DATE:
        return f"date '{np.datetime64(int(value), 'D')}'"
    return f"{value:.6g}" if kind != Type.INTEGER else f"{int(value)}"
