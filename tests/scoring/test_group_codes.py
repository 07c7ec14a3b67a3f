"""A group keeps its code from training to training; what names a code that ends is told."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from common.errors import DomainError
from customers.catalogue import rule_catalogue
from customers.models import Attribute
from lake.models import Partition
from scoring import definitions
from scoring.codes import Place, ended_codes, without
from scoring.kinds.groups import codes_of
from scoring.learning.groups import BehaviourGroups
from scoring.models import Model, ModelVersion
from scoring.registry import load
from scoring.score import score
from scoring.services import approve, propose, publish_directly, roll_back, withdraw
from segmentation.audiences.services import define_audience
from segmentation.dimensions import Name
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, make_snapshot, published, trained
from .kind_models import attribute, read, shown

pytestmark = pytest.mark.django_db
LATER = DAY + timedelta(days=30)
MUCH_LATER = DAY + timedelta(days=60)
MODEL: dict[str, Any] = {
    "code": "groups",
    "name": {"zh": "客户群", "en": "Groups"},
    "kind": "behaviour_groups",
    "output": "behaviour_group",
    "features": ["calls", "traffic"],
    "value": ["arpu"],
}
# Talkers, surfers, the idle; and people who do both.
CENTRES = {"talk": (9.0, 1.0), "surf": (1.0, 9.0), "idle": (1.0, 1.0), "both": (9.0, 9.0)}


@pytest.fixture(autouse=True)
def _models(catalogue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"most_groups": 5, "starts": 3, "pairs": 3}
    whole = BehaviourGroups.__init__.__kwdefaults__
    monkeypatch.setattr(BehaviourGroups.__init__, "__kwdefaults__", whole | quick)
    attribute("calls", "number")
    attribute("traffic", "number")
    attribute("behaviour_group", "category", "score", tuple(f"g{n}" for n in range(1, 8)))
    definitions.load([MODEL], "test")


def day_of(day: date, **sizes: int) -> tuple[Partition, np.ndarray]:
    """A snapshot of so many people of each kind, each near its centre; and their kinds."""
    kinds = np.repeat(list(sizes), list(sizes.values()))
    rng = np.random.default_rng(day.toordinal())
    centres = np.array([CENTRES[kind] for kind in kinds])
    calls, traffic = (centres + rng.normal(0, 0.5, centres.shape)).T
    made = make_snapshot(
        rows=len(kinds), day=day, seed=day.toordinal(), calls=calls, traffic=traffic
    )
    return made, kinds


def code_by_kind(version: ModelVersion, day: tuple[Partition, np.ndarray]) -> dict[str, str]:
    """What most people of each kind are called by the version."""
    snapshot, kinds = day
    scores = read(score(snapshot, [version], progress=lambda done, total: None))
    found = np.array(scores.column("behaviour_group").to_pylist())
    told = {}
    for kind in dict.fromkeys(kinds.tolist()):
        names, counts = np.unique(found[kinds == kind], return_counts=True)
        told[kind] = str(names[counts.argmax()])
    return told


def test_groups_keep_their_codes_however_their_sizes_order_them() -> None:
    first = day_of(DAY, talk=700, surf=500, idle=300)
    before = code_by_kind(published("groups", day=DAY), first)
    assert before == {"talk": "g1", "surf": "g2", "idle": "g3"}
    # By size they would be numbered the other way round.
    second = day_of(LATER, talk=300, surf=500, idle=700)
    assert code_by_kind(trained("groups", day=LATER), second) == before


def test_the_report_tells_what_became_of_each_group() -> None:
    day_of(DAY, talk=600, surf=500, idle=400)
    published("groups", day=DAY)
    day_of(LATER, talk=600, surf=500, idle=400, both=500)
    version = trained("groups", day=LATER)
    told = {one["code"]: one for one in version.report["continuity"]["groups"]}
    assert codes_of(version) == ["g1", "g2", "g3", "g4"]
    assert told["g4"]["before"] is None
    assert told["g4"]["others"][0][1] > 0
    sizes = {g["code"]: g["customers"] for g in version.report["profiles"]["groups"]}
    assert {code: one["after"] for code, one in told.items()} == sizes
    assert sum(one["before"] or 0 for one in told.values()) == 2000
    kept = told["g3"]
    assert kept["low"] < kept["share"] <= kept["high"]
    page = " ".join(shown(version).split())
    assert "What became of the groups of version 1" in page
    assert f"continues g3: {kept['share']:.0%} of its customers stay" in page
    assert "new group" in page


def test_a_code_that_was_ever_in_use_is_never_given_again() -> None:
    day_of(DAY, talk=700, surf=500, idle=300)
    first = published("groups", day=DAY)
    day_of(LATER, talk=700, surf=800)
    second = publish_directly(trained("groups", day=LATER), by="operations")
    [ended] = {*codes_of(first)} - {*codes_of(second)}
    told = {one["code"]: one for one in second.report["continuity"]["groups"]}
    assert ended == "g3"
    assert told[ended]["after"] is None
    assert "ends" in shown(second)
    day_of(MUCH_LATER, talk=500, surf=500, both=500)
    third = trained("groups", day=MUCH_LATER)
    assert {*codes_of(third)} == {*codes_of(second), "g4"}


def test_after_a_withdrawal_the_codes_of_the_version_last_in_use_are_continued() -> None:
    day_of(DAY, talk=700, surf=500, idle=300)
    first = published("groups", day=DAY)
    withdraw(first, note="drifted", by="ann")
    second = day_of(LATER, talk=300, surf=500, idle=700)
    version = trained("groups", day=LATER)
    assert version.definition["continues"] == first.pk
    assert code_by_kind(version, second) == {"talk": "g1", "surf": "g2", "idle": "g3"}


def test_a_feature_that_is_gone_since_does_not_stop_the_matching() -> None:
    day_of(DAY, talk=700, surf=500, idle=300)
    published("groups", day=DAY)
    Model.objects.filter(pk="groups").update(
        definition={k: v for k, v in MODEL.items() if k not in ("code", "name", "kind")}
        | {"features": ["calls", "tenure"]}
    )
    Attribute.objects.filter(pk="traffic").delete()
    day_of(LATER, talk=700, surf=500, idle=300)
    version = trained("groups", day=LATER)
    assert version.report["continuity"]["version"] == 1


def test_groups_that_were_matched_to_another_version_are_not_put_to_use() -> None:
    day_of(DAY, talk=700, surf=500, idle=300)
    one = trained("groups", day=DAY)
    day_of(LATER, talk=300, surf=500, idle=700)
    other = trained("groups", day=LATER)
    publish_directly(one, by="operations")
    propose(other, by="ann")
    with pytest.raises(DomainError) as refusal:
        approve(other, by="ben")
    assert (refusal.value.code, refusal.value.status) == ("groups_not_matched", 409)
    with pytest.raises(DomainError):
        publish_directly(other, by="operations")


def test_a_new_code_must_be_in_the_catalogue() -> None:
    values = [{"code": f"g{n}", "zh": "群", "en": "group"} for n in (1, 2)]
    Attribute.objects.filter(pk="behaviour_group").update(values=values)
    day_of(DAY, talk=700, surf=500, idle=300)
    version = propose(trained("groups", day=DAY), by="ann")
    with pytest.raises(DomainError) as refusal:
        approve(version, by="ben")
    assert refusal.value.code == "code_not_in_catalogue"
    assert refusal.value.extra["missing"] == ["g3"]


@pytest.fixture
def ending() -> tuple[ModelVersion, ModelVersion, str]:
    """A version in use, a proposed one, and the code that ends with it."""
    day_of(DAY, talk=500, surf=500, idle=500)
    first = published("groups", day=DAY)
    day_of(LATER, talk=700, surf=800)
    second = propose(trained("groups", day=LATER), by="ann")
    [code] = {*codes_of(first)} - {*codes_of(second)}
    return first, second, code


def test_who_names_a_code_that_ends_is_told_and_must_let_go_of_it_first(ending: Any) -> None:
    _first, second, code = ending
    kept = codes_of(second)[0]
    rules = {"idle": f"behaviour_group = '{code}'", "other": f"behaviour_group = '{kept}'"}
    for name, rule in rules.items():
        define_audience(code=name, name=Name(name, name), expression={"rule": rule}, by="test")
    [one] = ended_codes(second)
    assert (one.code, [place.label for place in one.places]) == (code, ["audience idle"])
    with pytest.raises(DomainError) as refusal:
        approve(second, by="ben")
    assert refusal.value.code == "code_still_named"
    assert f"{code}: audience idle" in refusal.value.message
    define_audience(
        code="idle", name=Name("idle", "idle"), expression={"rule": rules["other"]}, by="test"
    )
    assert approve(second, by="ben").state == "published"


def test_what_is_named_is_not_withdrawn_under_its_reader(ending: Any) -> None:
    first, _second, code = ending
    rule = {"rule": f"behaviour_group = '{code}'"}
    define_audience(code="idle", name=Name("idle", "idle"), expression=rule, by="test")
    with pytest.raises(DomainError) as refusal:
        withdraw(first, note="", by="ann")
    assert (refusal.value.code, refusal.value.status) == ("still_named", 409)
    assert refusal.value.extra["places"] == ["audience idle"]


def test_a_command_lets_no_named_code_end_either(ending: Any) -> None:
    _first, second, code = ending
    rule = {"rule": f"behaviour_group = '{code}'"}
    define_audience(code="idle", name=Name("idle", "idle"), expression=rule, by="test")
    with pytest.raises(DomainError) as refusal:
        publish_directly(second, by="operations")
    assert refusal.value.code == "code_still_named"


def test_the_way_back_is_open_whatever_names_what(ending: Any) -> None:
    first, second, _code = ending
    approve(second, by="ben")
    assert roll_back(first, by="ben").state == "published"


def test_a_population_that_names_a_code_is_a_place_too(ending: Any) -> None:
    _first, second, code = ending
    population = {"population": f"behaviour_group in ('{code}', 'g7')"}
    Model.objects.create(
        code="m", name_zh="子", name_en="Sub", kind="uplift", definition=population
    )
    assert ended_codes(second)[0].places == [Place("model Sub")]


def test_a_version_of_before_codes_were_written_down_ends_them_too(ending: Any) -> None:
    first, second, code = ending
    del first.definition["codes"]
    first.save()
    assert [one.code for one in ended_codes(second)] == [code]


def test_the_population_that_is_in_use_counts_whatever_was_written_since(ending: Any) -> None:
    _first, second, code = ending
    model = Model.objects.create(
        code="m", name_zh="子", name_en="Sub", kind="uplift", definition={"population": "true"}
    )
    used = {"population": f"behaviour_group = '{code}'"}
    ModelVersion.objects.create(model=model, number=1, definition=used, state="published")
    assert ended_codes(second)[0].places == [Place("model Sub")]


def test_the_version_s_page_warns_before_anybody_decides(
    ending: Any, client: Any, page_settings: None
) -> None:
    _first, second, code = ending
    make_province()
    define_audience(
        code="idle",
        name=Name("idle", "idle"),
        expression={"rule": f"behaviour_group = '{code}'"},
        by="test",
    )
    client.cookies["django_language"] = "en"
    for role, organisation, told in (
        ("approver", "zhejiang", True),
        ("auditor", "zhejiang", False),
    ):
        client.force_login(make_user(role, organisation, username=role))
        page = client.get(f"/models/groups/{second.number}/").content.decode()
        assert ("audience idle" in page) is told, role


def test_a_catalogue_without_a_code_has_all_the_others() -> None:
    whole = rule_catalogue()
    less = without(whole, "behaviour_group", "g2")
    assert [v[0] for v in less["behaviour_group"].values] == ["g1", "g3", "g4", "g5", "g6", "g7"]
    assert {**whole} | {"behaviour_group": None} == {**less} | {"behaviour_group": None}


def test_a_renamed_estimator_is_read_again_as_it_was() -> None:
    day_of(DAY, talk=500, surf=500, idle=500)
    version = trained("groups", day=DAY)
    fitted = load(version.file, version.signature)
    assert isinstance(fitted, BehaviourGroups)
    assert fitted.codes_ == version.definition["codes"] == codes_of(version)
