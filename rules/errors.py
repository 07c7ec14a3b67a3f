"""The one error of the package: what is wrong with a rule, where, and what to do."""

from dataclasses import dataclass

from rules.kinds import Language
from rules.messages import render_hint, render_message


@dataclass(frozen=True, slots=True)
class Span:
    """The characters start..stop-1 of a rule's text, counted from 0."""

    start: int
    stop: int

    def to(self, other: "Span") -> "Span":
        return Span(min(self.start, other.start), max(self.stop, other.stop))


NOWHERE = Span(0, 0)


class RuleError(Exception):
    """A rule that cannot be accepted, or a row that a rule cannot be evaluated on.

    code      stable, for programs: a key of rules.messages.MESSAGES
    message   English sentence: what must hold and what came
    hint      English sentence: what to do; may be empty
    line, column  1-based position in the text; 0 when the error has no place in a text
    length    characters concerned
    render(language)  message and hint in 'en' or 'zh-hans'
    """

    def __init__(self, code: str, span: Span = NOWHERE, **params: object) -> None:
        self.code = code
        self.span = span
        self.params = params
        self.line = 0
        self.column = 0
        self.length = span.stop - span.start
        super().__init__(code)

    @property
    def message(self) -> str:
        return render_message(self.code, self.params, "en")

    @property
    def hint(self) -> str:
        return render_hint(self.code, self.params, "en")

    def render(self, language: Language) -> str:
        parts = (
            render_message(self.code, self.params, language),
            render_hint(self.code, self.params, language),
        )
        return ("" if language == "zh-hans" else " ").join(part for part in parts if part)

    def extra(self) -> dict[str, object]:
        """The position and hint as plain values, for an API's error body."""
        return {
            "line": self.line,
            "column": self.column,
            "length": self.length,
            "hint": self.hint,
        }

    def located(self, text: str) -> "RuleError":
        """The same error, knowing its line and column in `text`."""
        before = text[: self.span.start]
        self.line = before.count("\n") + 1
        self.column = len(before) - (before.rfind("\n") + 1) + 1
        return self

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line else ""
        return place + self.render("en")
