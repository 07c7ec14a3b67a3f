"""Why a customer scores as he does: attributes and the range in which his values lie."""

from dataclasses import dataclass

STRONGEST = 3
NONE = -1


@dataclass(frozen=True)
class Reason:
    """One part of a score's explanation: the customer's ``attribute`` lies where this says.

    low, high   a number's range: low <= value < high; infinite: open
    codes       a category's codes, of which his is one; empty: the attribute is a number
    missing     his value is unknown
    raises      True: it moves the score up, False: down

    A model has a catalogue ``reasons_``, a list of these. ``reasons(x)`` gives int16, rows × 3: the
    positions in it of what moves each customer's score away from the average most, strongest first;
    NONE where there are fewer. Words are made from it by scoring.words, in the reader's language.
    """

    attribute: str
    low: float = float("-inf")
    high: float = float("inf")
    codes: tuple[str, ...] = ()
    missing: bool = False
    raises: bool = True
