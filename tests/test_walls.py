"""Law 8, URL by URL: every address × every role × own and other city.

Each address of the product has a row in WALLS; one that has none fails. A row says which
permissions open it (any one is enough) and, for the page of one thing, how to make that thing in a
city. Every role is tried at the province and in a city, whether or not it can be held there.

Outside the scope 404, inside it without the permission 403.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.roles import ROLES
from campaigns.models import Answer, Campaign, Offer, Policy, PolicyVersion
from common.permissions import Permission
from common.uuid7 import uuid7
from jobs.models import State
from scoring.models import Model, ModelVersion
from segmentation.definition import MatrixDefinition
from segmentation.drafts import begin_draft
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
from tests.accounts.people import make_province, make_user
from tests.portal.day import make_day, make_publication
from tests.portal.settings import page_settings as page_settings
from touch.models import Decision

OWN, OTHER = "hangzhou", "ningbo"
HOMES = ("zhejiang", OWN)
PUBLIC = "public"
SIGNED_IN = "signed in"
Make = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Wall:
    """``opens``: PUBLIC, SIGNED_IN or permissions; ``make(city)``: arguments of one thing there.

    ``scoped`` false: the thing belongs to no city. ``query`` is what a GET needs to succeed.
    ``needs``: permissions that are asked beside; ``province_only``: 403 for who sees one city.
    ``send(city)``: the body of what is sent by ``method``, about one thing there.
    """

    opens: str | tuple[Permission, ...]
    make: Make | None = None
    scoped: bool = False
    query: dict[str, str] | None = None
    ok: tuple[int, ...] = (200,)
    needs: tuple[Permission, ...] = ()
    province_only: bool = False
    method: str = "get"
    send: Make | None = None


def _run(city: str) -> dict[str, Any]:
    return {"pk": make_day().pk}


def _customer(city: str) -> dict[str, Any]:
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


def _decision(city: str) -> dict[str, Any]:
    """A decision about a customer of the city, of the publication that is current."""
    _customer(city)
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


def _kept(city: str) -> dict[str, Any]:
    return {"decision": _decision(city)["identifier"]}


def _asked(city: str) -> dict[str, Any]:
    return {"customers": [_customer(city)["customer_no"]]}


def _report(city: str) -> dict[str, Any]:
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
    decision = Decision.objects.get(pk=_decision(city)["identifier"])
    Decision.objects.filter(pk=decision.pk).update(offers=[offer.pk])
    told = {"decision": str(decision.pk), "policy": "P1", "outcome": "shown", "channel": "sms"}
    return {"events": [told]}


def _nobody(city: str) -> dict[str, Any]:
    return {"opted_out": []}


def _user(city: str) -> dict[str, Any]:
    return {"pk": make_user("front-desk", city, username="target").pk}


def _client(city: str) -> dict[str, Any]:
    return {"code": make_client(organisation=city).code}


NAMED = {"code": "care", "name": {"zh": "保有", "en": "Care"}}
EVERYBODY = {**NAMED, "kind": "rules", "bands": [{**NAMED, "else": True}]}
MATRIX = {**NAMED, "strategy": "care", "dimensions": [EVERYBODY]}


def _version() -> MatrixVersion:
    define_strategy(code="care", name_zh="保有", name_en="Care", position=0, by="test")
    return publish_version(save_draft(MatrixDefinition.from_json(MATRIX), by="test"), by="test")


def _matrix(city: str) -> dict[str, Any]:
    return {"code": _version().matrix_id}


def _cell(city: str) -> dict[str, Any]:
    _version()
    return {"code": "care", "number": Cell.objects.get().number}


def _matrix_version(city: str) -> dict[str, Any]:
    return {"code": "care", "number": _version().number}


def _model(city: str) -> dict[str, Any]:
    names = {"name_zh": "价值", "name_en": "Value"}
    definition = {"output": "value", "indicators": [{"attribute": "arpu", "weight": 1}]}
    return {
        "code": Model.objects.create(
            code="value", kind="value_index", definition=definition, **names
        ).pk
    }


def _groups(city: str) -> dict[str, Any]:
    """The same, of a kind whose groups people move between."""
    code = _model(city)["code"]
    Model.objects.filter(pk=code).update(kind="behaviour_groups")
    return {"code": code}


def _judged_model(city: str) -> dict[str, Any]:
    """A value index whose indicators experts compare."""
    code = _model(city)["code"]
    indicators = [{"attribute": "arpu"}, {"attribute": "tenure"}]
    goal = {"code": "goal", "children": [{"code": "arpu"}, {"code": "tenure"}]}
    definition = {"output": "value", "indicators": indicators, "hierarchy": goal}
    Model.objects.filter(code=code).update(definition=definition)
    return {"code": code}


def _model_version(city: str) -> dict[str, Any]:
    model = Model.objects.get(pk=_model(city)["code"])
    made = ModelVersion.objects.create(model=model, number=1, definition=model.definition)
    return {"code": made.model_id, "number": made.number}


def _draft(city: str) -> dict[str, Any]:
    return {"code": "care", "pk": begin_draft(_version(), by="test").pk}


def _cuts(city: str) -> dict[str, Any]:
    return {"code": _version().matrix_id, "city": city}


def _audience(city: str) -> dict[str, Any]:
    names = {"name_zh": "目标", "name_en": "Target"}
    return {"code": Audience.objects.create(code="a", city=city, expression=SET, **names).pk}


def _auxiliary(city: str) -> dict[str, Any]:
    names = {"name_zh": "辅助", "name_en": "Auxiliary"}
    return {"code": AuxiliaryMatrix.objects.create(code="aux", city=city, **names).pk}


def _mark(city: str) -> dict[str, Any]:
    names = {"name_zh": "标记", "name_en": "Mark"}
    matrix = _auxiliary(city)["code"]
    return {"code": Mark.objects.create(code="m", matrix_id=matrix, expression=SET, **names).pk}


def _list(city: str) -> dict[str, Any]:
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


def _place(city: str) -> dict[str, Any]:
    return {"code": city}


SET = {"rule": "city = 'hangzhou'"}
SEE, WRITE = (Permission.VIEW_MATRICES,), (Permission.EDIT_CAMPAIGNS,)
INSIGHT = Wall(SEE, ok=(503,), needs=(Permission.VIEW_CUSTOMERS,))  # no day is published

WALLS: dict[str, Wall] = {
    "home": Wall(SIGNED_IN),
    "latest-run": Wall((Permission.VIEW_RUNS,)),
    "runs": Wall((Permission.VIEW_RUNS,)),
    "run": Wall((Permission.VIEW_RUNS,), _run),
    "customer-search": Wall((Permission.VIEW_CUSTOMERS,)),
    "customer": Wall((Permission.VIEW_CUSTOMERS,), _customer, scoped=True),
    "customer-opt-outs": Wall((Permission.SET_OPT_OUTS,), _customer, scoped=True),
    "decision-search": Wall((Permission.READ_DECISIONS,)),
    "decision": Wall((Permission.READ_DECISIONS,), _decision, scoped=True),
    "decision-feedback": Wall(PUBLIC, _decision, ok=(405,)),  # posted only
    "api-recommendations": Wall(
        (Permission.RECOMMEND, Permission.VIEW_CUSTOMERS), _customer, scoped=True
    ),
    # Each customer of a batch is answered or refused by himself: see below.
    "api-recommendations-batch": Wall(
        (Permission.RECOMMEND, Permission.VIEW_CUSTOMERS), method="post", send=_asked
    ),
    "api-decision": Wall((Permission.READ_DECISIONS,), _kept, scoped=True),
    "api-feedback": Wall((Permission.SEND_FEEDBACK,), scoped=True, method="post", send=_report),
    "api-opt-outs": Wall(
        (Permission.SET_OPT_OUTS,), _customer, scoped=True, method="put", send=_nobody
    ),
    "matrices": Wall(SEE),
    "matrix": Wall(SEE, _matrix),
    "matrix-cells": Wall(SEE, _matrix),
    "matrix-cell": Wall(SEE, _cell),
    "matrix-versions": Wall(SEE, _matrix),
    "matrix-version": Wall(SEE, _matrix_version),
    "matrix-compare": Wall(SEE, _matrix),
    "matrix-compare-moves": Wall(SEE, _matrix),
    "matrix-draft": Wall(SEE, _draft),
    "matrix-draft-consequences": Wall(SEE, _draft),
    "matrix-draft-cells": Wall(SEE, _draft),
    "matrix-draft-dimension": Wall(
        (Permission.EDIT_MATRICES,), _draft, query={"do": "add", "kind": "rules"}
    ),
    "city-cuts": Wall(SEE, _matrix),
    "city-cut": Wall((Permission.SET_CITY_CUTS,), _cuts, scoped=True),
    "audiences": Wall(SEE),
    "audience-new": Wall(WRITE),
    "audience": Wall(SEE, _audience, scoped=True),
    "audience-edit": Wall(WRITE, _audience, scoped=True),
    "auxiliary": Wall(SEE),
    "auxiliary-new": Wall(WRITE),
    "auxiliary-edit": Wall(WRITE, _auxiliary, scoped=True),
    "mark-new": Wall(WRITE, _auxiliary, scoped=True),
    "mark": Wall(SEE, _mark, scoped=True),
    "mark-edit": Wall(WRITE, _mark, scoped=True),
    "customer-lists": Wall(SEE),
    "list-new": Wall(WRITE),
    "customer-list": Wall(SEE, _list, scoped=True),
    "list-replace": Wall(WRITE, _list, scoped=True),
    "contact-policy": Wall((Permission.VIEW_CAMPAIGNS,)),
    "contact-versions": Wall((Permission.VIEW_CAMPAIGNS,), _place, scoped=True),
    "contact-edit": Wall(WRITE, _place, scoped=True),
    "flows": Wall(SEE),
    "flows-csv": Wall(SEE, ok=(404,)),  # no day is published
    "insight": INSIGHT,
    "insight-workbook": INSIGHT,
    "insight-start": Wall(PUBLIC, ok=(405,)),  # posted only
    "matrix-proposal": Wall(
        (Permission.EDIT_MATRICES, Permission.TRAIN_MODELS), province_only=True
    ),
    "models": Wall((Permission.VIEW_MODELS,)),
    "model": Wall((Permission.VIEW_MODELS,), _model),
    "model-training": Wall((Permission.VIEW_MODELS,), _model),
    "model-train": Wall(PUBLIC, _model, ok=(405,)),  # posted only
    "model-cancel": Wall(PUBLIC, _model, ok=(405,)),  # posted only
    "model-judgements": Wall((Permission.VIEW_MODELS,), _judged_model),
    "model-movement": Wall((Permission.VIEW_MODELS,), _groups),
    "model-movement-csv": Wall((Permission.VIEW_MODELS,), _groups, ok=(404,)),  # no day counted
    "model-version": Wall((Permission.VIEW_MODELS,), _model_version),
    "model-acknowledge": Wall(PUBLIC, _model_version, ok=(405,)),  # posted only
    "set_language": Wall(PUBLIC, ok=(302, 405)),
    "account_login": Wall(PUBLIC, ok=(200, 302)),
    "account_logout": Wall(PUBLIC, ok=(200, 302)),
    "account_inactive": Wall(PUBLIC),
    "account_change_password": Wall(SIGNED_IN),
    "users": Wall((Permission.MANAGE_USERS,)),
    "user-new": Wall((Permission.MANAGE_USERS,)),
    "user": Wall((Permission.MANAGE_USERS,), _user, scoped=True),
    "clients": Wall((Permission.MANAGE_CLIENTS,)),
    "client-new": Wall((Permission.MANAGE_CLIENTS,)),
    "client": Wall((Permission.MANAGE_CLIENTS,), _client, scoped=True),
    "client-key-new": Wall((Permission.MANAGE_CLIENTS,), _client, scoped=True),
    "operations": Wall((Permission.VIEW_AUDIT,)),
    "api-schema": Wall(PUBLIC),
    "api-docs": Wall(PUBLIC),
}
PEOPLE = [(role, home) for role in ROLES for home in HOMES]


def addresses(patterns: list[Any] | None = None) -> Iterator[str]:
    """Every name of the resolver; a pattern without a name stands under its route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or str(pattern.pattern)


