"""Frequent itemsets: all of them and no other, as a count of every subset has it."""

import os
from itertools import chain, combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.public_data import FOLDER, groceries
from scoring.learning.items import flags
from scoring.learning.itemsets import frequent_itemsets, from_batches, from_lists, rules
from scoring.learning.refusal import NotEstimable

ITEMS = "abcdef"
baskets_ = st.lists(st.lists(st.sampled_from(ITEMS), max_size=6), min_size=1, max_size=80)
supports = st.sampled_from([0.001, 0.05, 0.1, 0.3, 0.5, 1.0])
confidences = st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0])
has_groceries = pytest.mark.skipif(
    "CI" not in os.environ and not FOLDER.is_dir(), reason="the public data are not here"
)


def had_by(baskets: list[list[str]], itemset: tuple[str, ...]) -> int:
    return sum(set(itemset) <= set(basket) for basket in baskets)


def counted(baskets: list[list[str]], support: float) -> dict[tuple[str, ...], int]:
    """Every subset of the items, each counted by itself."""
    subsets = chain.from_iterable(combinations(ITEMS, size) for size in range(1, 7))
    sizes = {subset: had_by(baskets, subset) for subset in subsets}
    return {s: n for s, n in sizes.items() if n and n >= support * len(baskets) - 1e-9}


@settings(max_examples=60, deadline=None)
@given(baskets_, supports)
def test_itemsets_are_those_that_a_count_of_every_subset_finds(
    baskets: list[list[str]], support: float
) -> None:
    packed = from_lists(baskets)
    found = frequent_itemsets(packed, support)
    named = {tuple(packed.items[i] for i in itemset): n for itemset, n in found.items()}
    assert named == counted(baskets, support)


@settings(max_examples=60, deadline=None)
@given(baskets_, supports, confidences)
def test_rules_are_those_that_brute_force_finds(
    baskets: list[list[str]], support: float, confidence: float
) -> None:
    n = len(baskets)
    expected = {}
    for itemset, both in counted(baskets, support).items():
        for then in itemset if len(itemset) > 1 else ():
            first = tuple(item for item in itemset if item != then)
            if both / had_by(baskets, first) >= confidence - 1e-9:
                share = both / had_by(baskets, first)
                expected[first, then] = both / n, share, share / (had_by(baskets, (then,)) / n)
    found = rules(from_lists(baskets), support, confidence)
    assert {(r.antecedent, r.consequent) for r in found} == expected.keys()
    for rule in found:
        figures = rule.support, rule.confidence, rule.lift
        assert figures == pytest.approx(expected[rule.antecedent, rule.consequent])
        assert (rule.n, rule.both_n) == (n, had_by(baskets, (*rule.antecedent, rule.consequent)))
    assert [r.lift for r in found] == sorted((r.lift for r in found), reverse=True)


@has_groceries
def test_the_groceries_have_the_published_rules() -> None:
    baskets = from_lists(groceries())
    found = rules(baskets, support=0.001, confidence=0.5)
    assert len(found) == 5668
    assert [round(rule.lift, 3) for rule in found[:3]] == [18.996, 16.698, 16.408]
    assert found[0].antecedent == ("Instant food products", "soda")
    assert found[0].consequent == "hamburger meat"
    assert len(rules(baskets, support=0.001, confidence=0.8)) == 410


def test_batches_are_packed_like_lists() -> None:
    held = np.random.default_rng(3).random((500, 4)) < 0.4
    names = list("abcd")
    table = pa.table({name: pa.array(held[:, i]) for i, name in enumerate(names)})
    lists = [[name for name, has in zip(names, row, strict=True) if has] for row in held]
    batches = from_batches(table.to_batches(max_chunksize=77), flags("service", names))
    assert frequent_itemsets(batches, 0.01) == frequent_itemsets(from_lists(lists), 0.01)


def test_exactly_the_support_is_enough() -> None:
    assert 0.07 * 100 > 7
    assert frequent_itemsets(from_lists([["a"]] * 7 + [[]] * 93), 0.07) == {(0,): 7}


def test_the_longest_bounds_antecedent_and_consequent_together() -> None:
    found = rules(from_lists([list("abc")] * 10), 0.5, 0.5, longest=2)
    assert {len(rule.antecedent) for rule in found} == {1}


def test_too_many_itemsets_are_refused_before_memory_ends() -> None:
    with pytest.raises(NotEstimable) as refusal:
        frequent_itemsets(from_lists([list("abcdefghij")] * 5), 0.5, most=1000)
    assert (refusal.value.code, refusal.value.figures) == ("too_many_itemsets", {"most": 1000})


def test_no_baskets_and_no_support_are_refused() -> None:
    with pytest.raises(NotEstimable):
        frequent_itemsets(from_lists([]), 0.1)
    with pytest.raises(ValueError, match="support"):
        frequent_itemsets(from_lists([["a"]]), 0.0)


def test_a_rule_nobody_can_break_has_no_interval_of_lift() -> None:
    rule = rules(from_lists([["a", "b"], ["b"]]), 0.5, 0.5)[0]
    assert (rule.consequent, rule.lift, rule.lift_low) == ("b", 1.0, None)


def test_it_can_be_stopped_between_items() -> None:
    told = []
    frequent_itemsets(from_lists([list("abc")]), 0.5, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
