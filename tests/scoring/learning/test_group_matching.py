from dataclasses import asdict
from itertools import permutations
from json import dumps

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from scoring.learning.group_matching import DISSOLVED, Matched, continuity, match, movement
from scoring.learning.refusal import NotEstimable

CODES = ["g1", "g2", "g5"]


def positions(*counts: tuple[int, int]) -> NDArray[np.int16]:
    return np.repeat(*zip(*counts, strict=True)).astype(np.int16)  # type: ignore[call-overload]


def rows(most: int, least: int = -1) -> st.SearchStrategy[NDArray[np.int16]]:
    return arrays(np.int16, 30, elements=st.integers(least, most))


def test_groups_that_are_numbered_anew_keep_their_codes() -> None:
    old = positions((0, 50), (1, 30), (2, 20))
    found = match(old, np.array([2, 0, 1], np.int16)[old], CODES, 3, 5)
    assert found.codes == ["g2", "g5", "g1"]
    assert [g.overlap for g in found.groups] == [1, 1, 1]
    assert (found.gone, found.last_number) == ([], 5)


def test_a_new_group_gets_a_number_that_was_never_given() -> None:
    old = positions((0, 50), (1, 30), (2, 20))
    new = positions((0, 30), (3, 20), (1, 30), (2, 20))  # g1 has lost 20 of 50
    found = match(old, new, CODES, 4, 9)
    assert found.codes == ["g1", "g2", "g5", "g10"]
    assert found.groups[0] == Matched("g1", 0.6)
    assert found.groups[3].overlap is None
    assert found.last_number == 10


def test_a_dissolved_group_leaves_its_code_to_nobody() -> None:
    old = positions((0, 30), (1, 30), (2, 30))
    new = positions((0, 30), (0, 10), (1, 10), (2, 10), (2, 30))  # g2 in three
    found = match(old, new, CODES, 3, 5)
    assert found.codes == ["g1", "g6", "g5"]
    assert found.gone == ["g2"]


def test_nobody_in_common_cannot_be_matched() -> None:
    nobody = np.empty(0, np.int16)
    with pytest.raises(NotEstimable) as refusal:
        match(nobody, nobody, CODES, 3, 5)
    assert refusal.value.code == "no_rows"


@given(rows(2, 0), rows(2, 0))
@settings(max_examples=100, deadline=None)
def test_matching_maximises_the_overlap(old: NDArray[np.int16], new: NDArray[np.int16]) -> None:
    def jaccard(o: int, n: int) -> float:
        either = ((old == o) | (new == n)).sum()
        return float(((old == o) & (new == n)).sum() / either) if either else 0.0

    best = max(
        sum(jaccard(o, n) for n, o in enumerate(p)) for p in permutations(range(3))
    )  # over all assignments; those below DISSOLVED are then undone
    found = match(old, new, CODES, 3, 5)
    kept = [g.overlap for g in found.groups if g.overlap is not None]
    assert sum(kept) <= best + 1e-9
    assert sum(kept) >= best - (3 - len(kept)) * DISSOLVED - 1e-9
    assert all(overlap >= DISSOLVED for overlap in kept)
    assert len(set(found.codes)) == 3
    assert set(found.codes) & set(found.gone) == set()
    assert set(found.gone) <= set(CODES)
    assert found.last_number == 5 + 3 - len(kept)


def test_what_became_of_each_group_is_told_with_its_customers() -> None:
    old = positions((0, 50), (1, 30), (2, 20))
    new = positions((0, 40), (2, 10), (1, 30), (2, 20))  # g5 becomes part of a new one
    g1, g2, g9, g5 = continuity(old, new, CODES, ["g1", "g2", "g9"])
    assert (g1.code, g1.before, g1.after, g1.stayed, g1.share) == ("g1", 50, 40, 40, 0.8)
    assert (g1.others, g1.overlap) == ([("g9", 10)], 0.8)
    assert g1.low is not None
    assert g1.low < 0.8
    assert (g2.share, g2.overlap, g2.others) == (1, 1, [])
    assert (g9.before, g9.after, g9.overlap, g9.share) == (None, 30, None, None)
    assert g9.others == [("g5", 20), ("g1", 10)]
    assert (g5.before, g5.after, g5.stayed, g5.others) == (20, None, 0, [("g9", 20)])
    dumps([asdict(one) for one in (g1, g2, g9, g5)], allow_nan=False)


