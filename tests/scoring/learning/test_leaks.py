"""Features that know the outcome are refused, and no honest one with them."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from bench import public_data
from bench.public_data import Outcomes
from scoring.learning.features import Feature
from scoring.learning.leaks import LEAK, Finding, LeakDetector, leaks
from scoring.learning.refusal import NotEstimable

HONEST = tuple(f"use{i}" for i in range(6))


def made(rows: int = 12_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six honest numbers that tell parts of one story; about a tenth has the outcome."""
    rng = np.random.default_rng(seed)
    story = rng.normal(size=rows)
    x = story[:, None] + 1.5 * rng.normal(size=(rows, 6))
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, rng.random(rows) < 1 / (1 + np.exp(3.2 - 1.6 * story))


def found(
    extra: np.ndarray, *, categories: tuple[str, ...] | None = None, **more: object
) -> Finding:
    """What is found of one more feature; the honest ones must stay honest beside it."""
    x, y = made()
    features = (*(Feature(a) for a in HONEST), Feature("extra", categories))
    findings = leaks(np.column_stack([x, extra]), y, features, **more)
    assert {f.verdict for f in findings[:-1]} == {"ok"}
    return findings[-1]


X, Y = made()
RNG = np.random.default_rng(9)
ROWS = len(Y)


def test_honest_features_are_let_through() -> None:
    assert found(RNG.normal(size=ROWS)).verdict == "ok"


def test_a_near_copy_of_the_outcome_is_a_leak_either_way_round() -> None:
    wrong = RNG.random(ROWS) < 0.001
    one = found((Y ^ wrong).astype(float))
    other = found((~Y ^ wrong).astype(float))
    assert one.verdict == other.verdict == LEAK
    assert "copies" in one.why
    assert "copies" in other.why


def test_a_shape_that_is_not_an_order_is_seen_as_well() -> None:
    # In the middle where it happened, at both ends where not: an order would see nothing.
    one = found(np.where(Y, RNG.normal(size=ROWS) / 50, RNG.choice([-1.0, 1.0], ROWS)))
    assert one.verdict == LEAK
    assert one.auc.value > 0.98


def test_what_is_filled_in_only_afterwards_is_a_leak() -> None:
    reason = np.where(Y & (RNG.random(ROWS) < 0.3), RNG.integers(0, 40, ROWS), np.nan)
    one = found(reason, categories=tuple(f"reason {i}" for i in range(40)))
    assert (one.verdict, one.why, one.value) == (LEAK, ("one_outcome",), "known")


def test_a_code_that_comes_with_one_outcome_only_is_a_leak() -> None:
    status = np.where(Y & (RNG.random(ROWS) < 0.3), 2.0, RNG.integers(0, 2, ROWS))
    one = found(status, categories=("new", "old", "left"))
    assert (one.verdict, one.why, one.value) == (LEAK, ("one_outcome",), "left")


def test_a_range_that_comes_with_one_outcome_only_is_a_leak() -> None:
    fee = np.where(Y & (RNG.random(ROWS) < 0.2), RNG.uniform(50, 90, ROWS), 0.0)
    one = found(fee)
    assert one.verdict == LEAK
    assert one.value is not None
    assert one.value == "0 …"


def test_missing_where_it_happened_is_a_leak() -> None:
    one = found(np.where(Y & (RNG.random(ROWS) < 0.5), np.nan, RNG.normal(size=ROWS)))
    assert (one.verdict, one.value) == (LEAK, "missing")


def test_a_few_rows_that_chance_made_pure_are_no_leak() -> None:
    code = RNG.integers(0, 3, ROWS).astype(float)
    code[np.flatnonzero(Y)[:20]] = 3
    assert found(code, categories=("a", "b", "c", "d")).verdict == "ok"


def test_as_good_as_all_others_and_on_top_of_them_is_a_leak() -> None:
    one = found(RNG.normal(size=ROWS) + 1.6 * Y)
    assert (one.verdict, one.why) == (LEAK, ("too_good_alone",))
    assert one.gain.low > 0.05
    assert one.rest.value < one.auc.value + 0.03


def test_one_driver_beside_idle_ones_is_not_convicted() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 3))
    y = rng.random(4000) < 1 / (1 + np.exp(2 - 2 * x[:, 0]))
    one, *idle = leaks(x, y, [Feature("a"), Feature("b"), Feature("c")])
    assert one.verdict == "suspect"
    assert {f.verdict for f in idle} == {"ok"}


