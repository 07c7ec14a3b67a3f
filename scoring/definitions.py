"""Models as definitions: the document ``models``."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services import log
from common.definitions import CODE, NAME, Changes, Document
from common.errors import DomainError
from customers.catalogue import compiled, rule_catalogue
from customers.models import Attribute, Origin, Type
from rules import compile_condition

from .kinds import KINDS
from .kinds.base import ATTRIBUTE, Kind
from .models import Model

COMMON = {
    "code": CODE,
    "name": NAME,
    "reasons": ATTRIBUTE,
    "population": {"type": "string", "minLength": 1, "maxLength": 4000},
}


def _model(kind: Kind) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": COMMON | {"kind": {"const": kind.code}} | kind.properties,
        "required": ["code", "name", "kind", *kind.required],
        "additionalProperties": False,
    }


SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": code}}, "required": ["kind"]},
                "then": _model(kind),
            }
            for code, kind in KINDS.items()
        ],
    },
}


@transaction.atomic
def load(content: list[dict[str, Any]], by: str) -> Changes:
    """Write the models; a model's versions are made by training, not here."""
    changes = Changes()
    known = _Known()
    for position, item in enumerate(content):
        known.check(item, [position])
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


class _Known:
    """The catalogue, read once, and what each model of the document writes."""

    def __init__(self) -> None:
        self.attributes = Attribute.objects.in_bulk()
        self.rules = rule_catalogue()
        self.written: dict[str, str] = {}

    def check(self, item: dict[str, Any], where: list[Any]) -> None:
        kind = KINDS[item["kind"]]
        kind.check(item, where)
        for attribute, at in kind.named(item):
            self._feature(attribute, kind, [*where, *at])
        if isinstance(item.get("label"), str):
            self._origin(item["label"], Origin.LABEL, [*where, "label"])
        for output, at in kind.writes(item):
            self._output(output, item["code"], [*where, *at])
        if "population" in item:
            compiled(compile_condition, item["population"], self.rules, *where, "population")

    def _output(self, output: Any, model: str, where: list[Any]) -> None:
        attribute = self._origin(output.attribute, Origin.SCORE, where)
        if attribute.type != output.type:
            raise _wrong_type(attribute, output.type, where)
        known = [v["code"] for v in attribute.values]
        missing = [code for code in output.codes if code not in known]
        if missing:
            raise DomainError(
                "unknown_grade",
                _("%(codes)s is not a value of %(attribute)s: it has %(known)s.")
                % {
                    "codes": ", ".join(missing),
                    "attribute": attribute.code,
                    "known": ", ".join(known),
                },
                where=where,
            )
        other = self.written.setdefault(output.attribute, model)
        if other != model:
            raise DomainError(
                "written_twice",
                _("%(attribute)s is written by %(other)s already; each model writes its own.")
                % {"attribute": attribute.code, "other": other},
                where=where,
            )

    def _feature(self, code: str, kind: Kind, where: list[Any]) -> None:
        """A feature must be known before the outcome: labels are refused, and scores mostly."""
        attribute = self._attribute(code, where)
        if attribute.origin != Origin.SOURCE and not (
            kind.reads_scores and attribute.origin == Origin.SCORE
        ):
            raise _wrong_origin(attribute, Origin.SOURCE, where)
        if attribute.type == Type.TEXT:
            raise DomainError(
                "wrong_type",
                _("A feature must not be free text, '%(code)s' is.") % {"code": code},
                where=where,
            )

    def _attribute(self, code: str, where: list[Any]) -> Attribute:
        if code not in self.attributes:
            raise DomainError(
                "unknown_attribute",
                _("Attribute '%(code)s' is not in the catalogue: define it in attributes.yaml.")
                % {"code": code},
                where=where,
            )
        return self.attributes[code]

    def _origin(self, code: str, origin: Origin, where: list[Any]) -> Attribute:
        attribute = self._attribute(code, where)
        if attribute.origin != origin:
            raise _wrong_origin(attribute, origin, where)
        return attribute


def _wrong_origin(attribute: Attribute, origin: Origin, where: list[Any]) -> DomainError:
    return DomainError(
        "wrong_origin",
        _("Attribute '%(code)s' must have origin '%(origin)s' here, it has '%(is)s'.")
        % {"code": attribute.code, "origin": origin.value, "is": attribute.origin},
        where=where,
    )


def _wrong_type(attribute: Attribute, wanted: Type, where: list[Any]) -> DomainError:
    return DomainError(
        "wrong_type",
        _("'%(code)s' must be of type '%(wanted)s' here, it is of type '%(type)s'.")
        % {"code": attribute.code, "wanted": wanted.value, "type": attribute.type},
        where=where,
    )


DOCUMENTS = (Document("models", SCHEMA, load, dump),)
