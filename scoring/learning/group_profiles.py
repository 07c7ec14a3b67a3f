"""What a group is: its size, what sets it apart, a name in codes, and a view in three dimensions.

Pure figures; words are made of them outside, in the reader's language.

Groups are compared on prepared columns (scoring.learning.preparation), on which a skewed amount
doesn't hang on its largest values: the standardised difference of a group to all others is Hedges'
g (Hedges and Olkin 1985) with its large-sample 95 % interval,

    d = (mean in - mean out) / s,   g = d (1 - 3 / (4 (n - 2) - 1)),
    Var(g) = 1 / n_in + 1 / n_out + g² / (2 n)                                                  (1)

where s is pooled over both, and never less than if one customer lay one standard deviation of all
from his side's mean: where both sides are constant the difference stays finite. Unknown values are
left out. A category has one difference per code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.rates import Z, wilson

from .features import Feature
from .preparation import Preparation
from .refusal import NotEstimable

View = Literal["demographics", "behaviour", "value"]
Level = Literal["very_low", "low", "middle", "high", "very_high"]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# Standardised differences (Cohen 1988: 0.2 small, 0.8 large; groups are made to be far apart).
SMALL, LARGE = 0.2, 0.8
MOST_TOLD = 8
WORDS = 2
# Fewer customers with a known value on either side tell no difference.
LEAST = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How far a group's mean is from all others', in standard deviations; ``code``: a share."""

    attribute: str
    code: str | None
    effect: float
    low: float
    high: float

    @property
    def level(self) -> Level:
        return _level(self.effect)


@dataclass(frozen=True)
class CodeShare:
    """Customers with a category's code, and their share of those whose code is known."""

    code: str
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class AttributeProfile:
    """One attribute within a group, in its own unit; ``mean`` with its 95 % interval.

    A number has ``mean`` and ``quantiles`` (QUANTILES), None if no value is known. A category has
    ``shares`` of its codes; ``unseen`` customers have a known code that is none of them.
    """

    attribute: str
    known: int
    unknown: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    quantiles: list[float] | None = None
    shares: list[CodeShare] | None = None
    unseen: int = 0


@dataclass(frozen=True)
class Name:
    """What sets a group apart, strongest first: (attribute, code or None, level); its value.

    No two groups of one profile have the same name. ``number``: only where two groups don't differ
    in any word, the position among them.
    """

    words: list[tuple[str, str | None, Level]]
    value: Level | None
    number: int | None = None


@dataclass(frozen=True)
class GroupProfile:
    """A group; ``differences``: what sets it apart, strongest first, MOST_TOLD at most.

    ``views``: the three dimensions, each attribute in its own unit (a number's mean is the centre).
    """

    code: str
    customers: int
    share: float
    low: float
    high: float
    name: Name
    differences: list[Difference]
    views: dict[View, list[AttributeProfile]]


@dataclass(frozen=True)
class Profiles:
    """The groups in the order of their codes, beside all customers together."""

    customers: int
    everybody: dict[View, list[AttributeProfile]]
    groups: list[GroupProfile]


def profile(
    positions: NDArray[np.int16],
    codes: Sequence[str],
    x: Floats,
    features: Sequence[Feature],
    views: Mapping[str, View],
    value: str | None = None,
) -> Profiles:
    """Describe the groups of a brand's customers.

    ``positions``: rows, in ``codes``; ``x``: rows × ``features`` (any attributes, of the model or
    not); ``views``: attribute → dimension, of every feature; ``value``: the number whose level goes
    into the names (such as ARPU). Names are made of behaviour alone, as groups are.
    NotEstimable: no_rows, no_usable_features.
    """
    if not len(x):
        raise NotEstimable("no_rows")
    members = [positions == position for position in range(len(codes))]
    differences = _differences(members, x, tuple(features))
    names = _names([[d for d in ds if views[d.attribute] == "behaviour"] for ds in differences],
                   [_value_level(ds, value) for ds in differences])  # fmt: skip
    groups = []
    for code, rows, found, name in zip(codes, members, differences, names, strict=True):
        n = int(rows.sum())
        low, high = wilson(n, len(x))
        told = [d for d in found if abs(d.effect) >= SMALL][:MOST_TOLD]
        seen = _views(x[rows], features, views)
        groups.append(GroupProfile(code, n, n / len(x), float(low), float(high), name, told, seen))
    return Profiles(len(x), _views(x, features, views), groups)


# --- what sets a group apart ---


