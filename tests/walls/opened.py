"""What is opened: each address of the product, and who may GET it."""

from common.permissions import Permission

from . import things
from .walk import PUBLIC, SIGNED_IN, Wall

SEE, WRITE = (Permission.VIEW_MATRICES,), (Permission.EDIT_CAMPAIGNS,)
INSIGHT = Wall(SEE, ok=(503,), needs=(Permission.VIEW_CUSTOMERS,))  # no day is published
ADDED = {"do": "add", "kind": "rules"}

OPENED: dict[str, Wall] = {
    "home": Wall(SIGNED_IN),
    "latest-run": Wall((Permission.VIEW_RUNS,)),
    "runs": Wall((Permission.VIEW_RUNS,)),
    "run": Wall((Permission.VIEW_RUNS,), things.run),
    "customer-search": Wall((Permission.VIEW_CUSTOMERS,)),
    "customer": Wall((Permission.VIEW_CUSTOMERS,), things.customer, scoped=True),
    "customer-opt-outs": Wall((Permission.SET_OPT_OUTS,), things.customer, scoped=True),
    "decision-search": Wall((Permission.READ_DECISIONS,)),
    "decision": Wall((Permission.READ_DECISIONS,), things.decision, scoped=True),
    "decision-feedback": Wall(PUBLIC, things.decision, ok=(405,)),  # posted only
    "api-recommendations": Wall(
        (Permission.RECOMMEND, Permission.VIEW_CUSTOMERS), things.customer, scoped=True
    ),
    "api-recommendations-batch": Wall((Permission.RECOMMEND, Permission.VIEW_CUSTOMERS), ok=(405,)),
    "api-decision": Wall((Permission.READ_DECISIONS,), things.kept, scoped=True),
    "api-feedback": Wall((Permission.SEND_FEEDBACK,), ok=(405,)),
    "api-opt-outs": Wall((Permission.SET_OPT_OUTS,), things.customer, scoped=True),
    "matrices": Wall(SEE),
    "matrix": Wall(SEE, things.matrix),
    "matrix-cells": Wall(SEE, things.matrix),
    "matrix-cell": Wall(SEE, things.cell),
    "matrix-versions": Wall(SEE, things.matrix),
    "matrix-version": Wall(SEE, things.matrix_version),
    "matrix-compare": Wall(SEE, things.matrix),
    "matrix-compare-moves": Wall(SEE, things.matrix),
    "matrix-draft": Wall(SEE, things.draft),
    "matrix-draft-consequences": Wall(SEE, things.draft),
    "matrix-draft-cells": Wall(SEE, things.draft),
    "matrix-draft-dimension": Wall(
        (Permission.EDIT_MATRICES,), things.draft, query=ADDED, province_only=True
    ),
    "city-cuts": Wall(SEE, things.matrix),
    "city-cut": Wall((Permission.SET_CITY_CUTS,), things.cuts, scoped=True),
    "audiences": Wall(SEE),
    "audience-new": Wall(WRITE),
    "audience": Wall(SEE, things.audience, scoped=True),
    "audience-edit": Wall(WRITE, things.audience, scoped=True),
    "auxiliary": Wall(SEE),
    "auxiliary-new": Wall(WRITE),
    "auxiliary-edit": Wall(WRITE, things.auxiliary, scoped=True),
    "mark-new": Wall(WRITE, things.auxiliary, scoped=True),
    "mark": Wall(SEE, things.mark, scoped=True),
    "mark-edit": Wall(WRITE, things.mark, scoped=True),
    "customer-lists": Wall(SEE),
    "list-new": Wall(WRITE),
    "customer-list": Wall(SEE, things.listed, scoped=True),
    "list-replace": Wall(WRITE, things.listed, scoped=True),
    "contact-policy": Wall((Permission.VIEW_CAMPAIGNS,)),
    "contact-versions": Wall((Permission.VIEW_CAMPAIGNS,), things.place, scoped=True),
    "contact-edit": Wall(WRITE, things.place, scoped=True),
    "flows": Wall(SEE),
    "flows-csv": Wall(SEE, ok=(404,)),  # no day is published
    "insight": INSIGHT,
    "insight-workbook": INSIGHT,
    "insight-start": Wall(PUBLIC, ok=(405,)),  # posted only
    "matrix-proposal": Wall(
        (Permission.EDIT_MATRICES, Permission.TRAIN_MODELS), province_only=True
    ),
    "models": Wall((Permission.VIEW_MODELS,)),
    "model": Wall((Permission.VIEW_MODELS,), things.model),
    "model-training": Wall((Permission.VIEW_MODELS,), things.model),
    "model-train": Wall(PUBLIC, things.model, ok=(405,)),  # posted only
    "model-cancel": Wall(PUBLIC, things.model, ok=(405,)),  # posted only
    "model-judgements": Wall((Permission.VIEW_MODELS,), things.judged_model),
    "model-movement": Wall((Permission.VIEW_MODELS,), things.groups),
    "model-movement-csv": Wall(
        (Permission.VIEW_MODELS,), things.groups, ok=(404,)
    ),  # no day counted
    "model-version": Wall((Permission.VIEW_MODELS,), things.model_version),
    "model-acknowledge": Wall(PUBLIC, things.model_version, ok=(405,)),  # posted only
    "set_language": Wall(PUBLIC, ok=(405,)),  # posted only
    "account_login": Wall(PUBLIC, ok=(200, 302)),
    "account_logout": Wall(PUBLIC, ok=(200, 302)),
    "account_inactive": Wall(PUBLIC),
    "account_change_password": Wall(SIGNED_IN),
    "users": Wall((Permission.MANAGE_USERS,)),
    "user-new": Wall((Permission.MANAGE_USERS,)),
    "user": Wall((Permission.MANAGE_USERS,), things.user, scoped=True),
    "clients": Wall((Permission.MANAGE_CLIENTS,)),
    "client-new": Wall((Permission.MANAGE_CLIENTS,)),
    "client": Wall((Permission.MANAGE_CLIENTS,), things.client, scoped=True),
    "client-key-new": Wall((Permission.MANAGE_CLIENTS,), things.client, scoped=True),
    "operations": Wall((Permission.VIEW_AUDIT,)),
    "api-schema": Wall(PUBLIC),
    "api-docs": Wall(PUBLIC),
}
