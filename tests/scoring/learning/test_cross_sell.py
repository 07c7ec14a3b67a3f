"""The next best product: by expected value, from propensity or, without one, from association."""

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning.association import PairCounts
from scoring.learning.cross_sell import ASSOCIATION, NONE, PROPENSITY, NextBest, Product
from scoring.learning.items import flags

LADDER = (
    Product("silver", 20, None, "broadband", 1),
    Product("gold", 50, 0.1, "broadband", 2),
    Product("bronze", 8, 0.2, "broadband", 0),
)
PRODUCTS = (
    Product("music", 5.0, 0.2),
    Product("games", 12.0),
    Product("cloud", -3.0, 0.5),
    *LADDER,
    Product("books", 5.0, 0.2),
)
NAN = float("nan")


def counts(rows: int = 4000) -> PairCounts:
    rng = np.random.default_rng(1)
    held = rng.random((rows, len(PRODUCTS))) < 0.2
    held[:, 0] |= held[:, 1] & (rng.random(rows) < 0.7)
    names = [product.code for product in PRODUCTS]
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in held.T], names=names)
    return PairCounts(flags("service", names)).add(batch)


FITTED = NextBest(PRODUCTS).fit(counts())


def chosen_slowly(
    model: NextBest, holdings: list[float], propensities: list[float]
) -> tuple[int, float, int, int, bool]:
    """One customer: every product in the order of codes, the better one kept."""
    best = (NONE, NAN, NONE, NONE, False)
    for offered in sorted(range(len(model.products)), key=lambda i: model.products[i].code):
        product = model.products[offered]
        ladder = [
            (p.tier, p.margin)
            for p, held in zip(model.products, holdings, strict=True)
            if held == 1 and p.ladder is not None and p.ladder == product.ladder
        ]
        if holdings[offered] != 0 or (ladder and max(ladder)[0] > product.tier):
            continue
        chance, source, because = propensities[offered], PROPENSITY, NONE
        if np.isnan(chance):
            if product.base_rate is None:
                continue
            lift, source, strength = 1.0, ASSOCIATION, 0.0
            for other in range(len(model.products)):
                other_lift = model.lifts_[other, offered]
                if holdings[other] == 1 and abs(np.log(other_lift)) > strength:
                    lift, because, strength = other_lift, other, abs(np.log(other_lift))
            chance = min(product.base_rate * lift, 1.0)
        value = chance * (product.margin - (max(ladder)[1] if ladder else 0))
        if value > (0 if best[0] == NONE else best[1]):
            best = (offered, value, source, because, bool(ladder))
    return best


size = len(PRODUCTS)
rows_ = st.lists(
    st.tuples(
        st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=size, max_size=size),
        st.lists(st.sampled_from([NAN, 0.0, 0.1, 0.5, 1.0]), min_size=size, max_size=size),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(rows_)
def test_it_chooses_as_a_loop_over_customers_and_products(rows: list[tuple]) -> None:
    holdings, propensities = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = FITTED.predict(holdings, propensities)
    for row, (held, chances) in enumerate(rows):
        product, value, source, because, upsell = chosen_slowly(FITTED, held, chances)
        assert (found.product[row], found.source[row]) == (product, source)
        assert (found.because[row], found.upsell[row]) == (because, upsell)
        assert found.value[row] == pytest.approx(value, nan_ok=True)


def one(holdings: dict[str, float], propensities: dict[str, float]) -> tuple[str | None, float]:
    codes = [product.code for product in PRODUCTS]
    held = np.array([[holdings.get(code, 0.0) for code in codes]])
    chances = np.array([[propensities.get(code, 0.0) for code in codes]])
    found = FITTED.predict(held, chances)
    place = int(found.product[0])
    return (None if place == NONE else codes[place]), float(found.value[0])


def test_expected_value_is_propensity_times_margin() -> None:
    assert one({}, {"music": 0.5, "games": 0.25}) == ("games", 3.0)


def test_ties_go_by_code() -> None:
    assert one({}, {"music": 0.5, "books": 0.5})[0] == "books"


def test_nothing_that_he_has_may_have_or_that_loses_money() -> None:
    assert one({"music": 1, "games": NAN}, {"music": 1, "games": 1, "cloud": 1})[0] is None


def test_a_dearer_tier_earns_what_it_earns_more_and_a_cheaper_one_is_not_offered() -> None:
    assert one({"silver": 1}, {"gold": 0.5, "bronze": 1}) == ("gold", 15.0)


def test_without_a_model_the_lift_of_what_he_holds_raises_the_base_rate() -> None:
    lift = FITTED.lifts_[1, 0]
    assert lift > 1.4
    assert one({"games": 1}, {"music": NAN}) == ("music", pytest.approx(0.2 * lift * 5))
    assert one({}, {"music": NAN}) == ("music", pytest.approx(0.2 * 5))


def test_without_counts_the_base_rate_stands_alone_and_nothing_is_the_reason() -> None:
    model = NextBest([Product("a", 1.0, 0.5), Product("b", 1.0, 0.5)]).fit()
    found = model.predict(np.array([[True, False]]), np.full((1, 2), NAN))
    assert (found.value[0], found.because[0]) == (0.5, NONE)


def test_lifts_of_few_are_shrunk_to_one() -> None:
    names = ["a", "b"]
    batch = pa.RecordBatch.from_arrays([pa.array([True, True, False, False])] * 2, names=names)
    products = [Product(name, 1.0, 0.5) for name in names]
    model = NextBest(products, prior=10).fit(PairCounts(flags("service", names)).add(batch))
    assert model.lifts_[0, 1] == pytest.approx((2 + 10) / (1 + 10))


def test_a_probability_is_never_above_one() -> None:
    products = [Product("a", 1.0, 0.9), Product("b", 1.0, 0.9)]
    model = NextBest(products).fit()
    model.lifts_[:] = 3.0
    found = model.predict(np.array([[True, False]]), np.full((1, 2), NAN))
    assert found.value[0] == 1.0


def test_it_survives_its_file() -> None:
    file = skops.io.dumps(FITTED)
    again = skops.io.loads(file, trusted=skops.io.get_untrusted_types(data=file))
    holdings, propensities = np.zeros((1, size)), np.full((1, size), NAN)
    assert (
        again.predict(holdings, propensities).product
        == FITTED.predict(holdings, propensities).product
    )
    np.testing.assert_array_equal(again.lifts_, FITTED.lifts_)


def test_products_or_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        NextBest([Product("a", 1.0), Product("a", 2.0)]).fit()
    with pytest.raises(ValueError, match="base rate"):
        Product("a", 1.0, 1.5)
    with pytest.raises(ValueError, match="both must be"):
        FITTED.predict(np.zeros((2, 3)), np.zeros((2, 3)))


def test_lifts_that_an_association_found_are_taken_as_they_are() -> None:
    products = (Product("a", 10, 0.1), Product("b", 10, 0.1), Product("c", 1, 0.1))
    lifts = np.array([[1, 3, 1], [3, 1, 0], [1, 0, 1.0]])
    best = NextBest(products).fit(lifts=lifts)
    held = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    found = best.predict(held, np.full((3, 3), np.nan))
    # Who holds a: b at 3 times the base rate. Who holds c never has b.
    assert found.product.tolist() == [1, 0, 0]
    assert found.value.tolist() == pytest.approx([3, 3, 1])
    assert found.because.tolist() == [0, 1, NONE]


def test_lifts_of_other_products_are_an_error() -> None:
    with pytest.raises(ValueError, match="lifts must be"):
        NextBest(PRODUCTS).fit(lifts=np.ones((2, 2)))