@given(rows(2, 0), rows(3, 0))
@settings(max_examples=100, deadline=None)
def test_both_fits_customers_are_found_again(
    old: NDArray[np.int16], new: NDArray[np.int16]
) -> None:
    codes = ["g2", "g1", "g6", "g7"]
    told = {one.code: one for one in continuity(old, new, CODES, codes)}
    assert [*told] == [*codes, "g5"]
    for place, code in enumerate(CODES):
        assert told[code].before == (old == place).sum()
        whole = continuity(old, new, CODES, codes)
        assert sum(one.before or 0 for one in whole) == sum(one.after or 0 for one in whole) == 30
    for place, code in enumerate(codes):
        assert told[code].after == (new == place).sum()
        if code in CODES:
            stayed = ((old == CODES.index(code)) & (new == place)).sum()
            assert told[code].stayed == stayed


def test_movement_counts_who_went_where() -> None:
    old = np.array([0, 0, 0, 1, 1, -1, 2], np.int16)
    new = np.array([0, 0, 1, 1, -1, 1, 0], np.int16)
    found = movement(old, new, ["g1", "g2", "g3"], ["g1", "g2"])
    assert found.codes_before == ["g1", "g2", "g3", None]
    assert found.codes_after == ["g1", "g2", None]
    assert found.counts == [[2, 1, 0], [0, 1, 1], [1, 0, 0], [0, 1, 0]]
    assert (found.before, found.after) == ([3, 2, 1, 1], [3, 3, 1])
    assert (found.both, found.moved, found.share) == (5, 2, 0.4)
    g1, g2, g3 = found.groups
    assert (g1.stayed, g1.came, g1.went, g1.joined, g1.lost) == (2, 1, 1, 0, 0)
    assert (g2.stayed, g2.came, g2.went, g2.joined, g2.lost) == (1, 1, 0, 1, 1)
    assert (g3.before, g3.after, g3.went) == (1, 0, 1)
    dumps(asdict(found), allow_nan=False)


@given(rows(2), rows(3))
@settings(max_examples=100, deadline=None)
def test_movement_reconciles_with_both_days(old: NDArray[np.int16], new: NDArray[np.int16]) -> None:
    codes = ["g2", "g1", "g6", "g7"]
    found = movement(old, new, CODES, codes)
    for row, code in enumerate(CODES):
        assert found.before[row] == (old == row).sum() == sum(found.counts[row])
        assert found.groups[row].before == found.before[row]
        assert found.groups[row].code == code
    for column in range(4):
        counted = [r[column] for r in found.counts]
        assert found.after[column] == (new == column).sum() == sum(counted)
    assert sum(found.before) == sum(found.after) == found.customers == 30
    for g in found.groups:
        assert g.before + g.came + g.joined - g.went - g.lost == g.after
        assert min(g.stayed, g.came, g.went, g.joined, g.lost) >= 0
    names = np.array([*CODES, "-"])[old], np.array([*codes, "-"])[new]
    known = (names[0] != "-") & (names[1] != "-")
    assert found.moved == (known & (names[0] != names[1])).sum()
    assert sum(g.came for g in found.groups) == sum(g.went for g in found.groups) == found.moved


def test_nobody_on_both_days_has_no_share_of_movers() -> None:
    nobody, all_g1 = np.full(5, -1, np.int16), np.zeros(5, np.int16)
    found = movement(nobody, all_g1, CODES, CODES)
    assert (found.share, found.low, found.high) == (None, None, None)


def test_different_customers_are_an_error() -> None:
    with pytest.raises(ValueError, match="same customers"):
        movement(np.zeros(4, np.int16), np.zeros(5, np.int16), CODES, CODES)
