"""The organisation as code: one tree, province → cities → teams.

    organisation: {code: zhejiang, name: {zh: 浙江, en: Zhejiang}, children: [...]}

A node is known by its code. Loading adds and renames; a node that the file leaves out stays, and
none is moved: a city's code stands in every snapshot.
"""

from typing import Any

from django.utils.translation import gettext as _

from common.definitions import CODE, NAME, Changes, Document
from common.errors import DomainError

from .models import Organisation
from .services import create_organisation, rename_organisation


def _node(depth: int) -> dict[str, Any]:
    """Return the schema of a node; only a province and a city have children."""
    properties: dict[str, Any] = {"code": CODE, "name": NAME}
    if depth < 3:
        properties["children"] = {"type": "array", "items": _node(depth + 1)}
    return {
        "type": "object",
        "properties": properties,
        "required": ["code", "name"],
        "additionalProperties": False,
    }


def load(content: dict[str, Any], by: str) -> Changes:
    changes = Changes()
    _load_node(content, None, by, [], changes)
    return changes


def _load_node(
    content: dict[str, Any],
    parent: Organisation | None,
    by: str,
    where: list[int | str],
    changes: Changes,
) -> None:
    try:
        node = _write_node(content, parent, by, changes)
    except DomainError as error:
        error.extra.setdefault("where", [*where, "code"])
        raise
    for index, child in enumerate(content.get("children", [])):
        _load_node(child, node, by, [*where, "children", index], changes)


def _write_node(
    content: dict[str, Any], parent: Organisation | None, by: str, changes: Changes
) -> Organisation:
    code = content["code"]
    names = {"name_zh": content["name"]["zh"], "name_en": content["name"]["en"]}
    node = Organisation.objects.filter(code=code).first()
    if node is None:
        changes.added.append(code)
        return create_organisation(code=code, **names, parent=parent, by=by)
    if (
        Organisation.objects.get_parent(node) != parent
        or code in changes.added + changes.changed + changes.unchanged
    ):
        raise DomainError(
            "organisation_moved",
            _("%(code)s stands elsewhere in the tree already; a code stays where it is.")
            % {"code": code},
        )
    same = (node.name_zh, node.name_en) == (names["name_zh"], names["name_en"])
    (changes.unchanged if same else changes.changed).append(code)
    return rename_organisation(node, **names, by=by)


def dump() -> dict[str, Any]:
    """Return the tree; an empty mapping where there is none yet."""
    root = Organisation.objects.get_first_root_node()
    return _dump_node(root) if root else {}


def _dump_node(node: Organisation) -> dict[str, Any]:
    content: dict[str, Any] = {
        "code": node.code,
        "name": {"zh": node.name_zh, "en": node.name_en},
    }
    if children := [_dump_node(child) for child in Organisation.objects.get_children(node)]:
        content["children"] = children
    return content


DOCUMENTS = (Document("organisation", _node(1), load, dump),)