def test_every_address_has_its_row_and_every_row_its_address():
    assert sorted(addresses()) == sorted(WALLS)


def expected(wall: Wall, user: User | None, city: str) -> set[int]:
    """The statuses that may come back for a thing of ``city``."""
    if wall.opens == PUBLIC:
        return set(wall.ok)
    if user is None:
        return {302, 401}
    may = wall.opens == SIGNED_IN or any(user.can(p) for p in wall.opens)
    may = may and all(user.can(p) for p in wall.needs)
    if wall.province_only and user.cities is not None:
        return {403}
    if wall.scoped and not user.sees_city(city):
        # Who may open none at all may be told so before the thing is looked for: it says nothing.
        return {404} if may else {403, 404}
    return set(wall.ok) if may else {403}


@dataclass(frozen=True)
class Visit:
    """A call of the address for a thing of the city, which is made once."""

    wall: Wall
    address: str
    body: dict[str, Any] | None

    @classmethod
    def of(cls, name: str, city: str) -> "Visit":
        wall = WALLS[name]
        address = reverse(name, kwargs=wall.make(city) if wall.make else None)
        return cls(wall, address, wall.send(city) if wall.send else None)

    def by(self, client: Client, **headers: str) -> Any:
        if self.body is None:
            return client.get(self.address, self.wall.query, headers=headers)
        send = getattr(client, self.wall.method)
        headers |= {"idempotency-key": "wall"}
        return send(self.address, self.body, content_type="application/json", headers=headers)


