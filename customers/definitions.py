"""The attribute catalogue and the sources as code (format: docs/ingest.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from accounts.services import log
from common.definitions import Changes, Document, refuse_twice
from common.errors import DomainError, at

from .checks import check_attribute, check_source
from .models import Attribute, Origin, Sensitivity, Source
from .schemas import ATTRIBUTES, SOURCES
from .tables import pin_catalogue, table_of


@transaction.atomic
def load_attributes(content: Sequence[Mapping[str, Any]], by: str) -> Changes:
    """Write the catalogue; an attribute that the file leaves out stays, after those in it."""
    refuse_twice([item["code"] for item in content], "code")
    changes = Changes()
    for position, item in enumerate(content):
        with at(position):
            check_attribute(item)
        _save(Attribute(**_fields(item), position=position), by, changes)
    return changes


def dump_attributes() -> list[dict[str, Any]]:
    return [_attribute_item(attribute) for attribute in Attribute.objects.all()]


@transaction.atomic
def load_sources(content: Sequence[Mapping[str, Any]], by: str) -> Changes:
    """Write the sources; one that the file leaves out stays."""
    refuse_twice([item["code"] for item in content], "code")
    catalogue = pin_catalogue()
    origins = dict(Attribute.objects.values_list("code", "origin"))
    changes = Changes()
    for index, item in enumerate(content):
        with at(index):
            check_source(item, table_of(item["table"], catalogue), origins)
        mapping = {k: v for k, v in item.items() if k not in ("code", "table", "active")}
        source = Source(
            code=item["code"],
            table=item["table"],
            mapping=mapping,
            active=item.get("active", True),
        )
        _save(source, by, changes)
    _check_one_per_table(content)
    return changes


def dump_sources() -> list[dict[str, Any]]:
    return [
        {
            "code": source.code,
            "table": source.table,
            **({} if source.active else {"active": False}),
            **source.mapping,
        }
        for source in Source.objects.order_by("code")
    ]


DOCUMENTS = (
    Document("attributes", ATTRIBUTES, load_attributes, dump_attributes),
    Document("sources", SOURCES, load_sources, dump_sources),
)


def _check_one_per_table(content: Sequence[Mapping[str, Any]]) -> None:
    """A table has one active source: two would overwrite each other's partitions."""
    for index, item in enumerate(content):
        others = Source.objects.filter(table=item["table"], active=True).exclude(code=item["code"])
        if item.get("active", True) and (other := others.first()):
            raise DomainError(
                "table_has_source",
                _(
                    "%(table)s are read from the source %(other)s already, and a table has one "
                    "active source. Set active: false for one of the two."
                )
                % {"table": item["table"], "other": other.code},
                where=[index, "table"],
            )


def _save(wanted: models.Model, by: str, changes: Changes) -> None:
    """Write a row if it differs from what is there, and its line in the operation log."""
    kind = type(wanted)
    present = kind._default_manager.filter(pk=wanted.pk).first()
    after = _plain(wanted)
    before = _plain(present) if present else None
    code = str(wanted.pk)
    if before == after:
        changes.unchanged.append(code)
        return
    (changes.changed if present else changes.added).append(code)
    wanted.save(force_insert=present is None)
    log(
        by=by,
        action="change" if present else "create",
        target=(kind._meta.model_name or "", code, getattr(wanted, "name", code)),
        before=before,
        after=after,
    )


def _plain(row: models.Model) -> dict[str, Any]:
    return model_to_dict(row)


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    nothing = {"zh": "", "en": ""}
    unit, description = item.get("unit", nothing), item.get("description", nothing)
    low, high = item.get("range", (None, None))
    return {
        "code": item["code"],
        "name_zh": item["name"]["zh"],
        "name_en": item["name"]["en"],
        "category": item["category"],
        "type": item["type"],
        "unit_zh": unit["zh"],
        "unit_en": unit["en"],
        "minimum": low,
        "maximum": high,
        "values": [dict(value) for value in item.get("values", [])],
        "sensitivity": item.get("sensitivity", Sensitivity.INTERNAL),
        "origin": item.get("origin", Origin.SOURCE),
        "front_desk": item.get("front_desk", False),
        "description_zh": description["zh"],
        "description_en": description["en"],
    }


def _attribute_item(a: Attribute) -> dict[str, Any]:
    """Return the item that ``_fields`` reads as this attribute; defaults are left out."""
    item = {
        "code": a.code,
        "name": {"zh": a.name_zh, "en": a.name_en},
        "category": a.category,
        "type": a.type,
        "unit": {"zh": a.unit_zh, "en": a.unit_en} if a.unit_zh else None,
        "range": None if a.minimum is a.maximum is None else [a.minimum, a.maximum],
        "values": a.values,
        "sensitivity": None if a.sensitivity == Sensitivity.INTERNAL else a.sensitivity,
        "origin": None if a.origin == Origin.SOURCE else a.origin,
        "front_desk": a.front_desk,
        "description": {"zh": a.description_zh, "en": a.description_en}
        if a.description_zh
        else None,
    }
    return {name: value for name, value in item.items() if value}
