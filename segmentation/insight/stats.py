"""Effect sizes of one group of customers against another, from sufficient statistics.

Pure: what the engine has counted goes in (n, mean, sum of squared deviations; counts of values),
figures come out. The two groups, A and B, may share customers: a cell against the whole province,
an audience against another. Everything is therefore counted in three regions that are disjoint: A
only, both, B only. With n_A, n_B customers of known value and n_AB of them in both, the variance of
a difference of two means of unit variance is

    e = 1/n_A + 1/n_B - 2 n_AB / (n_A n_B)                                                       (1)

which is the textbook's 1/n_A + 1/n_B for groups apart, and for A inside B the variance of A against
the rest, times the square of the rest's share. What can't be estimated says why, and is never 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, exp, log, sqrt
from typing import Literal

from common import rates
from common.rates import Z

Reason = Literal["few_customers", "no_variance", "same_customers", "zero_reference"]

# Below so many customers of known value a group tells nothing but about itself.
LEAST = 30


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Sums:
    """A region's known values of a number: how many, their mean, Σ (x - mean)².

    The third is Σ x² - n mean², kept in this form because the difference of two great numbers
    loses the digits that a variance is made of.
    """

    known: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        """Both together (Chan, Golub and LeVeque 1983, eq. 2.1)."""
        if not self.known or not other.known:
            return self if self.known else other
        n = self.known + other.known
        apart = other.mean - self.mean
        return Sums(
            n,
            self.mean + apart * (other.known / n),
            self.m2 + other.m2 + apart * apart * (self.known * other.known / n),
        )

    @property
    def deviation(self) -> float | None:
        """The sample's standard deviation; None of fewer than two values."""
        return sqrt(max(self.m2, 0.0) / (self.known - 1)) if self.known > 1 else None


@dataclass(frozen=True)
class Counts:
    """A region's known values of a category or a truth: customers by value."""

    by_value: Mapping[str, int]

    def __add__(self, other: "Counts") -> "Counts":
        return Counts({v: self.of(v) + other.of(v) for v in {**self.by_value, **other.by_value}})

    @property
    def known(self) -> int:
        return sum(self.by_value.values())

    def of(self, value: str) -> int:
        return self.by_value.get(value, 0)


@dataclass(frozen=True)
class Shared:
    """The customers of known value in A, in B and in both."""

    a: int
    b: int
    both: int

    @property
    def inverse(self) -> float:
        """e of (1); 0 where the groups are the same."""
        return (self.a + self.b - 2 * self.both) / (self.a * self.b)

    @property
    def refusal(self) -> Reason | None:
        apart = self.a + self.b - 2 * self.both
        if self.a >= LEAST and self.b >= LEAST and not apart:
            return "same_customers"
        return "few_customers" if min(self.a, self.b, apart) < LEAST else None

    @property
    def correlation(self) -> float:
        """Of the two groups' means, which shared customers move together."""
        return self.both / sqrt(self.a * self.b)


# --- numbers ---


@dataclass(frozen=True)
class NumberEffect:
    """The standardised mean difference of A against B, in pooled standard deviations.

    ``strength`` is the same as a correlation of groups of equal size, -1 to 1: the scale on which
    numbers and categories are ranked together. All are None where ``reason`` says why.
    """

    g: float | None = None
    interval: Interval | None = None
    strength: float | None = None
    reason: Reason | None = None


def number_effect(only_a: Sums, both: Sums, only_b: Sums) -> NumberEffect:
    """Return Hedges' g with its interval (Hedges and Olkin 1985; Borenstein et al. 2009, ch. 4).

        s² = ((n_A - 1) s_A² + (n_B - 1) s_B²) / (n_A + n_B - 2)
        d  = (mean_A - mean_B) / s,   g = J d,   J = 1 - 3 / (4 (n_A + n_B - 2) - 1)             (2)
        Var(g) = J² (e + d² / (2 (n_A + n_B)))                                                   (3)
        r = g / √(g² + 4)                              (Cohen 1988, eq. 2.2.6, equal groups)     (4)

    Customers in both groups count in each. The interval is the large-sample one.
    """
    a, b = only_a + both, both + only_b
    shared = Shared(a.known, b.known, both.known)
    if shared.refusal:
        return NumberEffect(reason=shared.refusal)
    freedom = a.known + b.known - 2
    pooled = sqrt(max(a.m2 + b.m2, 0.0) / freedom)
    # Where all have one value the mean is that value but for its last digits.
    if pooled <= 1e-12 * max(abs(a.mean), abs(b.mean)):
        return NumberEffect(reason="no_variance")
    d = (a.mean - b.mean) / pooled
    shrink = 1 - 3 / (4 * freedom - 1)
    g = shrink * d
    half = Z * shrink * sqrt(shared.inverse + d * d / (2 * (a.known + b.known)))
    return NumberEffect(g, Interval(g - half, g + half), g / sqrt(g * g + 4))


# --- shares ---


@dataclass(frozen=True)
class Share:
    """``hits`` of ``known`` customers, with Wilson's interval; None of nobody."""

    hits: int
    known: int

    @property
    def value(self) -> float | None:
        return self.hits / self.known if self.known else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.hits, self.known) if self.known else None


