"""Text to words. Only what the language knows gets through; everything else stops here, in place.

Our own scanner and not sqlglot's: SQL dialects hide much in their lexical corners (dollar quotes,
hex and byte strings, hints in comments, templates, parameters), and a refusal needs its position.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from rules.catalogue import KEYWORDS
from rules.errors import RuleError, Span


class Sort(Enum):
    NAME = auto()
    NUMBER = auto()
    TEXT = auto()
    KEYWORD = auto()
    SIGN = auto()


@dataclass(frozen=True, slots=True)
class Word:
    """One word: keywords in lower case, texts without their quotes, the rest as written."""

    sort: Sort
    text: str
    span: Span


_WORD = re.compile(
    r"""
      (?P<space>   [ \t\r\n]+ )
    | (?P<comment> -- | /\* | \*/ | // | \# )
    | (?P<number>  [0-9]+ (?:\.[0-9]+)? (?:[eE][+-]?[0-9]+)? (?![0-9A-Za-z_.]) )
    | (?P<spoilt>  [0-9] [0-9A-Za-z_.]* )
    | (?P<text>    '(?: [^'] | '' )*' )
    | (?P<open>    ' )
    | (?P<quoted>  ["`] )
    | (?P<name>    [A-Za-z_] [A-Za-z0-9_]* )
    | (?P<sign>    <= | >= | <> | != | [=<>+\-*/(),] )
    """,
    re.VERBOSE | re.ASCII,
)

# What a Chinese input method types where the language needs its ASCII twin.
_FULL_WIDTH = {
    "，": ",",
    "、": ",",
    "（": "(",
    "）": ")",
    "＝": "=",
    "＞": ">",
    "＜": "<",
    "≥": ">=",
    "≤": "<=",
    "≠": "<>",
    "＋": "+",
    "－": "-",
    "＊": "*",
    "×": "*",
    "／": "/",
    "÷": "/",
    "％": "%",
    "‘": "'",
    "’": "'",
    "“": "'",
    "”": "'",
    "\u3000": " ",
}


def scan(text: str) -> list[Word]:
    """The words of a rule in order. Raises RuleError at the first character that is none."""
    words: list[Word] = []
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise _stray(text[position], position)
        span = Span(match.start(), match.end())
        words.extend(_word(match.lastgroup or "", match.group(), span))
        position = match.end()
    return words


def _word(group: str, found: str, span: Span) -> list[Word]:
    match group:
        case "space":
            return []
        case "name" if found.lower() in KEYWORDS:
            return [Word(Sort.KEYWORD, found.lower(), span)]
        case "name":
            return [Word(Sort.NAME, found, span)]
        case "number":
            return [Word(Sort.NUMBER, found, span)]
        case "text":
            return [Word(Sort.TEXT, found[1:-1].replace("''", "'"), span)]
        case "sign":
            return [Word(Sort.SIGN, "<>" if found == "!=" else found, span)]
    refusals = {
        "comment": "comment",
        "spoilt": "bad_number",
        "open": "unterminated_text",
        "quoted": "quoted_name",
    }
    raise RuleError(refusals[group], span, shown=found)


def _stray(character: str, position: int) -> RuleError:
    span = Span(position, position + 1)
    if instead := _FULL_WIDTH.get(character):
        return RuleError("full_width", span, shown=character, instead=instead)
    shown = character if character.isprintable() else "?"
    return RuleError("character", span, shown=f"{shown} (U+{ord(character):04X})")