def _differences(
    members: Sequence[NDArray[np.bool_]], x: Floats, features: tuple[Feature, ...]
) -> list[list[Difference]]:
    """Per group, every difference that can be told, strongest first."""
    preparation = Preparation(features).fit(x)
    z = preparation.scaled(x)
    known = ~np.isnan(z)
    z = np.where(known, z, 0)
    # Sums of the groups add up to everybody's: the others are what is left.
    n = np.array([known[rows].sum(axis=0) for rows in members], dtype=np.float64)
    total = np.array([z[rows].sum(axis=0) for rows in members])
    squares = np.array([(z[rows] ** 2).sum(axis=0) for rows in members])
    everybody = known.sum(axis=0), z.sum(axis=0), (z**2).sum(axis=0)
    found = []
    for group in range(len(members)):
        inside = n[group], total[group], squares[group]
        rest = [a - b for a, b in zip(everybody, inside, strict=True)]
        g, half = _hedges(*inside, *rest)
        told = []
        for column in np.flatnonzero(np.isfinite(g)):
            feature = features[preparation.owner_[column]]
            position = preparation.code_[column]
            code = feature.categories[position] if feature.categories else None
            effect, reach = float(g[column]), float(half[column])
            told.append(Difference(feature.attribute, code, effect, effect - reach, effect + reach))
        found.append(sorted(told, key=lambda d: (-abs(d.effect), d.attribute, d.code or "")))
    return found


def _hedges(
    n: Floats, total: Floats, squares: Floats, rest_n: Floats, rest: Floats, rest_squares: Floats
) -> tuple[Floats, Floats]:
    """Return (1) per column and half its interval; NaN where it can't be told."""
    enough = (n >= LEAST) & (rest_n >= LEAST)
    n, rest_n = np.where(enough, n, np.nan), np.where(enough, rest_n, np.nan)
    mean, rest_mean = total / n, rest / rest_n
    freedom = n + rest_n - 2
    left = squares - n * mean**2 + rest_squares - rest_n * rest_mean**2
    pooled = np.sqrt(np.maximum(left, 1.0) / freedom)
    g = (mean - rest_mean) / pooled * (1 - 3 / (4 * freedom - 1))
    half = Z * np.sqrt(1 / n + 1 / rest_n + g**2 / (2 * (n + rest_n)))
    return g, half


def _level(effect: float) -> Level:
    if abs(effect) < SMALL:
        return "middle"
    if effect > 0:
        return "very_high" if effect >= LARGE else "high"
    return "very_low" if effect <= -LARGE else "low"


# --- names ---


def _value_level(differences: Sequence[Difference], value: str | None) -> Level | None:
    return next((d.level for d in differences if d.attribute == value), None)


def _names(
    differences: Sequence[Sequence[Difference]], values: Sequence[Level | None]
) -> list[Name]:
    """Name each group by its strongest words; those of one name take more until they differ."""
    words = [
        [(d.attribute, d.code, d.level) for d in found if abs(d.effect) >= SMALL]
        for found in differences
    ]
    lengths = [min(WORDS, len(w)) for w in words]

    def said(group: int) -> tuple[frozenset[tuple[str, str | None, Level]], Level | None]:
        # The same words in another order are the same name.
        return frozenset(words[group][: lengths[group]]), values[group]

    while True:
        names = [said(group) for group in range(len(words))]
        shared = [i for i, name in enumerate(names) if names.count(name) > 1]
        longer = [i for i in shared if lengths[i] < len(words[i])]
        if not longer:
            break
        for i in longer:
            lengths[i] += 1
    return [
        Name(w[:n], v, names[:i].count(names[i]) + 1 if i in shared else None)
        for i, (w, n, v) in enumerate(zip(words, lengths, values, strict=True))
    ]


# --- the view in three dimensions ---


def _views(
    x: Floats, features: Sequence[Feature], views: Mapping[str, View]
) -> dict[View, list[AttributeProfile]]:
    seen: dict[View, list[AttributeProfile]] = {"demographics": [], "behaviour": [], "value": []}
    for values, feature in zip(x.T, features, strict=True):
        seen[views[feature.attribute]].append(_attribute(values, feature))
    return seen


def _attribute(values: Floats, feature: Feature) -> AttributeProfile:
    known = values[np.isfinite(values)]
    unknown = len(values) - len(known)
    if feature.categories is not None:
        counts = np.bincount(known.astype(np.int64), minlength=len(feature.categories) + 1)
        shares = _shares(counts, feature.categories) if len(known) else []
        unseen = int(counts[-1])
        return AttributeProfile(
            feature.attribute, len(known), unknown, shares=shares, unseen=unseen
        )
    if not len(known):
        return AttributeProfile(feature.attribute, 0, unknown)
    mean = float(known.mean())
    half = Z * float(known.std(ddof=1)) / len(known) ** 0.5 if len(known) > 1 else None
    return AttributeProfile(
        feature.attribute,
        len(known),
        unknown,
        mean,
        None if half is None else mean - half,
        None if half is None else mean + half,
        np.quantile(known, QUANTILES).tolist(),
    )


def _shares(counts: NDArray[np.int64], categories: Sequence[str]) -> list[CodeShare]:
    known = int(counts.sum())
    lows, highs = wilson(counts, known)
    rows = zip(categories, counts, lows, highs, strict=False)  # unseen codes come last, untold
    return [CodeShare(c, int(n), int(n) / known, float(lo), float(hi)) for c, n, lo, hi in rows]
