"""What is sent: each address that takes POST, PUT, PATCH or DELETE, and who may send to it.

A row is named by its address and, where that has several buttons, by the button. Where it is no
great trouble what is sent is right, so that who may is answered as if he meant it; what is wrong is
refused as a form is, which only who may send it is told.
"""

from typing import Any

from common.permissions import Permission

from . import things
from .opened import ADDED, SEE, WRITE
from .walk import PUBLIC, SIGNED_IN, Make, Wall

DONE, WRONG = (302,), (422,)
EDIT, DECIDE, TRAIN = (
    (Permission.EDIT_MATRICES,),
    (Permission.APPROVE,),
    (Permission.TRAIN_MODELS,),
)
ASK = (Permission.RECOMMEND, Permission.VIEW_CUSTOMERS)
REPORT, OPT = (Permission.SEND_FEEDBACK,), (Permission.SET_OPT_OUTS,)
USERS, CLIENTS = (Permission.MANAGE_USERS,), (Permission.MANAGE_CLIENTS,)
PROVINCE = "zhejiang"


def _body(**values: Any) -> Make:
    return lambda city: values


def _of_province(make: Make, province: str = "") -> Make:
    """The same thing of the whole province, wherever it is tried."""
    return lambda city: make(province)


def _posted(
    opens: str | tuple[Permission, ...], make: Make | None, send: Make, **more: Any
) -> Wall:
    return Wall(opens, make, method="post", send=send, **{"ok": DONE} | more)


def _of_city(opens: tuple[Permission, ...], make: Make, send: Make, **more: Any) -> Wall:
    return _posted(opens, make, send, scoped=True, **more)


def _new(opens: tuple[Permission, ...], send: Make) -> Wall:
    """Something new for a city: another than the sender's is none of the form's choices."""
    return _posted(opens, None, send, scoped=True, beyond=WRONG)


def _for_all(opens: tuple[Permission, ...], make: Make | None, send: Make, **more: Any) -> Wall:
    """What reaches the customers of every city."""
    return _posted(opens, make, send, province_only=True, **more)


def _press(
    do: str,
    opens: tuple[Permission, ...] = EDIT,
    make: Make = things.draft,
    ok: tuple[int, ...] = DONE,
    **values: str,
) -> Wall:
    """A button of a draft."""
    return _for_all(opens, make, _body(do=do, **values), ok=ok)


def _decide(do: str, opens: tuple[Permission, ...], ok: tuple[int, ...] = (409,)) -> Wall:
    """A button of a model's version; most are out of turn for one that has just been trained."""
    return _for_all(opens, things.model_version, _body(do=do, note="why"), ok=ok)


