"""What was planted can be found again in the files that the source systems hand over."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from sample.groups import GROUPS
from tests.sample.landing import FIRST, TRAINING, Landing


def joined(left: pa.Table, right: pa.Table) -> pa.Table:
    return left.join(right, "customer_no", join_type="inner")


# --- shares ---------------------------------------------------------------------------------------


def test_cities_and_brands_have_their_shares(landing: Landing) -> None:
    table = landing.table(FIRST, "customers")
    for attribute, planted in (("city", "cities"), ("brand", "brands")):
        counted = {v["values"]: v["counts"] for v in pc.value_counts(table[attribute]).to_pylist()}
        for code, share in landing.facts["shares"][planted].items():
            assert counted[code] / len(table) == pytest.approx(share, abs=0.006), code


def test_what_is_unknown_has_its_share(landing: Landing) -> None:
    table = landing.table(FIRST, "customers")
    shares = landing.facts["shares"]["unknown"]
    for attribute in ("gender", "age", "preferred_channel"):
        found = table[attribute].null_count / len(table)
        assert found == pytest.approx(shares[attribute], abs=0.003), attribute
    for attribute in ("brand", "network", "price", "age_months"):
        found = table[f"handset_{attribute}"].null_count / len(table)
        assert found == pytest.approx(shares["handset"], abs=0.003), attribute


# --- churn ----------------------------------------------------------------------------------------


def test_churn_drivers_are_recovered_with_their_coefficients(landing: Landing) -> None:
    table = landing.table(TRAINING, "customers")
    planted = landing.facts["churn"]["log_odds_per_unit"]
    x = np.column_stack([np.nan_to_num(table[name].to_numpy()) for name in planted])
    y = table["left_within_30d"].to_numpy(zero_copy_only=False)
    scale = x.std(axis=0)
    model = LogisticRegression(C=np.inf, max_iter=200).fit(x / scale, y)
    found = model.coef_[0] / scale
    errors = standard_errors(model, x / scale) / scale
    for name, value, error, true in zip(planted, found, errors, planted.values(), strict=True):
        assert abs(value - true) < 4 * error, name
        assert error < 0.1 * abs(true), f"{name}: too few customers to tell"


def standard_errors(model: LogisticRegression, x: np.ndarray) -> np.ndarray:
    p = model.predict_proba(x)[:, 1]
    design = np.column_stack([x, np.ones(len(x))])
    information = (design * (p * (1 - p))[:, None]).T @ design
    return np.sqrt(np.diag(np.linalg.inv(information)))[:-1]


def test_the_true_probability_is_calibrated_and_tells_leavers_apart(landing: Landing) -> None:
    churn = landing.truth("churn", TRAINING)
    p, left = churn["leaving"].to_numpy(), churn["left"].to_numpy(zero_copy_only=False)
    assert left.mean() == pytest.approx(p.mean(), abs=0.002)
    risky = p > 0.3
    assert left[risky].mean() == pytest.approx(p[risky].mean(), abs=0.03)
    assert roc_auc_score(left, p) > 0.85
    assert set(pc.unique(churn["driver"]).to_pylist()) <= {
        *landing.facts["churn"]["log_odds_per_unit"]
    }


# --- products -------------------------------------------------------------------------------------


def test_associations_have_their_lift(landing: Landing) -> None:
    table = landing.table(FIRST, "customers")
    assert len(landing.facts["associations"]) >= 6
    for planted in landing.facts["associations"]:
        first, then = (
            table[planted[side]].to_numpy(zero_copy_only=False) for side in ("first", "then")
        )
        assert first.mean() == pytest.approx(planted["share_first"], rel=0.06), planted
        assert then.mean() == pytest.approx(planted["share_then"], rel=0.06), planted
        lift = then[first].mean() / then.mean()
        assert lift == pytest.approx(planted["lift"], rel=0.1), planted


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("brand", ["gotone", "mzone", "easyown"])
def test_behaviour_groups_can_be_told_apart(landing: Landing, brand: str) -> None:
    table = joined(
        landing.table(FIRST, "customers"), landing.truth("people").select(["customer_no", "group"])
    )
    table = table.filter(pc.equal(table["brand"], brand)).slice(0, 12_000)
    amounts = ["voice_minutes", "sms_count", "mms_count", "data_mb", "roaming_minutes"]
    columns = [np.log1p(table[name].to_numpy()) for name in [*amounts, "tone_changes"]]
    x = np.column_stack([*columns, np.nan_to_num(table["data_change"].to_numpy())])
    x = x[:, x.std(axis=0) > 0]
    kinds = [group.code for group in GROUPS if group.brand == brand]
    assert len(kinds) >= 5
    found = KMeans(len(kinds), n_init=10, random_state=0).fit((x - x.mean(0)) / x.std(0)).labels_
    assert adjusted_rand_score(table["group"].to_pylist(), found) > 0.9


def test_groups_have_their_shares_within_the_brand(landing: Landing) -> None:
    people = landing.truth("churn", TRAINING).select(["customer_no", "group"])
    table = joined(landing.table(TRAINING, "customers"), people)
    groups, brands = table["group"].to_pylist(), np.array(table["brand"].to_pylist())
    for group in landing.facts["groups"]:
        members = np.array(groups) == group["code"]
        assert set(brands[members]) == {group["brand"]}
        share = members.sum() / (brands == group["brand"]).sum()
        assert share == pytest.approx(group["share"], abs=0.01), group["code"]


# --- response and uplift --------------------------------------------------------------------------


def test_pilots_show_the_uplift_that_was_planted(landing: Landing) -> None:
    pilots = landing.truth("pilots")
    policies = landing.facts["pilots"]["policies"]
    assert len(policies) >= 3
    for policy in policies:
        wave = pilots.filter(pc.equal(pilots["policy"], policy))
        treated, ordered = (
            wave[c].to_numpy(zero_copy_only=False) for c in ("contacted", "ordered")
        )
        uplift = wave["contacted_p"].to_numpy() - wave["alone_p"].to_numpy()
        assert treated.mean() == pytest.approx(0.5, abs=0.03)
        high = uplift > np.median(uplift)
        for part in (high, ~high):
            found, error = difference(ordered[part & treated], ordered[part & ~treated])
            assert abs(found - uplift[part].mean()) < 4 * error, policy
        assert difference(ordered[high & treated], ordered[high & ~treated])[0] > 0.04, policy


def difference(treated: np.ndarray, control: np.ndarray) -> tuple[float, float]:
    variances = [arm.mean() * (1 - arm.mean()) / len(arm) for arm in (treated, control)]
    return float(treated.mean() - control.mean()), float(np.sqrt(sum(variances)))


def test_some_are_better_left_alone(landing: Landing) -> None:
    people = landing.truth("people")
    uplift = pc.subtract(people["contacted_p0016"], people["alone_p0016"])
    sleeping = pc.less(uplift, 0)
    assert 0.1 < pc.mean(sleeping.cast(pa.int8())).as_py() < 0.6


def test_pilots_are_in_the_files_as_contacts_and_orders(landing: Landing) -> None:
    """Contacted: a contact, and an order if there was one. Left alone: an order at most."""
    pilots = landing.truth("pilots")
    contacts = pairs(landing.table(FIRST, "contacts"))
    orders = pairs(landing.table(FIRST, "orders"))
    treated = pilots.filter(pilots["contacted"])
    assert pairs(treated) <= contacts
    alone = pilots.filter(pc.invert(pilots["contacted"]))
    assert len(pairs(alone) & contacts) == 0
    assert pairs(pilots.filter(pilots["ordered"])) <= orders


def pairs(table: pa.Table) -> set[tuple[str, str]]:
    return set(zip(table["customer_no"].to_pylist(), table["policy"].to_pylist(), strict=True))
