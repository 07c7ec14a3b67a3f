"""A version is proposed, decided on by another person, taken back; one is in use at a time."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Operation
from common.errors import DomainError
from scoring import services
from scoring.models import Model, ModelVersion, VersionState

pytestmark = pytest.mark.django_db
S = VersionState


@pytest.fixture
def model() -> Model:
    return Model.objects.create(
        code="m", name_zh="模型", name_en="Model", kind="propensity", definition={}
    )


def version(model: Model, state: str = S.TRAINED) -> ModelVersion:
    number = model.versions.count() + 1
    return ModelVersion.objects.create(
        model=model, number=number, state=state, definition={"output": "m"}, trained_by="ann"
    )


def refused(act: Callable[..., object], *arguments: object, **named: object) -> tuple[str, int]:
    with pytest.raises(DomainError) as refusal:
        act(*arguments, **named)
    return refusal.value.code, refusal.value.status


def test_the_way_of_a_version_into_use_and_out_again(model: Model) -> None:
    first, second = version(model), version(model)
    services.propose(first, by="ann")
    services.approve(first, by="ben")
    services.propose(second, by="ann")
    services.approve(second, by="ben")
    states = dict(model.versions.values_list("number", "state"))
    assert states == {1: S.REPLACED, 2: S.PUBLISHED}
    services.roll_back(first, by="ben")
    states = dict(model.versions.values_list("number", "state"))
    assert states == {1: S.PUBLISHED, 2: S.REPLACED}
    services.withdraw(first, note="drifted", by="ann")
    assert not model.versions.published().exists()
    actions = list(Operation.objects.order_by("pk").values_list("action", flat=True))
    assert actions == [
        "propose_model",
        "approve_model",
        "propose_model",
        "approve_model",
        "roll_back_model",
        "withdraw_model",
    ]


@pytest.mark.parametrize("act", [services.approve, services.refuse])
@pytest.mark.parametrize("who", ["ann", "cid"])
def test_nobody_decides_on_what_he_trained_or_proposed(
    model: Model, act: Callable[..., object], who: str
) -> None:
    proposed = services.propose(version(model), by="cid")
    named = {"note": "no"} if act is services.refuse else {}
    assert refused(act, proposed, by=who, **named) == ("own_proposal", 403)
    assert ModelVersion.objects.get().state == S.PROPOSED


@pytest.mark.parametrize("who", ["ann", "cid"])
def test_nobody_goes_back_to_what_he_trained_or_proposed(model: Model, who: str) -> None:
    row = version(model, S.REPLACED)
    row.proposed_by, row.published_at = "cid", timezone.now()
    row.save()
    assert refused(services.roll_back, row, by=who) == ("own_proposal", 403)
    assert ModelVersion.objects.get().state == S.REPLACED


@pytest.mark.parametrize("act", sorted(services.TRANSITIONS))
@pytest.mark.parametrize("state", list(S))
def test_only_what_may_follow_a_state_can_be_done(model: Model, act: str, state: str) -> None:
    row = version(model, state)
    row.published_at = timezone.now()
    row.save()
    named = {"note": "why"} if act in ("refuse", "withdraw") else {}
    if state in services.TRANSITIONS[act][0]:
        assert getattr(services, act)(row, by="ben", **named).state == services.TRANSITIONS[act][1]
    else:
        assert refused(getattr(services, act), row, by="ben", **named) == ("wrong_state", 409)


def test_a_refusal_says_why_and_its_author_may_propose_again(model: Model) -> None:
    row = services.propose(version(model), by="ann")
    assert refused(services.refuse, row, note=" ", by="ben") == ("reason_missing", 400)
    row = services.refuse(row, note="too little data", by="ben")
    assert (row.state, row.note) == (S.REFUSED, "too little data")
    assert services.propose(row, by="ann").note == ""


def test_there_is_no_way_back_to_what_was_never_in_use(model: Model) -> None:
    assert refused(services.roll_back, version(model, S.REPLACED), by="ben") == (
        "never_published",
        409,
    )


def test_a_command_publishes_directly_but_nothing_that_was_refused(model: Model) -> None:
    row = services.publish_directly(version(model), by="operations")
    assert services.publish_directly(row, by="operations").state == S.PUBLISHED
    assert refused(services.publish_directly, version(model, S.REFUSED), by="operations") == (
        "wrong_state",
        409,
    )


def test_the_database_itself_holds_one_version_in_use(model: Model) -> None:
    version(model, S.PUBLISHED)
    with pytest.raises(IntegrityError), transaction.atomic():
        version(model, S.PUBLISHED)
