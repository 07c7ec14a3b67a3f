"""YAML that remembers where each value stood, so that an error can name its line."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _

from .errors import DomainError

PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
Where = tuple[str | int, ...]


@dataclass
class Source:
    """A parsed file. ``value`` is plain JSON data; ``lines`` maps each path in it to its line."""

    file: Path
    value: Any = None
    lines: dict[Where, int] = field(default_factory=dict)

    def line(self, where: Where) -> int:
        """Return the line of the value at ``where``, or of the nearest that encloses it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases: definitions say what they say where they say it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None,
                None,
                _("aliases (*name) are not allowed: write the value out"),
                event.start_mark,
            )
        return super().compose_node(parent, index)


def read(file: Path) -> Source:
    """Parse ``file``; raise DomainError ``bad_yaml`` with file, line and what is wrong."""
    source = Source(file)
    try:
        loader = _Loader(file.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            source.value = _value(loader, node, (), source) if node is not None else None
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise _refusal(file, 1, _("the file must be UTF-8 (byte %d)") % error.start) from error
    except RecursionError as error:
        raise _refusal(file, 1, _("the file is nested too deeply")) from error
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:
        mark = getattr(error, "problem_mark", None)
        text = getattr(error, "problem", None) or str(error)
        raise _refusal(file, mark.line + 1 if mark else 1, text) from error
    return source


def _refusal(file: Path, line: int, text: str) -> DomainError:
    message = _("%(file)s line %(line)d: %(text)s") % {
        "file": file.name,
        "line": line,
        "text": text,
    }
    return DomainError("bad_yaml", message, file=str(file), line=line)


def _value(loader: _Loader, node: yaml.Node, where: Where, source: Source) -> Any:
    source.lines[where] = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode) and node.tag not in PLAIN_TAGS:
        raise yaml.MarkedYAMLError(
            problem=_("the tag %s is not allowed") % node.tag, problem_mark=node.start_mark
        )
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, child, (*where, i), source) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, where, source)
    try:
        value = loader.construct_object(node)
    except ValueError as error:
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error
    return value.isoformat() if isinstance(value, date) else value


def _mapping(
    loader: _Loader, node: yaml.MappingNode, where: Where, source: Source
) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key_node, child in node.value:
        key = str(key_node.value)
        if key in value:
            raise yaml.MarkedYAMLError(
                problem=_("'%s' stands twice") % key, problem_mark=key_node.start_mark
            )
        value[key] = _value(loader, child, (*where, key), source)
        source.lines[(*where, key)] = key_node.start_mark.line + 1
    return value


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # PyYAML folds unusual line ends (NEL, U+2028) into spaces unless they are escaped.
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write(file: Path, value: Any) -> None:
    """Write ``value`` as YAML that ``read`` reads back as the same value."""
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    file.write_text(text, encoding="utf-8")