@dataclass(frozen=True)
class ShareEffect:
    """One value's share in A against that in B: as a difference, and as a multiple (lift)."""

    value: str
    a: Share
    b: Share
    difference: float | None = None
    interval: Interval | None = None
    reason: Reason | None = None
    lift: float | None = None
    lift_interval: Interval | None = None
    lift_reason: Reason | None = None


def wilson(hits: int, n: int) -> Interval:
    """Wilson's score interval of ``hits`` in ``n`` > 0."""
    low, high = rates.wilson(hits, n)
    return Interval(float(low), float(high))


def share_effect(value: str, hits: Shared, known: Shared) -> ShareEffect:
    """Return the difference and lift of a value that ``hits`` have, of the ``known``.

    The difference's interval is Newcombe's (1998, method 10: both shares' Wilson limits), with the
    correlation of overlapping groups as Zou and Donner (2008, eq. 4) have it. The lift's is on the
    log scale (Katz et al. 1978) with the same overlap. A lift on nobody is ``zero_reference``.
    """
    a, b = Share(hits.a, known.a), Share(hits.b, known.b)
    if known.refusal:
        return ShareEffect(value, a, b, reason=known.refusal, lift_reason=known.refusal)
    share_a, share_b = hits.a / known.a, hits.b / known.b
    difference = share_a - share_b
    interval = _difference(share_a, share_b, wilson(*_pair(a)), wilson(*_pair(b)), known)
    if not hits.b:
        return ShareEffect(value, a, b, difference, interval, lift_reason="zero_reference")
    lift = share_a / share_b
    return ShareEffect(
        value, a, b, difference, interval, lift=lift, lift_interval=_lift(lift, hits, known)
    )


def _pair(share: Share) -> tuple[int, int]:
    return share.hits, share.known


def _difference(a: float, b: float, of_a: Interval, of_b: Interval, known: Shared) -> Interval:
    return Interval(
        a - b - _joined(a - of_a.low, of_b.high - b, known.correlation),
        a - b + _joined(of_a.high - a, b - of_b.low, known.correlation),
    )


def _joined(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other))


def _lift(lift: float, hits: Shared, known: Shared) -> Interval | None:
    """None where nobody of A has the value: the logarithm of 0 has no interval."""
    if not hits.a:
        return None
    variance = 1 / hits.a - 1 / known.a + 1 / hits.b - 1 / known.b
    share = hits.b / known.b
    variance -= 2 * known.both * (1 - share) / (known.a * known.b * share)
    half = Z * sqrt(max(0.0, variance))
    return Interval(exp(log(lift) - half), exp(log(lift) + half))


# --- categories and truths ---


@dataclass(frozen=True)
class CategoryEffect:
    """All values of a category, and how much the two groups differ in them.

    ``v`` is Cramér's V of the table value × group (of a truth: φ, with the sign of A's surplus of
    true), which shrinks when one group is small. ``strength`` is V as if both were of one size, and
    free of what chance alone adds, so that it ranks with numbers.
    """

    values: tuple[ShareEffect, ...]
    v: float | None = None
    strength: float | None = None
    reason: Reason | None = None


def category_effect(
    only_a: Counts, both: Counts, only_b: Counts, values: Sequence[str]
) -> CategoryEffect:
    """Return the effect over ``values``, each with its shares; a value of nobody counts for none.

        V² = Σ_k Σ_g n_g (p_gk - p_k)² / p_k / (n_A + n_B)              (Cramér 1946, §21.9)     (5)
        r² = max(0, Σ_k (p_Ak - p_Bk)² / (2 (p_Ak + p_Bk)) - (K - 1) e / 4)                      (6)

    (6) is (5) at n_A = n_B less its expectation where the groups do not differ.
    """
    a, b = only_a + both, both + only_b
    known = Shared(a.known, b.known, both.known)
    shares = tuple(
        share_effect(value, Shared(a.of(value), b.of(value), both.of(value)), known)
        for value in values
    )
    if known.refusal:
        return CategoryEffect(shares, reason=known.refusal)
    present = [(a.of(v) / known.a, b.of(v) / known.b) for v in values if a.of(v) + b.of(v)]
    if len(present) < 2:
        return CategoryEffect(shares, reason="no_variance")
    balanced = sum((p - q) ** 2 / (2 * (p + q)) for p, q in present)
    chance = (len(present) - 1) * known.inverse / 4
    return CategoryEffect(shares, _cramer(present, known), sqrt(max(0.0, balanced - chance)))


def truth_effect(only_a: Counts, both: Counts, only_b: Counts) -> CategoryEffect:
    """The same of a truth (values ``true`` and ``false``), with the sign of A's surplus of true."""
    found = category_effect(only_a, both, only_b, ("true", "false"))
    if found.v is None or found.strength is None:
        return found
    sign = found.values[0].difference or 0.0
    return CategoryEffect(found.values, copysign(found.v, sign), copysign(found.strength, sign))


def _cramer(present: Iterable[tuple[float, float]], known: Shared) -> float:
    n = known.a + known.b
    total = 0.0
    for of_a, of_b in present:
        expected = (known.a * of_a + known.b * of_b) / n
        apart = known.a * (of_a - expected) ** 2 + known.b * (of_b - expected) ** 2
        total += apart / expected / n
    return sqrt(total)
