"""One of each thing that has an address, made in a city; and what is sent about it.

Each returns the arguments of the address, or the body. A city of "" is the whole province.
"""

from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.client_services import add_key
from accounts.clients import OPERATIONS
from accounts.models import ClientKey, Organisation, SystemClient
from campaigns.models import Answer, Campaign, Offer, Policy, PolicyVersion
from common.uuid7 import uuid7
from contacts.models import ContactPolicyVersion
from customers.models import Attribute
from jobs.models import State
from scoring.models import Model, ModelVersion
from segmentation.definition import MatrixDefinition
from segmentation.drafts import approve_draft, begin_draft, check_draft
from segmentation.models import (
    Audience,
    AuxiliaryMatrix,
    Cell,
    ImportedList,
    Mark,
    MatrixVersion,
)
from segmentation.services import define_strategy, publish_version, save_draft
from tests.accounts.clients import make_client
from tests.accounts.people import make_user
from tests.portal.day import make_day, make_publication
from touch.models import Decision

Values = dict[str, Any]
SET = {"rule": "city = 'hangzhou'"}


def run(city: str) -> Values:
    return {"pk": make_day().pk}


def customer(city: str) -> Values:
    """A customer of the city, in what is published."""
    publication = make_publication(make_day(State.RUNNING))
    Answer.objects.create(
        customer_no="C0001",
        publication_id=publication.pk,
        city=city,
        profile={},
        cells=[],
        offers=[],
        tiers=[],
        take_ups=[],
        worths=[],
    )
    return {"customer_no": "C0001"}


def decision(city: str) -> Values:
    """A decision about a customer of the city, of the publication that is current."""
    customer(city)
    now = timezone.now()
    made = Decision.objects.create(
        id=uuid7(now),
        at=now,
        expires_at=now + timedelta(days=30),
        by="test",
        customer_no="C0001",
        city=city,
        most=10,
        publication_id=7,
        contact_policy=0,
        contact_version=0,
        sold_out=[],
        offers=[],
        personalised=True,
    )
    return {"identifier": made.pk}


def kept(city: str) -> Values:
    return {"decision": decision(city)["identifier"]}


def asked(city: str) -> Values:
    return {"customers": [customer(city)["customer_no"]]}


def report(city: str) -> Values:
    """What became of the one policy that a decision offered."""
    names = {"name_zh": "一", "name_en": "One"}
    days = {"valid_from": date(2026, 1, 1), "valid_to": date(2099, 1, 1)}
    policy = PolicyVersion.objects.create(
        policy=Policy.objects.create(number="P1"),
        number=1,
        cost=1,
        reward=1,
        margin=1,
        take_up="0.1",
        channels=["sms"],
        **names,
        **days,
    )
    campaign = Campaign.objects.create(
        code="C1",
        organisation=Organisation.objects.get(code="zhejiang"),
        starts_on=days["valid_from"],
        ends_on=days["valid_to"],
        **names,
    )
    offer = Offer.objects.create(campaign=campaign, policy_version=policy)
    made = Decision.objects.get(pk=decision(city)["identifier"])
    Decision.objects.filter(pk=made.pk).update(offers=[offer.pk])
    told = {"decision": str(made.pk), "policy": "P1", "outcome": "shown", "channel": "sms"}
    return {"events": [told]}


def nobody(city: str) -> Values:
    return {"opted_out": []}


def user(city: str) -> Values:
    return {"pk": make_user("front-desk", city, username="target").pk}


def client(city: str) -> Values:
    return {"code": make_client(organisation=city).code}


NAMED = {"code": "care", "name": {"zh": "保有", "en": "Care"}}
EVERYBODY = {**NAMED, "kind": "rules", "bands": [{**NAMED, "else": True}]}
# Cities may choose its cut.
SPEND = {
    **NAMED,
    "code": "spend",
    "kind": "thresholds",
    "attribute": "arpu",
    "bands": [{**NAMED, "code": "low", "to": 50}, {**NAMED, "code": "high", "from": 50}],
    "null_band": {**NAMED, "code": "unknown"},
    "city_limits": [[40, 60]],
}


def version(dimension: Values = EVERYBODY) -> MatrixVersion:
    """A published matrix of the one dimension."""
    define_strategy(code="care", name_zh="保有", name_en="Care", position=0, by="test")
    body = {**NAMED, "strategy": "care", "dimensions": [dimension]}
    return publish_version(save_draft(MatrixDefinition.from_json(body), by="test"), by="test")


def matrix(city: str) -> Values:
    return {"code": version().matrix_id}


def cell(city: str) -> Values:
    version()
    return {"code": "care", "number": Cell.objects.get().number}


def matrix_version(city: str) -> Values:
    return {"code": "care", "number": version().number}


