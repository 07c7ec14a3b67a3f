"""Whatever the operation log says, a Chinese reader reads in Chinese."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation

from accounts.models import Operation
from config import definitions
from portal.templatetags.portal import words
from scoring.services import TRANSITIONS

SAMPLE = settings.BASE_DIR / "definitions" / "sample_province"
# What a call computes: the code as it stands there, and all that it can come to.
COMPUTED = {
    "f'replace_{name}'": {"replace_marketing", "replace_priority"},
    "f'{name}_matrix'": {"marketing_matrix", "priority_matrix"},
    "kind._meta.model_name or ''": {"attribute", "source"},
    "f'define_{row.noun}'": {
        "define_auxiliary_matrix",
        "define_mark",
        "define_audience",
        "define_imported_list",
    },
    "f'{act}_model'": {f"{act}_model" for act in TRANSITIONS},
    "row.noun": {"auxiliary_matrix", "mark", "audience", "imported_list"},
}


@dataclass(frozen=True)
class Call:
    """One call of ``log`` in the code, with the function around it and all that it may call."""

    node: ast.Call
    inside: ast.FunctionDef
    functions: dict[str, ast.FunctionDef]

    def codes(self, keyword: str) -> set[str]:
        """Every text that the argument can be; of a target its type."""
        return {c for k in self.node.keywords if k.arg == keyword for c in self._texts(k.value)}

    def fields(self) -> set[str]:
        """The names in ``before`` and ``after`` where these are written out in the call."""
        said = [k.value for k in self.node.keywords if k.arg in ("before", "after")]
        keys = [key for value in said if isinstance(value, ast.Dict) for key in value.keys]
        return {key.value for key in keys if isinstance(key, ast.Constant)}

    def _texts(self, tree: ast.expr) -> Iterator[str]:
        match tree:
            case ast.Constant(str(text)):
                yield text
            case ast.IfExp(body=one, orelse=other):
                yield from (*self._texts(one), *self._texts(other))
            case ast.Tuple(elts=[type_, *_]):
                yield from self._texts(type_)
            case ast.Call(func=ast.Name(name)):
                for part in ast.walk(self.functions[name]):
                    if isinstance(part, ast.Return):
                        yield from self._texts(part.value)
            case ast.Name(name):
                for part in ast.walk(self.inside):
                    if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == name:
                        yield from self._texts(part.value)
            case _:
                yield from COMPUTED[ast.unparse(tree)]


def calls() -> Iterator[Call]:
    ours = [Path(app.path) for app in apps.get_app_configs()]
    folders = [path for path in ours if path.parent == settings.BASE_DIR]
    modules = [ast.parse(file.read_text()) for path in folders for file in path.rglob("*.py")]
    imported = {name: it for module in modules for name, it in functions_of(module).items()}
    for module in modules:
        own = functions_of(module)
        for function in own.values():
            for part in ast.walk(function):
                if is_log(part):
                    yield Call(part, function, imported | own)


def is_log(node: ast.AST) -> TypeGuard[ast.Call]:
    """Of the operation log: a logarithm has no keywords."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "log" and bool(node.keywords)


def functions_of(module: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}


def without_words(codes: set[str]) -> list[str]:
    with translation.override("zh-hans"):
        return sorted(code for code in codes if words(code) == code.replace("_", " "))


@pytest.mark.parametrize("keyword", ["action", "target"])
def test_every_action_and_type_of_thing_that_the_code_logs_has_words(keyword: str) -> None:
    found = [call.codes(keyword) for call in calls()]
    assert len(found) > 15
    assert all(found)
    assert without_words(set().union(*found)) == []


def test_every_field_that_a_call_names_has_words() -> None:
    assert without_words(set().union(*(call.fields() for call in calls()))) == []


@pytest.mark.django_db
def test_the_lines_of_a_whole_province_are_of_these_kinds_and_their_fields_have_words() -> None:
    definitions.load(SAMPLE, by="test")
    lines = list(Operation.objects.all())
    known = list(calls())
    for keyword, name in (("action", "action"), ("target", "target_type")):
        assert {getattr(line, name) for line in lines} <= set().union(
            *(call.codes(keyword) for call in known)
        )
    assert without_words({name for line in lines for name, _b, _a in line.differences}) == []
