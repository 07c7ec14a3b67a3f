"""Second SIM: an index of agreed signs against one's peers, with its reasons."""

from collections.abc import Callable

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning.features import Feature
from scoring.learning.reasons import NONE
from scoring.learning.refusal import NotEstimable
from scoring.learning.second_sim import CAP, SIGNALS, Part, SecondSim, Signal

NUMBERS = (
    "competitor_calls",
    "silent_days",
    "balance",
    "voice_change",
    "data_change",
    "voice_minutes",
    "age",
)
FEATURES = (*(Feature(name) for name in NUMBERS), Feature("brand", ("gotone", "mzone")))
PLACE = {feature.attribute: i for i, feature in enumerate(FEATURES)}
NAN = float("nan")


def people(rows: int = 3000, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = [
        rng.poisson(0.2, rows),
        rng.poisson(2, rows),
        rng.lognormal(3.5, 0.8, rows),
        rng.normal(0, 20, rows),
        rng.normal(0, 25, rows),
        rng.lognormal(5, 0.7, rows),
        rng.integers(14, 80, rows),
        rng.integers(0, 2, rows),
    ]
    x = np.column_stack(columns).astype(np.float64)
    x[:, PLACE["voice_minutes"]] *= 1 + 2 * x[:, PLACE["brand"]]
    x[rng.random(x.shape) < 0.03] = NAN
    return x


X = people()
FITTED = SecondSim(FEATURES).fit(X)


def index_slowly(row: np.ndarray, x: np.ndarray) -> float:
    """One customer against his peers, signal by signal."""
    cuts = (25, 35, 45, 60)

    def kind(r: np.ndarray) -> tuple[float | None, int | None]:
        age, brand = r[PLACE["age"]], r[PLACE["brand"]]
        band = None if np.isnan(age) else sum(age >= cut for cut in cuts)
        return (None if np.isnan(brand) else brand), band

    def deviation(part: Part) -> float:
        column = PLACE[part.attribute]
        peers = np.array([r[column] for r in x if kind(r) == kind(row)])
        peers = peers[~np.isnan(peers)]
        if len(peers) < 30 or peers.std() == 0:
            peers = x[~np.isnan(x[:, column]), column]
        off = (row[column] - peers.mean()) / peers.std() * (1 if part.high else -1)
        if part.at_least is None or np.isnan(off):
            return float(np.clip(off, 0, CAP))
        return CAP if off >= part.at_least else 0.0

    points = known = 0.0
    for signal in SIGNALS:
        parts = [deviation(part) for part in signal.parts]
        if not np.isnan(parts).any():
            known += signal.weight
            points += signal.weight * min(parts)
    total = sum(signal.weight for signal in SIGNALS)
    return 100 * points / (CAP * total) if known >= total / 2 else NAN


FEWER = X[:500]
OF_FEWER = SecondSim(FEATURES).fit(FEWER)  # some peer groups are too small there


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(X) - 1))
def test_the_index_is_that_of_one_held_against_his_peers(row: int) -> None:
    found = OF_FEWER.predict(X[row : row + 1])[0]
    assert found == pytest.approx(index_slowly(X[row], FEWER), nan_ok=True)


def one(**values: float) -> np.ndarray:
    """An ordinary customer but for ``values``."""
    usual = {name: float(np.nanmean(X[:, PLACE[name]])) for name in NUMBERS} | {"brand": 0.0}
    return np.array([[(usual | values)[feature.attribute] for feature in FEATURES]])


SUSPECT = {"competitor_calls": 3, "silent_days": 12, "voice_change": -70, "voice_minutes": 2}


def test_a_suspect_is_marked_and_told_why() -> None:
    x = one(**SUSPECT)
    assert FITTED.predict(x)[0] > 70
    assert FITTED.mark(x)[0]
    told = [FITTED.reasons_[place] for place in FITTED.reasons(x)[0]]
    assert [r.attribute for r in told] == ["competitor_calls", "silent_days", "voice_change"]
    for reason in told:
        assert reason.low <= x[0, PLACE[reason.attribute]] < reason.high


def test_an_ordinary_customer_is_not() -> None:
    assert FITTED.predict(one())[0] < 10
    assert FITTED.reasons(one())[0].tolist() == [NONE] * 3


def test_silence_with_an_empty_account_is_another_matter() -> None:
    kept, spent = one(silent_days=12), one(silent_days=12, balance=0)
    assert FITTED.predict(kept)[0] > FITTED.predict(spent)[0] + 15


def test_peers_are_of_the_same_brand() -> None:
    """The second brand's customers talk three times as much: what is usual here is little there."""
    minutes = float(np.nanmedian(X[X[:, PLACE["brand"]] == 0, PLACE["voice_minutes"]])) / 2
    here, there = one(voice_minutes=minutes), one(voice_minutes=minutes, brand=1)
    assert FITTED.predict(there)[0] > FITTED.predict(here)[0]


def test_what_is_unknown_is_no_sign() -> None:
    assert (
        FITTED.predict(one(**SUSPECT | {"voice_change": NAN}))[0]
        < FITTED.predict(one(**SUSPECT))[0]
    )
    assert np.isnan(FITTED.predict(one(competitor_calls=NAN, silent_days=NAN))[0])
    assert not FITTED.mark(one(competitor_calls=NAN, silent_days=NAN))[0]


@pytest.mark.parametrize("values", [{"brand": 2}, {"brand": NAN}, {"age": NAN}, {"age": 200}])
def test_unseen_and_unknown_peers_are_held_against_somebody(values: dict[str, float]) -> None:
    assert 0 <= FITTED.predict(one(**values))[0] <= 100


def test_reasons_hold_of_whom_they_are_told() -> None:
    places = FITTED.reasons(X)
    assert (places != NONE).any()
    for row, given_ in zip(X, places, strict=True):
        for place in given_[given_ != NONE]:
            reason = FITTED.reasons_[place]
            assert reason.low <= row[PLACE[reason.attribute]] < reason.high


def test_peers_who_are_all_alike_leave_the_measure_to_everybody() -> None:
    x = X.copy()
    x[x[:, PLACE["brand"]] == 0, PLACE["competitor_calls"]] = 0
    asks = one(competitor_calls=3)
    assert SecondSim(FEATURES).fit(x).predict(asks)[0] > 25


def test_all_alike_tell_nothing() -> None:
    x = np.repeat(one(), 50, axis=0)
    assert (SecondSim(FEATURES).fit(x).predict(x) == 0).all()


def test_it_survives_its_file() -> None:
    file = skops.io.dumps(FITTED)
    again = skops.io.loads(file, trusted=skops.io.get_untrusted_types(data=file))
    np.testing.assert_array_equal(again.predict(X), FITTED.predict(X))
    np.testing.assert_array_equal(again.reasons(X), FITTED.reasons(X))
    assert again.reasons_ == FITTED.reasons_


def test_it_can_be_stopped_between_groups() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    stopped: Callable[[int, int], None] = stop
    model = SecondSim(FEATURES)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, progress=stopped)
    assert not hasattr(model, "means_")


def test_no_rows_missing_attributes_and_empty_signals_are_refused() -> None:
    with pytest.raises(NotEstimable):
        SecondSim(FEATURES).fit(X[:0])
    with pytest.raises(ValueError, match="competitor_calls"):
        SecondSim(FEATURES[1:]).fit(X[:, 1:])
    with pytest.raises(ValueError, match="weight"):
        Signal(0.0, (Part("balance"),))
