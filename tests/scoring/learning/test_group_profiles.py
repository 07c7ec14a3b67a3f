from dataclasses import asdict
from json import dumps

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.learning.features import Feature
from scoring.learning.group_profiles import LEAST, Profiles, View, profile
from scoring.learning.refusal import NotEstimable

FEATURES = (
    Feature("age"),
    Feature("gender", ("f", "m")),
    Feature("minutes"),
    Feature("data_mb"),
    Feature("arpu"),
)
VIEWS: dict[str, View] = {
    "age": "demographics",
    "gender": "demographics",
    "minutes": "behaviour",
    "data_mb": "behaviour",
    "arpu": "value",
}
CODES = ["g1", "g2", "g4"]


def made(seed: int = 0, rows: int = 900) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """g1 talks, g2 surfs and pays, g4 does little."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.5, 0.3, 0.2]).astype(np.int16)
    scatter = np.exp(0.3 * rng.normal(size=(rows, 3)))
    amounts = np.array([[500, 300, 60], [80, 9000, 150], [40, 200, 20]])[group] * scatter
    x = np.column_stack([rng.normal(40, 9, rows), rng.integers(0, 3, rows), amounts])
    x[rng.random(x.shape) < 0.05] = np.nan
    return group, x


def made_profiles() -> Profiles:
    return profile(*_of(made()), FEATURES, VIEWS, value="arpu")


def _of(
    grouped: tuple[NDArray[np.int16], NDArray[np.float64]],
) -> tuple[NDArray[np.int16], list[str], NDArray[np.float64]]:
    return grouped[0], CODES, grouped[1]


def test_sizes_add_up_and_shares_have_intervals() -> None:
    found = made_profiles()
    assert sum(g.customers for g in found.groups) == found.customers == 900
    for g in found.groups:
        assert g.low < g.share == g.customers / 900 < g.high


def test_a_group_is_named_by_what_sets_it_apart() -> None:
    g1, g2, g4 = made_profiles().groups
    assert ("minutes", None, "very_high") in g1.name.words
    assert g2.name.words[0] == ("data_mb", None, "very_high")
    assert g2.name.value == "very_high"
    assert ("minutes", None, "very_low") in g4.name.words
    assert g4.name.value == "very_low"


def test_names_are_of_behaviour_and_differences_of_everything() -> None:
    g2 = made_profiles().groups[1]
    assert {w[0] for w in g2.name.words} <= {"minutes", "data_mb"}
    assert "arpu" in {d.attribute for d in g2.differences}
    sizes = [abs(d.effect) for d in g2.differences]
    assert sizes == sorted(sizes, reverse=True)
    assert all(d.low < d.effect < d.high for d in g2.differences)


@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_no_two_groups_have_the_same_name(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.integers(0, groups, 200).astype(np.int16)
    x = np.exp(rng.normal(size=(200, 5)))
    x[:, 1] = rng.integers(0, 2, 200)
    found = profile(positions, [f"g{i + 1}" for i in range(groups)], x, FEATURES, VIEWS, "arpu")
    names = {(frozenset(g.name.words), g.name.value, g.name.number) for g in found.groups}
    assert len(names) == groups


def test_groups_that_do_not_differ_are_numbered() -> None:
    x = np.tile(made(rows=300)[1], (2, 1))
    found = profile(np.repeat([0, 1], 300).astype(np.int16), ["g1", "g2"], x, FEATURES, VIEWS)
    assert [(g.name.words, g.name.number) for g in found.groups] == [([], 1), ([], 2)]
    assert [g.differences for g in found.groups] == [[], []]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_difference_is_hedges_g_of_the_group_and_the_others(seed: int) -> None:
    group, x = made(seed, 200)
    x = np.column_stack([x[:, 0], x[:, 1], x[:, 0]])
    features = (Feature("age"), Feature("gender", ("f", "m")), Feature("again"))
    views: dict[str, View] = {f.attribute: "behaviour" for f in features}
    found = profile(group, CODES, x, features, views)
    low, high = np.nanquantile(x[:, 0], [0.005, 0.995])
    for position, g in enumerate(found.groups):
        told = {(d.attribute, d.code): d for d in g.differences}
        inside = group == position
        for attribute, code, values in (
            ("age", None, np.clip(x[:, 0], low, high)),
            ("gender", "m", np.where(x[:, 1] < 2, x[:, 1], np.nan)),
        ):
            a, b = (v[~np.isnan(v)] for v in (values[inside], values[~inside]))
            n = len(a) + len(b)
            pooled = np.sqrt(
                ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (n - 2)
            )
            effect = (a.mean() - b.mean()) / pooled * (1 - 3 / (4 * (n - 2) - 1))
            if abs(effect) < 0.2:
                assert (attribute, code) not in told
                continue
            d = told[attribute, code]
            assert d.effect == pytest.approx(effect, rel=1e-6)
            half = 1.96 * np.sqrt(1 / len(a) + 1 / len(b) + effect**2 / (2 * n))
            assert (d.low, d.high) == pytest.approx((effect - half, effect + half), abs=1e-4)


def test_an_attribute_that_splits_groups_without_exception_is_told() -> None:
    group = np.repeat([0, 1], 100).astype(np.int16)
    x = np.column_stack([group, np.random.default_rng(0).normal(size=200)]).astype(float)
    features = (Feature("campus"), Feature("noise"))
    found = profile(group, ["g1", "g2"], x, features, {"campus": "behaviour", "noise": "behaviour"})
    assert [g.name.words[0][::2] for g in found.groups] == [
        ("campus", "very_low"),
        ("campus", "very_high"),
    ]
    dumps(asdict(found), allow_nan=False)


def test_a_handful_tells_no_difference() -> None:
    group, x = made(rows=300)
    group = np.where(np.arange(300) < LEAST - 1, 1, 0).astype(np.int16)
    found = profile(group, ["g1", "g2"], x, FEATURES, VIEWS)
    assert [g.differences for g in found.groups] == [[], []]


def test_views_are_of_own_units_and_count_the_unknown() -> None:
    group, x = made()
    found = profile(group, CODES, x, FEATURES, VIEWS)
    g1 = found.groups[0]
    assert [a.attribute for a in g1.views["demographics"]] == ["age", "gender"]
    [arpu] = g1.views["value"]
    values = x[group == 0, 4]
    known = values[~np.isnan(values)]
    assert (arpu.known, arpu.unknown) == (len(known), len(values) - len(known))
    assert arpu.mean == pytest.approx(known.mean())
    assert arpu.quantiles == pytest.approx(np.quantile(known, [0.1, 0.25, 0.5, 0.75, 0.9]))
    assert arpu.low is not None
    assert arpu.high is not None
    assert arpu.mean is not None
    assert arpu.low < arpu.mean < arpu.high


def test_shares_of_codes_and_the_unseen_add_up() -> None:
    gender = made_profiles().everybody["demographics"][1]
    assert gender.shares is not None
    assert [s.code for s in gender.shares] == ["f", "m"]
    assert sum(s.n for s in gender.shares) + gender.unseen == gender.known
    assert gender.unseen > 0
    assert all(s.low < s.share < s.high for s in gender.shares)


def test_an_empty_group_and_an_unknown_attribute_have_no_figures() -> None:
    group, x = made()
    x[:, 4] = np.nan
    found = profile(group, [*CODES, "g9"], x, FEATURES, VIEWS, value="arpu")
    empty = found.groups[3]
    assert (empty.customers, empty.share, empty.low) == (0, 0, 0)
    assert empty.views["behaviour"][0].mean is None
    assert empty.name.value is None
    assert found.everybody["value"][0].mean is None
    dumps(asdict(found), allow_nan=False)


def test_nobody_has_no_profile() -> None:
    with pytest.raises(NotEstimable) as refusal:
        profile(np.empty(0, np.int16), CODES, np.empty((0, 5)), FEATURES, VIEWS)
    assert refusal.value.code == "no_rows"


def test_names_are_no_longer_than_it_takes_to_tell_groups_apart() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 300).astype(np.int16)
    means = np.array([[9, 9, 0, 0.5], [9, 9, 1, 1], [0, 0, 0.5, 0]])[group]
    x = means + rng.normal(size=(900, 4))
    features = tuple(Feature(name) for name in "abcd")
    views: dict[str, View] = dict.fromkeys("abcd", "behaviour")
    found = profile(group, CODES, x, features, views)
    alike = [("a", None, "very_high"), ("b", None, "very_high")]
    one, other, third = (g.name.words for g in found.groups)
    assert sorted(one[:2]) == sorted(other[:2]) == alike
    assert [len(one), len(other), len(third)] == [3, 3, 2]
