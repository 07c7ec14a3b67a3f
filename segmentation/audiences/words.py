"""A set of customers as a sentence in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.naming import in_chinese
from rules import Catalogue, RuleError, compile_condition
from rules.nodes import And, Or

from ..definition import MatrixDefinition
from ..dimensions import Dimension, Name
from .sets import AUDIENCE, MARK, AllOf, AnyOf, But, InCells, Joined, NamedSet, Node, OfRule, Ref


@dataclass(frozen=True)
class Words:
    """What a sentence may name. What is not there any more is called by its code."""

    catalogue: Catalogue
    matrices: Mapping[str, MatrixDefinition]
    sets: Mapping[Ref, Name]


def sentence(node: Node, words: Words) -> str:
    """The set in words: Chinese or English, by the language in force."""
    match node:
        case AnyOf(sets):
            return _joined([_part(inner, words, AnyOf) for inner in sets], all_of=False)
        case AllOf(sets):
            return _joined([_part(inner, words, AllOf) for inner in sets], all_of=True)
        case But():
            without = _joined([_part(inner, words) for inner in node.without], all_of=False)
            if len(node.without) > 1:
                without = _bracketed(without)
            return _("%(whole)s, but not %(without)s") % {
                "whole": _part(node.whole, words),
                "without": without,
            }
        case OfRule(text):
            return _rule(text, words)
        case InCells():
            return _cells(node, words)
        case NamedSet():
            return _named(node, words)
    raise AssertionError(f"no words for {type(node).__name__}")


def _part(node: Node, words: Words, within: type | None = None) -> str:
    """A part of a sentence, in brackets where its own joints could be taken for the outer ones."""
    text = sentence(node, words)
    if isinstance(node, Joined) and not isinstance(node, within or ()) and len(node.sets) > 1:
        return _bracketed(text)
    if isinstance(node, OfRule) and _is_joined(node.rule, words):
        return _bracketed(text)
    return text


def _is_joined(text: str, words: Words) -> bool:
    try:
        return isinstance(compile_condition(text, words.catalogue).tree, And | Or)
    except RuleError:
        return False


def _rule(text: str, words: Words) -> str:
    """The rule explained; as it is written where the catalogue can't read it any more."""
    try:
        rule = compile_condition(text, words.catalogue)
    except RuleError:
        return f"“{text}”"
    return rule.explain("zh-hans" if in_chinese() else "en")


def _cells(node: InCells, words: Words) -> str:
    matrix = words.matrices.get(node.matrix)
    name = matrix.name.in_language(_language()) if matrix else node.matrix
    if not node.box:
        return _("in any cell of “%(matrix)s”") % {"matrix": name}
    known = {dimension.code: dimension for dimension in matrix.dimensions} if matrix else {}
    limits = [_limit(code, bands, known.get(code)) for code, bands in node.box]
    return _("in the cells of “%(matrix)s” where %(box)s") % {
        "matrix": name,
        "box": _joined(limits, all_of=True),
    }


def _limit(code: str, bands: Sequence[str], dimension: Dimension | None) -> str:
    names = {band.code: band.name for band in dimension.all_bands} if dimension else {}
    said = [names[band].in_language(_language()) if band in names else band for band in bands]
    return _("%(dimension)s is %(bands)s") % {
        "dimension": dimension.name.in_language(_language()) if dimension else code,
        "bands": _(" or ").join(said),
    }


def _named(node: NamedSet, words: Words) -> str:
    known = words.sets.get(node.ref)
    name = known.in_language(_language()) if known else node.code
    if node.kind == MARK:
        return _("marked “%(name)s”") % {"name": name}
    if node.kind == AUDIENCE:
        return _("in the audience “%(name)s”") % {"name": name}
    return _("on the list “%(name)s”") % {"name": name}


def _joined(parts: Sequence[str], *, all_of: bool) -> str:
    text = parts[0]
    for part in parts[1:]:
        pattern = _("%(first)s and %(second)s") if all_of else _("%(first)s or %(second)s")
        text = pattern % {"first": text, "second": part}
    return text


def _bracketed(text: str) -> str:
    return _("(%(text)s)") % {"text": text}


def _language() -> str:
    return get_language() or ""