SENT: dict[str, Wall] = {
    "customer-opt-outs": _of_city(OPT, things.customer, _body(do="confirm", opted_out="sms")),
    "decision-feedback": _of_city(REPORT, things.decision, things.outcome),
    # Each customer of a batch is answered or refused by himself: see the walls of systems.
    "api-recommendations-batch": _posted(ASK, None, things.asked, ok=(200,)),
    "api-feedback": _of_city(REPORT, None, things.report, ok=(200,)),
    "api-opt-outs": Wall(OPT, things.customer, scoped=True, method="put", send=_body(opted_out=[])),
    # --- matrices ---
    "matrix-version": _for_all(EDIT, things.matrix_version, _body(note="why")),
    "matrix-draft split": _press("split", ok=WRONG),
    "matrix-draft merge": _press("merge", ok=WRONG),
    "matrix-draft remove": _press("remove", ok=WRONG),
    "matrix-draft undo": _press("undo", revision="1", ok=(409,)),
    "matrix-draft discard": _press("discard", revision="1"),
    "matrix-draft note": _press("note", note="why"),
    "matrix-draft check": _press("check", revision="1"),
    "matrix-draft choose": _press("choose", EDIT + DECIDE, ok=(400,)),
    "matrix-draft choose_all": _press("choose_all", EDIT + DECIDE),
    "matrix-draft approve": _press(
        "approve", DECIDE, things.checked, revision="1", from_date="2099-01-01"
    ),
    "matrix-draft approve-nothing": _press("approve", DECIDE, ok=WRONG),
    "matrix-draft publish": _press("publish", EDIT + DECIDE, things.approved),
    "matrix-draft publish-early": _press("publish", EDIT + DECIDE, ok=(409,)),
    "matrix-draft-cells": _for_all(EDIT, things.draft, _body(cell="", into=""), ok=(400,)),
    "matrix-draft-dimension": _for_all(EDIT, things.draft, _body(), query=ADDED, ok=WRONG),
    "city-cut": _of_city(
        (Permission.SET_CITY_CUTS,),
        things.cuts,
        _body(**{"dimension": "spend", "spend-cut_0": "55"}),
    ),
    "matrix-proposal": _for_all(EDIT + TRAIN, None, _body(), ok=WRONG),
    "matrix-proposal save": _for_all(EDIT, None, _body(do="save"), ok=WRONG),
    "insight-start": _posted(
        SEE, None, _body(), needs=(Permission.VIEW_CUSTOMERS,), ok=(503,)
    ),  # no day is published
    # --- sets; what is the province's is seen in every city, and changed in none ---
    "audience-new": _new(WRITE, things.new_set),
    "audience": _of_city(WRITE, things.audience, _body(revision="1")),
    "audience of-province": _for_all(WRITE, _of_province(things.audience), _body(revision="1")),
    "audience-edit": _of_city(WRITE, things.audience, things.a_set),
    "audience-edit of-province": _for_all(WRITE, _of_province(things.audience), things.a_set),
    "auxiliary-new": _new(WRITE, things.new),
    "auxiliary-edit": _of_city(WRITE, things.auxiliary, things.names),
    "auxiliary-edit retire": _of_city(WRITE, things.auxiliary, _body(do="retire", revision="1")),
    "auxiliary-edit of-province": _for_all(WRITE, _of_province(things.auxiliary), things.names),
    "mark-new": _of_city(WRITE, things.auxiliary, things.new_set),
    "mark-new of-province": _for_all(WRITE, _of_province(things.auxiliary), things.new_set),
    "mark": _of_city(WRITE, things.mark, _body(revision="1")),
    "mark of-province": _for_all(WRITE, _of_province(things.mark), _body(revision="1")),
    "mark-edit": _of_city(WRITE, things.mark, things.a_set),
    "mark-edit of-province": _for_all(WRITE, _of_province(things.mark), things.a_set),
    "list-new": _new(WRITE, things.new_list),
    "list-replace": _of_city(WRITE, things.listed, things.a_list),
    "list-replace of-province": _for_all(WRITE, _of_province(things.listed), things.a_list),
    "customer-list": _of_city(WRITE, things.listed, _body(revision="1")),
    "customer-list of-province": _for_all(WRITE, _of_province(things.listed), _body(revision="1")),
    # --- contacts ---
    "contact-versions": _of_city(WRITE, things.said, _body(number="1")),
    "contact-versions of-province": _for_all(
        WRITE, _of_province(things.said, PROVINCE), _body(number="1")
    ),
    "contact-edit": _of_city(WRITE, things.place, _body(seen="0")),
    # --- models ---
    "model-train": _for_all(TRAIN, things.model, _body(), ok=WRONG),
    "model-cancel": _for_all(TRAIN, things.model, _body()),
    "model-judgements": _for_all(TRAIN, things.judged_model, _body()),
    "model-version propose": _decide("propose", TRAIN, DONE),
    "model-version approve": _decide("approve", DECIDE),
    "model-version refuse": _decide("refuse", DECIDE),
    "model-version roll_back": _decide("roll_back", DECIDE),
    "model-version withdraw": _decide("withdraw", TRAIN),
    "model-acknowledge": _for_all(TRAIN, things.model_version, _body(note="why"), ok=(409,)),
    # --- accounts ---
    "set_language": _posted(PUBLIC, None, _body(language="en")),
    "account_login": _posted(PUBLIC, None, _body(), ok=(200, 302)),
    "account_login put": Wall(PUBLIC, method="put", ok=(200, 302)),
    "account_logout": _posted(PUBLIC, None, _body()),
    "account_change_password": _posted(SIGNED_IN, None, _body(), ok=(200,)),
    "account_change_password put": Wall(SIGNED_IN, method="put"),
    "user-new": _new(USERS, things.new_user),
    "user": _of_city(USERS, things.user, things.rights),
    "user deactivate": _of_city(USERS, things.user, _body(do="deactivate")),
    "user reactivate": _of_city(USERS, things.user, _body(do="reactivate")),
    "user set_password": _of_city(
        USERS, things.user, _body(do="set_password", password="correct horse battery 2")
    ),
    "client-new": _new(CLIENTS, things.new_client),
    "client change": _of_city(CLIENTS, things.client, things.changed_client),
    "client close": _of_city(CLIENTS, things.client, _body(do="close")),
    "client reopen": _of_city(CLIENTS, things.client, _body(do="reopen")),
    "client revoke": _of_city(CLIENTS, things.client, things.key),
    "client-key-new": _of_city(CLIENTS, things.client, _body(days="30"), ok=(200,)),
}
