"""Groups over time: a re-fit keeps the codes of groups that are still there; who moved where.

Two fits of the same method number their groups each in its own way. Both put the same customers
into groups, so a new group is the old one with whom it shares most: the assignment that maximises
the sum of Jaccard's indices, |both| / |either| (Kuhn 1955, the Hungarian method). A pair below
DISSOLVED is no match (Hennig 2007: such a cluster has dissolved): the old code rests for ever, the
new group gets a number that was never given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from common.rates import wilson

from .refusal import NotEstimable

DISSOLVED = 0.5
MOST_TOLD = 3
# A customer without a group: not a customer of the brand on that day.
NOBODY = -1

Positions = NDArray[np.int16]


@dataclass(frozen=True)
class Matched:
    """A new group's ``code``; ``overlap``: Jaccard's index with the old group of that code.

    None: no old group is the same, the code is new.
    """

    code: str
    overlap: float | None


@dataclass(frozen=True)
class Matching:
    """``groups``: of the new fit, by its positions; ``gone``: old codes that rest from now on.

    For ``BehaviourGroups.renamed(matching.codes, matching.last_number)``.
    """

    groups: list[Matched]
    gone: list[str]
    last_number: int

    @property
    def codes(self) -> list[str]:
        return [group.code for group in self.groups]


def match(
    old: Positions, new: Positions, old_codes: Sequence[str], new_groups: int, last_number: int
) -> Matching:
    """Return codes for the new fit's groups.

    ``old`` and ``new``: the same rows' positions in either fit, which both predict for one day.
    ``last_number``: the highest number ever given (``BehaviourGroups.last_number_`` of the old
    fit). NotEstimable: no_rows.
    """
    if not len(old):
        raise NotEstimable("no_rows")
    both = crossed(old, new, len(old_codes), new_groups)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    overlap = both / np.maximum(either, 1)
    pairs = zip(*linear_sum_assignment(overlap, maximize=True), strict=True)
    kept = {int(n): int(o) for o, n in pairs if overlap[o, n] >= DISSOLVED}
    groups = []
    for position in range(new_groups):
        if position in kept:
            row = kept[position]
            groups.append(Matched(old_codes[row], float(overlap[row, position])))
            continue
        last_number += 1
        groups.append(Matched(f"g{last_number}", None))
    gone = [code for row, code in enumerate(old_codes) if row not in kept.values()]
    return Matching(groups, gone, last_number)


@dataclass(frozen=True)
class Continued:
    """A code in two fits of the same customers: of ``before``, ``stayed`` are ``after`` in it too.

    before, after  customers who have the code; None: the old fit, or the new one, lacks it
    share          of those before who stayed, with its 95 % interval; None where nobody was before
    overlap        Jaccard's index; None unless both fits have the code
    others         the groups that the rest went to (of a new code: came from), the most first
    """

    code: str
    before: int | None
    after: int | None
    stayed: int
    share: float | None
    low: float | None
    high: float | None
    overlap: float | None
    others: list[tuple[str, int]]


def continuity(
    old: Positions, new: Positions, old_codes: Sequence[str], new_codes: Sequence[str]
) -> list[Continued]:
    """What became of each group: those of the new fit in their order, then those that ended.

    ``old``, ``new``: the same rows' positions in either fit.
    """
    both = crossed(old, new, len(old_codes), len(new_codes))
    told = []
    for code in [*new_codes, *(c for c in old_codes if c not in new_codes)]:
        row = both[list(old_codes).index(code)] if code in old_codes else None
        column = both[:, list(new_codes).index(code)] if code in new_codes else None
        told.append(_continued(code, row, column, old_codes, new_codes))
    return told


def _continued(
    code: str,
    row: NDArray[np.int64] | None,
    column: NDArray[np.int64] | None,
    old_codes: Sequence[str],
    new_codes: Sequence[str],
) -> Continued:
    before = None if row is None else int(row.sum())
    after = None if column is None else int(column.sum())
    stayed = 0 if row is None or column is None else int(row[list(new_codes).index(code)])
    low, high = wilson(stayed, before or 0)
    either = (before or 0) + (after or 0) - stayed
    rest = zip(old_codes, column, strict=True) if row is None and column is not None else ()
    if row is not None:
        rest = zip(new_codes, row, strict=True)
    others = sorted(((c, int(n)) for c, n in rest if n and c != code), key=lambda o: (-o[1], o[0]))
    return Continued(
        code,
        before,
        after,
        stayed,
        share=stayed / before if before else None,
        low=float(low) if before else None,
        high=float(high) if before else None,
        overlap=None if None in (before, after) else stayed / max(either, 1),
        others=others[:MOST_TOLD],
    )


@dataclass(frozen=True)
class GroupMovement:
    """One group: before + came + joined - went - lost = after.

    came, went    from and to other groups
    joined, lost  from and to nowhere: no customer of the brand on the other day
    """

    code: str
    before: int
    after: int
    stayed: int
    came: int
    went: int
    joined: int
    lost: int


@dataclass(frozen=True)
class Movement:
    """Customers by group before (rows) and after (columns); None stands for no group.

    ``before`` are the rows' sums and ``after`` the columns'; both add up to ``customers``.
    ``share`` of those with a group on both days (``both``) is in another one after, with its 95 %
    interval; None if there are none.
    """

    codes_before: list[str | None]
    codes_after: list[str | None]
    counts: list[list[int]]
    before: list[int]
    after: list[int]
    customers: int
    both: int
    moved: int
    share: float | None
    low: float | None
    high: float | None
    groups: list[GroupMovement]


def movement(
    old: Positions, new: Positions, old_codes: Sequence[str], new_codes: Sequence[str]
) -> Movement:
    """Count who moved. ``old``, ``new``: positions of the same customers on two days, or NOBODY.

    Groups are the same where their codes are.
    """
    counts = crossed(old, new, len(old_codes) + 1, len(new_codes) + 1)
    return movement_of(counts, old_codes, new_codes)


def movement_of(
    counts: NDArray[np.int64], old_codes: Sequence[str], new_codes: Sequence[str]
) -> Movement:
    """The same from counts, groups before × groups after; the last row and column are nobody's."""
    known = counts[:-1, :-1]
    where = {code: column for column, code in enumerate(new_codes)}
    stayed = sum(int(known[row, where[c]]) for row, c in enumerate(old_codes) if c in where)
    both = int(known.sum())
    moved = both - stayed
    low, high = wilson(moved, both)
    codes = [*old_codes, *(c for c in new_codes if c not in old_codes)]
    return Movement(
        codes_before=[*old_codes, None],
        codes_after=[*new_codes, None],
        counts=counts.tolist(),
        before=counts.sum(axis=1).tolist(),
        after=counts.sum(axis=0).tolist(),
        customers=int(counts.sum()),
        both=both,
        moved=moved,
        share=moved / both if both else None,
        low=float(low) if both else None,
        high=float(high) if both else None,
        groups=[_of_group(code, counts, old_codes, new_codes) for code in codes],
    )


def crossed(old: Positions, new: Positions, rows: int, columns: int) -> NDArray[np.int64]:
    """Count customers by both positions; NOBODY counts in the last row or column."""
    if len(old) != len(new):
        raise ValueError(f"the same customers on both sides: {len(old)} and {len(new)} rows")
    flat = np.where(old == NOBODY, rows - 1, old).astype(np.int64) * columns
    flat += np.where(new == NOBODY, columns - 1, new)
    return np.bincount(flat, minlength=rows * columns).reshape(rows, columns)


def _of_group(
    code: str, counts: NDArray[np.int64], old_codes: Sequence[str], new_codes: Sequence[str]
) -> GroupMovement:
    nothing = np.zeros(1, np.int64)
    row = counts[list(old_codes).index(code)] if code in old_codes else nothing
    column = counts[:, list(new_codes).index(code)] if code in new_codes else nothing
    stayed = int(row[list(new_codes).index(code)]) if code in old_codes and code in new_codes else 0
    lost = int(row[-1])
    joined = int(column[-1])
    before, after = int(row.sum()), int(column.sum())
    return GroupMovement(
        code,
        before,
        after,
        stayed,
        came=after - stayed - joined,
        went=before - stayed - lost,
        joined=joined,
        lost=lost,
    )
