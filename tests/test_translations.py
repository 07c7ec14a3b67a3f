"""The Simplified Chinese catalogue is whole: every string of ours, translated, and compiled."""

import ast
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES")
PO, MO = ROOT / CATALOGUE / "django.po", ROOT / CATALOGUE / "django.mo"
RENEW = (
    "python manage.py makemessages -l zh_Hans --ignore .venv --ignore var --no-location --no-wrap"
)
COMPILE = "python manage.py compilemessages -l zh_Hans --ignore .venv --ignore var"

# What makemessages reads; the rest of the tree need not be copied for it.
_READ = {".py", ".html", ".txt"}
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?([-+ #0]*\d*(?:\.\d+)?[a-zA-Z%])")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")


@pytest.fixture(autouse=True)
def _gettext() -> None:
    if shutil.which("xgettext") is None:
        pytest.fail("GNU gettext must be installed: apt-get install -y gettext")


@dataclass
class Entry:
    """One message: ``texts`` by keyword (msgctxt, msgid, msgid_plural, msgstr, msgstr[0])."""

    fuzzy: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str | None, str, str | None]:
        get = self.texts.get
        return get("msgctxt"), self.texts["msgid"], get("msgid_plural")

    @property
    def source(self) -> str:
        """What the translation is held against; Chinese has one form, for every number."""
        return self.texts.get("msgid_plural", self.texts["msgid"])

    @property
    def translations(self) -> list[str]:
        return [text for keyword, text in self.texts.items() if keyword.startswith("msgstr")]


def read(text: str) -> list[Entry]:
    """The live entries of a PO file, without its header."""
    entries = [_entry(block) for block in text.split("\n\n")]
    return [e for e in entries if e.texts.get("msgid")]


def _entry(block: str) -> Entry:
    entry = Entry()
    keyword = ""
    for line in block.splitlines():
        if line.startswith("#,"):
            entry.fuzzy = "fuzzy" in line
        elif line.startswith("msg"):
            keyword, quoted = line.split(" ", 1)
            entry.texts[keyword] = ast.literal_eval(quoted)
        elif line.startswith('"'):
            entry.texts[keyword] += ast.literal_eval(line)
    return entry


def placeholders(text: str) -> tuple[list[str], list[str], list[str]]:
    """Named ones in any order, positional ones in theirs, and tags in any order."""
    found = [(m[1], m[0]) for m in _PLACEHOLDER.finditer(text)]
    named = sorted({whole for name, whole in found if name})
    return named, [whole for name, whole in found if not name], sorted(_TAG.findall(text))


@pytest.fixture(scope="module")
def catalogue() -> list[Entry]:
    return read(PO.read_text(encoding="utf-8"))


def test_every_message_is_translated_and_none_is_fuzzy(catalogue: list[Entry]) -> None:
    assert catalogue
    assert [e.source for e in catalogue if e.fuzzy] == []
    assert [e.source for e in catalogue if not (e.translations and all(e.translations))] == []


def test_translations_keep_the_placeholders_and_tags_of_their_source(
    catalogue: list[Entry],
) -> None:
    differing = [
        (entry.source, text)
        for entry in catalogue
        for text in entry.translations
        if placeholders(text) != placeholders(entry.source)
    ]
    assert differing == []


def test_the_compiled_catalogue_is_what_the_source_compiles_to(tmp_path: Path) -> None:
    compiled = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", str(compiled), str(PO)], check=True)
    assert _unpacked(MO) == _unpacked(compiled), f"compile the catalogue: {COMPILE}"


def _unpacked(file: Path) -> str:
    """As text, since the bytes of a .mo file are the compiler's own affair."""
    command = ["msgunfmt", "--sort-output", str(file)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources: makemessages writes beside the templates that it reads."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT, copy, ignore=_not_read)
    (copy / "locale").mkdir()
    return copy


def _not_read(directory: str, names: list[str]) -> set[str]:
    unread = {"var", "locale"} if Path(directory) == ROOT else set()
    return {
        name
        for name in names
        if name.startswith((".", "__pycache__"))
        or name in unread
        or not (Path(name).suffix in _READ or Path(directory, name).is_dir())
    }


def test_every_string_of_the_sources_is_in_the_catalogue(
    tree: Path, catalogue: list[Entry], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOCALE_PATHS = [tree / "locale"]
    monkeypatch.chdir(tree)
    call_command("makemessages", locale=["zh_Hans"], no_wrap=True, no_location=True, verbosity=0)
    extracted = read((tree / CATALOGUE / "django.po").read_text(encoding="utf-8"))
    assert len(extracted) > 100
    known = {entry.identity for entry in catalogue}
    missing = [e.source for e in extracted if e.identity not in known]
    assert missing == [], f"renew the catalogue ({RENEW}) and translate {missing}"