def visit(client: Client, name: str, city: str) -> int:
    return Visit.of(name, city).by(client).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("city", [OWN, OTHER])
@pytest.mark.parametrize("name", WALLS)
def test_who_may_open_it(name, city, client):
    make_province()
    call, wrong = Visit.of(name, city), {}
    for role, home in PEOPLE:
        user = make_user(role, home)
        client.force_login(user)
        status, right = call.by(client).status_code, expected(call.wall, user, city)
        if status not in right:
            wrong[role, home] = (status, right)
    assert not wrong


@pytest.mark.django_db
@pytest.mark.parametrize("name", WALLS)
def test_who_is_not_logged_in_gets_nothing_but_the_public_pages(name, client):
    make_province()
    assert visit(client, name, OWN) in expected(WALLS[name], None, OWN)


@pytest.mark.django_db
@pytest.mark.parametrize("name", [n for n, w in WALLS.items() if isinstance(w.opens, tuple)])
def test_a_user_without_role_or_organisation_gets_nothing(name, client):
    organisations = make_province()
    client.force_login(User.objects.create(username="roleless", organisation=organisations[OWN]))
    assert visit(client, name, OWN) in {403, 404}


@pytest.mark.django_db
def test_what_is_posted_to_another_citys_user_is_not_found(client):
    make_province()
    target = make_user("front-desk", OTHER, username="target")
    client.force_login(make_user("province-admin", OWN))
    response = client.post(reverse("user", kwargs={"pk": target.pk}), {"do": "deactivate"})
    assert response.status_code == 404
    target.refresh_from_db()
    assert target.is_active
