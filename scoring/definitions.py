"""Models as definitions: the document ``models``."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import log
from common.definitions import CODE, NAME, Changes, Document
from common.errors import DomainError
from common.intervals import check_partition
from customers.models import Attribute, Origin, Type

from .fitted import intervals_of
from .models import Model

LIMIT = {"type": "number"}
ATTRIBUTE = {"type": "string", "minLength": 1, "maxLength": 60}
INDICATOR = {
    "type": "object",
    "properties": {
        "attribute": ATTRIBUTE,
        "weight": {"type": "number", "exclusiveMinimum": 0},
        "from": LIMIT,
        "to": LIMIT,
    },
    "required": ["attribute", "weight", "from", "to"],
    "additionalProperties": False,
}
GRADES = {
    "type": "object",
    "properties": {
        "output": ATTRIBUTE,
        "bands": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"code": CODE, "from": LIMIT, "to": LIMIT},
                "required": ["code"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["output", "bands"],
    "additionalProperties": False,
}


def _model(kind: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    common = {"code": CODE, "name": NAME, "kind": {"const": kind}, "output": ATTRIBUTE}
    return {
        "type": "object",
        "properties": common | properties,
        "required": ["code", "name", "kind", "output", *required],
        "additionalProperties": False,
    }


SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": ["value_index", "movement_tree"]}},
        "if": {"properties": {"kind": {"const": "value_index"}}},
        "then": _model(
            "value_index",
            {"indicators": {"type": "array", "minItems": 1, "items": INDICATOR}},
            ["indicators"],
        ),
        "else": _model(
            "movement_tree",
            {
                "label": ATTRIBUTE,
                "features": {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": ATTRIBUTE,
                },
                "max_depth": {"type": "integer", "minimum": 1, "maximum": 20},
                "min_leaf": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
                "grades": GRADES,
            },
            ["label", "features", "max_depth", "min_leaf"],
        ),
    },
}


@transaction.atomic
def load(content: list[dict[str, Any]], by: str) -> Changes:
    """Write the models; a model's versions are made by training, not here."""
    changes = Changes()
    attributes = Attribute.objects.in_bulk()
    for position, item in enumerate(content):
        _check(item, attributes, [position])
        fields = {
            "name_zh": item["name"]["zh"],
            "name_en": item["name"]["en"],
            "kind": item["kind"],
            "definition": {k: v for k, v in item.items() if k not in ("code", "name", "kind")},
            "position": position,
        }
        before = Model.objects.filter(pk=item["code"]).values(*fields).first()
        if before == fields:
            changes.unchanged.append(item["code"])
            continue
        Model.objects.update_or_create(code=item["code"], defaults=fields)
        (changes.added if before is None else changes.changed).append(item["code"])
        target = ("model", item["code"], item["name"]["en"])
        log(by=by, action="define_model", target=target, before=before, after=fields)
    return changes


def dump() -> list[dict[str, Any]]:
    return [
        {"code": m.code, "name": {"zh": m.name_zh, "en": m.name_en}, "kind": m.kind} | m.definition
        for m in Model.objects.all()
    ]


def _check(item: dict[str, Any], attributes: dict[str, Attribute], where: list[Any]) -> None:
    for index, indicator in enumerate(item.get("indicators", [])):
        at = [*where, "indicators", index]
        _number(attributes, indicator["attribute"], [*at, "attribute"])
        if indicator["from"] == indicator["to"]:
            raise DomainError(
                "empty_indicator",
                _("'from' and 'to' of %(attribute)s must differ, both are %(value)s.")
                % {"attribute": indicator["attribute"], "value": indicator["from"]},
                where=[*at, "to"],
            )
    for index, feature in enumerate(item.get("features", [])):
        _feature(attributes, feature, [*where, "features", index])
    if "label" in item:
        _origin(attributes, item["label"], Origin.LABEL, [*where, "label"])
    _origin(attributes, item["output"], Origin.SCORE, [*where, "output"])
    if "grades" in item:
        _check_grades(item, attributes, [*where, "grades"])


def _check_grades(item: dict[str, Any], attributes: dict[str, Attribute], where: list[Any]) -> None:
    _origin(attributes, item["grades"]["output"], Origin.SCORE, [*where, "output"])
    try:
        check_partition(item["code"], intervals_of(item))
    except DomainError as error:
        error.extra["where"] = [*where, "bands"]
        raise
    known = {v["code"] for v in attributes[item["grades"]["output"]].values}
    for index, band in enumerate(item["grades"]["bands"]):
        if band["code"] not in known:
            raise DomainError(
                "unknown_grade",
                _("Grade '%(grade)s' is not a value of %(attribute)s: it has %(known)s.")
                % {
                    "grade": band["code"],
                    "attribute": item["grades"]["output"],
                    "known": ", ".join(sorted(known)),
                },
                where=[*where, "bands", index, "code"],
            )


def _attribute(attributes: dict[str, Attribute], code: str, where: list[Any]) -> Attribute:
    if code not in attributes:
        raise DomainError(
            "unknown_attribute",
            _("Attribute '%(code)s' is not in the catalogue: define it in attributes.yaml.")
            % {"code": code},
            where=where,
        )
    return attributes[code]


def _origin(attributes: dict[str, Attribute], code: str, origin: Origin, where: list[Any]) -> None:
    attribute = _attribute(attributes, code, where)
    if attribute.origin != origin:
        raise DomainError(
            "wrong_origin",
            _("Attribute '%(code)s' must have origin '%(origin)s' here, it has '%(is)s'.")
            % {"code": code, "origin": origin.value, "is": attribute.origin},
            where=where,
        )


def _number(attributes: dict[str, Attribute], code: str, where: list[Any]) -> None:
    _origin(attributes, code, Origin.SOURCE, where)
    if attributes[code].type not in (Type.INTEGER, Type.NUMBER, Type.BOOLEAN):
        raise DomainError(
            "wrong_type",
            _("An indicator must be a number, '%(code)s' is of type '%(type)s'.")
            % {"code": code, "type": attributes[code].type},
            where=where,
        )


def _feature(attributes: dict[str, Attribute], code: str, where: list[Any]) -> None:
    """A feature must be known before the outcome: labels and other models' scores are refused."""
    _origin(attributes, code, Origin.SOURCE, where)
    if attributes[code].type == Type.TEXT:
        raise DomainError(
            "wrong_type",
            _("A feature must not be free text, '%(code)s' is.") % {"code": code},
            where=where,
        )


DOCUMENTS = (Document("models", SCHEMA, load, dump),)