def model(city: str) -> Values:
    names = {"name_zh": "价值", "name_en": "Value"}
    definition = {"output": "value", "indicators": [{"attribute": "arpu", "weight": 1}]}
    return {
        "code": Model.objects.create(
            code="value", kind="value_index", definition=definition, **names
        ).pk
    }


def groups(city: str) -> Values:
    """The same, of a kind whose groups people move between."""
    code = model(city)["code"]
    Model.objects.filter(pk=code).update(kind="behaviour_groups")
    return {"code": code}


def judged_model(city: str) -> Values:
    """A value index whose indicators experts compare."""
    code = model(city)["code"]
    indicators = [{"attribute": "arpu"}, {"attribute": "tenure"}]
    goal = {"code": "goal", "children": [{"code": "arpu"}, {"code": "tenure"}]}
    definition = {"output": "value", "indicators": indicators, "hierarchy": goal}
    Model.objects.filter(code=code).update(definition=definition)
    return {"code": code}


def model_version(city: str) -> Values:
    of = Model.objects.get(pk=model(city)["code"])
    made = ModelVersion.objects.create(model=of, number=1, definition=of.definition)
    return {"code": made.model_id, "number": made.number}


def draft(city: str) -> Values:
    return {"code": "care", "pk": begin_draft(version(), by="test").pk}


def checked(city: str) -> Values:
    """A draft that is proved, and waits to be approved."""
    made = check_draft(begin_draft(version(), by="test"), revision=1, by="test")
    return {"code": "care", "pk": made.pk}


def approved(city: str) -> Values:
    """A draft that may be published today."""
    made = MatrixVersion.objects.get(pk=checked(city)["pk"])
    approve_draft(made, revision=1, from_date=timezone.localdate(), by="another")
    return {"code": "care", "pk": made.pk}


def cuts(city: str) -> Values:
    Attribute.objects.create(
        code="arpu", category="basic", type="number", name_zh="消费", name_en="Spend"
    )
    return {"code": version(SPEND).matrix_id, "city": city}


def audience(city: str) -> Values:
    names = {"name_zh": "目标", "name_en": "Target"}
    return {"code": Audience.objects.create(code="a", city=city, expression=SET, **names).pk}


def auxiliary(city: str) -> Values:
    names = {"name_zh": "辅助", "name_en": "Auxiliary"}
    return {"code": AuxiliaryMatrix.objects.create(code="aux", city=city, **names).pk}


def mark(city: str) -> Values:
    names = {"name_zh": "标记", "name_en": "Mark"}
    matrix = auxiliary(city)["code"]
    return {"code": Mark.objects.create(code="m", matrix_id=matrix, expression=SET, **names).pk}


def listed(city: str) -> Values:
    held = ImportedList.objects.create(
        code="l",
        name_zh="名单",
        name_en="List",
        city=city,
        source="test",
        expires_on=date(2099, 1, 1),
        key="k",
        lines=0,
        members=0,
    )
    return {"code": held.pk}


def place(city: str) -> Values:
    return {"code": city}


def said(city: str) -> Values:
    """An organisation that has said how often its customers may be met."""
    place_of = Organisation.objects.get(code=city)
    ContactPolicyVersion.objects.create(
        organisation=place_of, number=1, body={"limits": [], "quiet_hours": []}, by="test"
    )
    return {"code": city}


# --- what is sent ---


def organisation(city: str) -> int:
    return Organisation.objects.get(code=city).pk


def new_user(city: str) -> Values:
    password = "correct horse battery"
    return {"username": "new", "password": password, **rights(city)}


def rights(city: str) -> Values:
    return {"organisation": organisation(city), "roles": ["front-desk"]}


def new_client(city: str) -> Values:
    return {"code": "new", **changed_client(city)}


def changed_client(city: str) -> Values:
    named = {"name_zh": "客户系统", "name_en": "A system"}
    may = {"operations": OPERATIONS[:1], "rate": "10", "burst": "10"}
    return {"do": "change", **named, **may, "organisation": organisation(city)}


def key(city: str) -> Values:
    """The key of the client that is there."""
    add_key(SystemClient.objects.get(), by="test")
    return {"do": "revoke", "key": ClientKey.objects.get().prefix}


def names(city: str) -> Values:
    return {"name_zh": "新", "name_en": "New", "revision": "1"}


def new(city: str) -> Values:
    return {**names(city), "code": "n", "city": city, "revision": "0"}


def a_set(city: str) -> Values:
    return {**names(city), "customers": "rule: city = 'hangzhou'"}


def new_set(city: str) -> Values:
    return {**a_set(city), **new(city)}


def a_list(city: str) -> Values:
    file = SimpleUploadedFile("list.csv", b"C0001\n")
    return {**names(city), "source": "test", "expires_on": "2099-01-01", "file": file}


def new_list(city: str) -> Values:
    return {**a_list(city), **new(city)}


def outcome(city: str) -> Values:
    return {"policy": "P1", "outcome": "shown", "key": "0" * 32}