def test_two_strong_measures_of_one_thing_are_honest() -> None:
    rng = np.random.default_rng(1)
    strong = rng.normal(size=20_000)
    x = np.column_stack([strong, strong + rng.normal(size=20_000) / 3, rng.normal(size=20_000)])
    y = rng.random(20_000) < 1 / (1 + np.exp(2 - 2.5 * strong))
    features = [Feature("silent days"), Feature("days since use"), Feature("c")]
    assert [f.attribute for f in leaks(x, y, features) if f.verdict == LEAK] == []


def test_what_the_catalogue_declares_is_a_leak_and_nobody_vouches_for_it() -> None:
    extra = RNG.normal(size=ROWS)
    one = found(extra, known_after=["extra"])
    assert (one.verdict, one.why) == (LEAK, ("known_after",))
    assert found(extra, known_after=["extra"], vouched=["extra"]).verdict == LEAK


def test_a_person_may_vouch_for_a_feature() -> None:
    one = found(RNG.normal(size=ROWS) + 1.6 * Y, vouched=["extra"])
    assert (one.verdict, one.vouched, one.why) == ("suspect", True, ("too_good_alone",))


def test_a_day_after_the_as_of_day_is_suspect() -> None:
    day = np.where(RNG.random(ROWS) < 0.01, 20_010.0, 19_000.0)
    assert found(day, dates=["extra"], as_of=20_000).why == ("dated_after",)
    assert found(day, dates=["extra"], as_of=20_010).verdict == "ok"


def test_a_number_dealt_in_the_order_of_the_outcome_is_a_leak() -> None:
    number = np.empty(ROWS)
    number[np.argsort(~Y, kind="stable")] = np.arange(ROWS)
    assert found(number).verdict == LEAK


def test_leaks_do_not_hide_each_other() -> None:
    x, y = made()
    rng = np.random.default_rng(4)
    extra = [rng.normal(size=len(y)) + 1.7 * y for _ in range(3)]
    features = [Feature(a) for a in (*HONEST, "e0", "e1", "e2")]
    findings = leaks(np.column_stack([x, *extra]), y, features)
    assert [f.attribute for f in findings if f.verdict == LEAK] == ["e0", "e1", "e2"]


def test_useless_columns_do_no_harm() -> None:
    assert found(np.full(ROWS, np.nan)).verdict == "ok"
    assert found(np.full(ROWS, 3.0)).verdict == "ok"
    assert found(np.arange(ROWS) * 1.0, categories=tuple(map(str, range(ROWS)))).verdict == "ok"


def test_one_outcome_only_is_refused() -> None:
    with pytest.raises(NotEstimable, match="one_class"):
        leaks(X, np.zeros(ROWS, bool), [Feature(a) for a in HONEST])


def test_the_same_rows_give_the_same_findings_in_plain_values() -> None:
    features = tuple(Feature(a) for a in HONEST)
    told = [json.dumps([asdict(f) for f in leaks(X, Y, features)], allow_nan=False) for _ in "ab"]
    assert told[0] == told[1]


def test_progress_may_stop_it() -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    detector = LeakDetector(tuple(Feature(a) for a in HONEST))
    with pytest.raises(InterruptedError):
        detector.fit(X, Y, progress=stop)
    assert not hasattr(detector, "findings_")


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (public_data.uci_bank, ["duration"]),
        (public_data.ibm_telco, []),
        (public_data.bigml_churn, []),
    ],
)
def test_public_data_lose_their_leaks_only(load: Callable[[], Outcomes], wanted: list[str]) -> None:
    if not public_data.FOLDER.is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{public_data.FOLDER} must hold the public data sets")
        pytest.skip(f"no {public_data.FOLDER}")
    data = load()
    assert LeakDetector(data.features).fit(data.x, data.y).leaks_ == wanted


def test_a_second_driver_that_adds_much_but_stays_behind_the_rest_is_honest() -> None:
    rng = np.random.default_rng(2)
    story, other = rng.normal(size=(2, 12_000))
    x = np.column_stack([story[:, None] + 0.3 * rng.normal(size=(12_000, 3)), other])
    y = rng.random(12_000) < 1 / (1 + np.exp(2 - 3.6 * story - 3.1 * other))
    *alike, one = leaks(x, y, [Feature(a) for a in ("a", "b", "c", "second")])
    assert {f.verdict for f in alike} == {"ok"}
    assert one.rest is not None
    assert one.gain.low > 0.05
    assert one.auc.value < one.rest.value - 0.03
    assert one.verdict == "ok"
