"""Definitions as code: a directory of YAML files, loaded whole or not at all."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
from django.db import transaction
from django.utils.translation import gettext as _

import accounts.definitions
import campaigns.definitions
import contacts.definitions
import customers.definitions
import scoring.definitions
import segmentation.audiences.definitions
import segmentation.definitions
from common import yaml_source
from common.definitions import Changes, Document
from common.errors import DomainError, did_you_mean
from common.yaml_source import Source

# In the order in which one names the other.
DOCUMENTS: tuple[Document, ...] = (
    *accounts.definitions.DOCUMENTS,
    *customers.definitions.DOCUMENTS,
    *scoring.definitions.DOCUMENTS,
    *segmentation.definitions.DOCUMENTS,
    *segmentation.audiences.definitions.DOCUMENTS,
    *contacts.definitions.DOCUMENTS,
    *campaigns.definitions.DOCUMENTS,
)
MOST_PROBLEMS = 50


def load(directory: Path, *, by: str) -> dict[str, Changes]:
    """Load every document found in ``directory``; return what changed, by document.

    All files are read and held against the schema first; then all are written in one transaction.
    Any fault refuses the whole directory, with file, line and what is wrong.
    """
    sources = _read_all(directory)
    _check_all(sources)
    with transaction.atomic():
        return {d.name: _load_one(d, sources[d.name], by) for d in DOCUMENTS if d.name in sources}


def export(directory: Path) -> list[Path]:
    """Write every document that has content; loading them again changes nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for document in DOCUMENTS:
        content = document.dump()
        if content:
            file = directory / f"{document.name}.yaml"
            yaml_source.write(file, {document.name: content})
            files.append(file)
    return files


def json_schema() -> dict[str, Any]:
    """Return the schema of a whole definitions directory: one property per file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Juzhen definitions",
        "type": "object",
        "properties": {d.name: d.schema for d in DOCUMENTS},
        "additionalProperties": False,
    }


def _read_all(directory: Path) -> dict[str, Source]:
    if not directory.is_dir():
        raise DomainError("no_directory", _("%s must be a directory of YAML files.") % directory)
    files = sorted([*directory.glob("*.yaml"), *directory.glob("*.yml")])
    if not files:
        raise DomainError("no_definitions", _("%s holds no YAML file.") % directory)
    return {_known_name(file): yaml_source.read(file) for file in files}


def _known_name(file: Path) -> str:
    names = [d.name for d in DOCUMENTS]
    if file.stem not in names:
        near = [f"{name}.yaml" for name in difflib.get_close_matches(file.stem, names)]
        message = _("%(file)s is none of the documents %(names)s.") % {
            "file": file.name,
            "names": ", ".join(names),
        }
        raise DomainError("unknown_document", message + did_you_mean(near), file=str(file))
    return file.stem


def _check_all(sources: dict[str, Source]) -> None:
    problems = [p for d in DOCUMENTS if d.name in sources for p in _problems(d, sources[d.name])]
    if problems:
        shown = [_placed(**problem) for problem in problems[:MOST_PROBLEMS]]
        message = _("The definitions are refused whole; %d thing(s) must be put right:") % len(
            problems
        )
        raise DomainError("bad_definitions", "\n".join([message, *shown]), problems=problems)


def _problems(document: Document, source: Source) -> list[dict[str, Any]]:
    schema = {
        "type": "object",
        "properties": {document.name: document.schema},
        "required": [document.name],
        "additionalProperties": False,
    }
    checker = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return [
        {
            "file": source.file.name,
            "line": source.line(tuple(error.absolute_path)),
            "path": _path(error.absolute_path),
            "message": _short(error.message),
        }
        for error in sorted(checker.iter_errors(source.value), key=lambda e: list(map(str, e.path)))
    ]


def _load_one(document: Document, source: Source, by: str) -> Changes:
    try:
        return document.load(source.value[document.name], by)
    except DomainError as error:
        where = (document.name, *error.extra.get("where", ()))
        file, line = source.file.name, source.line(where)
        message = _placed(file=file, line=line, path=_path(where), message=error.message)
        extra = error.extra | {"file": file, "line": line, "where": list(where)}
        raise DomainError(error.code, message, **extra) from error


def _placed(*, file: str, line: int, path: str, message: str) -> str:
    return _("%(file)s line %(line)d: %(path)s: %(text)s") % {
        "file": file,
        "line": line,
        "path": path,
        "text": message,
    }


def _path(where: Sequence[str | int]) -> str:
    return "".join(f"[{w}]" if isinstance(w, int) else f".{w}" for w in where).lstrip(".") or "file"


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:200]} … {text[-90:]}"
