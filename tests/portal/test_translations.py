"""The Chinese catalogue: whole, with the same placeholders, and compiled from what is there."""

import ast
import gettext
import re
from collections.abc import Iterator

from django.conf import settings

DIRECTORY = settings.BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[\d.]*[a-z%]|{\w*}")


def entries() -> Iterator[tuple[str, str]]:
    """(English, Chinese) of each entry that is in use; of plural ones the singular."""
    for block in (DIRECTORY / "django.po").read_text().split("\n\n"):
        assert "#, fuzzy" not in block, block
        parts = dict(re.findall(r'^(msgid|msgstr(?:\[0\])?) ((?:".*"\n?)+)', block, re.M))
        if "msgid" in parts:
            english, chinese = (_text(parts[name]) for name in ("msgid", list(parts)[-1]))
            if english:
                yield english, chinese


def _text(lines: str) -> str:
    return "".join(ast.literal_eval(line) for line in lines.strip().split("\n"))


def test_every_text_is_translated_with_its_placeholders():
    for english, chinese in entries():
        assert chinese, english
        assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(chinese)), english


def test_the_compiled_catalogue_is_the_one_that_is_read():
    with (DIRECTORY / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for english, chinese in entries():
        assert chinese in (compiled.gettext(english), compiled.ngettext(english, english, 1))
