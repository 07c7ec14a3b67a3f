"""What somebody types about contact rules: rows of text that become a body, or show why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from common.errors import DomainError

from .body import Body

SECTIONS = ("limits", "quiet_hours")
TEXTS = {
    "limits": ("code", "name_zh", "name_en", "per", "counts", "most", "days", "rest"),
    "quiet_hours": ("start", "end"),
}
NUMBERS = ("most", "days", "rest")


@dataclass
class Row:
    """One rule as typed; ``errors``: what is wrong, by field, "" for the rule as a whole."""

    values: dict[str, str]
    channels: list[str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> str:
        return self.errors.get("", "")


@dataclass
class Sheet:
    """The rows of the form, and the number of the version that they began with."""

    limits: list[Row]
    quiet_hours: list[Row]
    seen: int

    @classmethod
    def of_body(cls, body: Body, seen: int) -> "Sheet":
        limits = [_limit_row(item) for item in body.get("limits", [])]
        quiet = [
            Row({"start": item["start"], "end": item["end"]}, list(item.get("channels", ())))
            for item in body.get("quiet_hours", [])
        ]
        return cls(limits, quiet, seen)

    @classmethod
    def of_post(cls, post: QueryDict) -> "Sheet":
        seen = post.get("seen", "")
        return cls(*(_posted(post, section) for section in SECTIONS), _number(seen, 0))

    def change(self, do: str) -> bool:
        """Add or remove the row that a button names; False where it names none."""
        act, _sep, rest = do.partition("-")
        section, _sep, place = rest.partition("-")
        if section not in SECTIONS or act not in ("add", "remove"):
            return False
        rows: list[Row] = getattr(self, section)
        if act == "add":
            rows.append(self._fresh(section))
        elif place.isdecimal() and int(place) < len(rows):
            del rows[int(place)]
        return True

    def body(self) -> dict[str, Any]:
        return {
            "limits": [_limit_item(row) for row in self.limits],
            "quiet_hours": [{**row.values, "channels": row.channels} for row in self.quiet_hours],
        }

    def refuse(self, error: DomainError) -> str:
        """Put the message at the field it is about; return it where there is none such."""
        section, place, *rest = [*error.extra.get("where", ()), None, None]
        if section not in SECTIONS or not isinstance(place, int):
            return error.message
        at = "_".join(str(part) for part in rest if isinstance(part, str))
        row: Row = getattr(self, section)[place]
        row.errors[at if at in TEXTS[section] or at == "channels" else ""] = error.message
        return ""

    def _fresh(self, section: str) -> Row:
        if section == "quiet_hours":
            return Row({"start": "21:00", "end": "09:00"}, [])
        taken = {row.values["code"] for row in self.limits}
        code = next(c for n in range(1, len(taken) + 2) if (c := f"limit_{n}") not in taken)
        texts = dict.fromkeys(TEXTS["limits"], "")
        return Row(texts | {"code": code, "per": "channel", "counts": "contacts"}, [])


def _limit_row(item: Mapping[str, Any]) -> Row:
    values = {name: str(item.get(name, "")) for name in TEXTS["limits"]}
    names = {"name_zh": item["name"]["zh"], "name_en": item["name"]["en"]}
    return Row(values | names, list(item.get("channels", ())))


def _limit_item(row: Row) -> dict[str, Any]:
    values = row.values
    return {
        "code": values["code"].strip(),
        "name": {"zh": values["name_zh"], "en": values["name_en"]},
        "per": values["per"],
        "counts": values["counts"],
        "channels": row.channels,
        "most": _number(values["most"], values["most"]),
        "days": _number(values["days"], values["days"]),
        "rest": _number(values["rest"].strip() or "0", values["rest"]),
    }


def _posted(post: QueryDict, section: str) -> list[Row]:
    """The rows as the browser sent them: numbered from 0, none left out."""
    first, rows = TEXTS[section][0], []
    while f"{section}-{len(rows)}-{first}" in post:
        prefix = f"{section}-{len(rows)}"
        values = {name: post.get(f"{prefix}-{name}", "") for name in TEXTS[section]}
        rows.append(Row(values, post.getlist(f"{prefix}-channels")))
    return rows


def _number(text: str, otherwise: Any) -> Any:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else otherwise
