"""A customer's band in each dimension, as SQL: one number, the band's index in ``all_bands``.

Every tree here renders for any engine and binds its values. A number finds its band by halves, in a
tree of CASEs: 3 cuts cost 2 comparisons and 100 cuts 7. Cuts may be columns, a city's own.
"""

import sys
from collections.abc import Sequence
from functools import singledispatch

from sqlglot import exp

from rules import Catalogue, Params, compile_condition

from .dimensions import (
    AttributeDimension,
    Boolean,
    Categories,
    Dimension,
    Quantiles,
    Rules,
    Thresholds,
)

# The table that all band trees read: every attribute that a matrix names, one row per customer.
SOURCE = "source"
LARGEST = sys.float_info.max

Cuts = Sequence[exp.Expression]


@singledispatch
def band_index(
    dimension: Dimension, params: Params, catalogue: Catalogue, cuts: Cuts | None
) -> exp.Expression:
    """Return the index as an INTEGER tree; null only for a value that no band can hold.

    ``cuts`` (thresholds and quantiles) ascend in the order of ``dimension.order``, one fewer than
    bands; None: no customer has a value, all are in the null band.
    """
    raise NotImplementedError(dimension.kind)


@band_index.register
def _by_cuts(
    dimension: Thresholds | Quantiles, params: Params, catalogue: Catalogue, cuts: Cuts | None
) -> exp.Expression:
    unknown = _number(_null_index(dimension))
    if cuts is None:
        return unknown
    number = as_number(dimension.attribute)
    leaves = [_number(index) for index in dimension.order]
    # An unknown number can only arrive at the ends, and only there is it looked for: null and -inf
    # are not above any cut, NaN and inf are above all.
    largest, least = (params.bind(sign * LARGEST, "DOUBLE") for sign in (1, -1))
    leaves[-1] = _if(exp.LTE(this=number.copy(), expression=largest), leaves[-1], unknown)
    leaves[0] = _if(exp.GTE(this=number.copy(), expression=least), leaves[0], unknown)
    return _search(number, cuts, leaves)


def as_number(attribute: str, table: str = SOURCE) -> exp.Expression:
    """The attribute as a DOUBLE: what cuts are compared with."""
    return exp.cast(column(attribute, table), "DOUBLE")


def is_known(number: exp.Expression, params: Params) -> exp.Expression:
    """Whether a number is finite: false or null for null, NaN and the infinities."""
    largest = params.bind(LARGEST, "DOUBLE")
    return exp.LTE(this=exp.Abs(this=number.copy()), expression=largest)


def column(name: str, table: str = SOURCE) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _search(number: exp.Expression, cuts: Cuts, leaves: Cuts) -> exp.Expression:
    """The leaf between whose cuts the number is, found by halves: one leaf more than cuts."""
    if not cuts:
        return leaves[0].copy()
    middle = len(cuts) // 2
    return _if(
        exp.GTE(this=number.copy(), expression=cuts[middle].copy()),
        _search(number, cuts[middle + 1 :], leaves[middle + 1 :]),
        _search(number, cuts[:middle], leaves[: middle + 1]),
    )


@band_index.register
def _by_value(
    dimension: Categories, params: Params, catalogue: Catalogue, cuts: Cuts | None
) -> exp.Expression:
    """A value that no band names and no 'other' takes gets null: the proof counts the customer."""
    value = exp.cast(column(dimension.attribute), "TEXT")
    cases = [(_is_null(value), _null_index(dimension))]
    rest: int | None = None
    for index, band in enumerate(dimension.bands):
        if band.values:
            named = [params.bind(code, "TEXT") for code in band.values]
            cases.append((exp.In(this=value.copy(), expressions=named), index))
        if band.other:
            rest = index
    return _case(cases, rest)


@band_index.register
def _by_truth(
    dimension: Boolean, params: Params, catalogue: Catalogue, cuts: Cuts | None
) -> exp.Expression:
    value = exp.cast(column(dimension.attribute), "BOOLEAN")
    places = {band.value: index for index, band in enumerate(dimension.bands)}
    cases = [(value, places[True]), (exp.Not(this=value.copy()), places[False])]
    return _case(cases, _null_index(dimension))


@band_index.register
def _by_rules(
    dimension: Rules, params: Params, catalogue: Catalogue, cuts: Cuts | None
) -> exp.Expression:
    cases = [
        (compile_condition(band.rule, catalogue).sql(params, SOURCE), index)
        for index, band in enumerate(dimension.bands)
        if band.rule
    ]
    return _case(cases, len(dimension.bands) - 1)


def _case(cases: Sequence[tuple[exp.Expression, int]], rest: int | None) -> exp.Expression:
    """The index of the first condition that is true; ``rest`` if none is."""
    if not cases:
        return exp.null() if rest is None else _number(rest)
    return exp.Case(
        ifs=[exp.If(this=condition, true=_number(index)) for condition, index in cases],
        default=None if rest is None else _number(rest),
    )


def _if(
    condition: exp.Expression, then: exp.Expression, otherwise: exp.Expression
) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=condition, true=then)], default=otherwise)


def _is_null(value: exp.Expression) -> exp.Expression:
    return exp.Is(this=value.copy(), expression=exp.null())


def _null_index(dimension: AttributeDimension) -> int:
    return len(dimension.bands)


def _number(value: int) -> exp.Expression:
    return exp.Literal.number(value)
