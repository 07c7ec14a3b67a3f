"""A tree to a sentence in the words of the catalogue, in Chinese or English.

Every sentence says what the tree says, no less: `not` is drawn into a comparison only where the
two agree on unknown values as well, and mixed `and` and `or` get brackets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rules.canonical import format_number
from rules.catalogue import Attribute
from rules.kinds import Kind, Language
from rules.nodes import (
    Among,
    And,
    Arithmetic,
    Between,
    Coalesce,
    Compare,
    Day,
    DaysSince,
    IsNull,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Prefix,
    Read,
    Text,
    Truth,
    attributes_of,
)
from rules.phrases import say, spaced
from rules.values import Value, read_value

LISTED = 20  # longer lists are cut, and say by how many

_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}

# A boolean named after a person reads "is a campus customer"; any other, "… applies".
_PERSON_EN = re.compile(
    r"\b(customer|user|member|subscriber|owner|holder|buyer|visitor|student|resident|employee"
    r"|leader|payer|caller|roamer)$",
    re.IGNORECASE,
)
_PERSON_ZH = re.compile(r"(客户|用户|会员|成员|学生|员工|持有者|订户|人)$")


def explain_tree(tree: Node, language: Language) -> str:
    """The sentence of a condition, or the phrase of a number.

    Raises ValueError for a language there is no wording for.
    """
    return _Writer(language).whole(tree)


class Sentence:
    """The same with places for a customer's values beside each condition.

    The words are put together once: what is left per customer is to fill the places.
    """

    def __init__(self, tree: Node, language: Language) -> None:
        writer = _Writer(language, places=[])
        texts = _PLACE.split(writer.whole(tree))
        self._texts, self._values = texts[::2], [writer.places[int(n)] for n in texts[1::2]]

    def with_values(self, row: Mapping[str, object]) -> str:
        """Raises RuleError for a row that lacks an attribute that the sentence shows."""
        said = [self._texts[0]]
        for value, text in zip(self._values, self._texts[1:], strict=True):
            said.append(value.said(row))
            said.append(text)
        return "".join(said)


# A place: a character that PostgreSQL keeps in no name and rules in no literal, with a number.
_MARK = "\x00"
_PLACE = re.compile(f"{_MARK}([0-9]+){_MARK}")


class _Writer:
    """``places``: None for a sentence without values; else where they are noted."""

    def __init__(self, language: Language, places: "list[_Shown] | None" = None) -> None:
        if language not in ("en", "zh-hans"):
            raise ValueError(f"language must be 'en' or 'zh-hans', {language!r} came")
        self._language = language
        self.places: list[_Shown] = [] if places is None else places
        self._with_values = places is not None

    def whole(self, tree: Node) -> str:
        if tree.kind is Kind.NUMBER:
            return self.with_values(tree, self.thing(tree, tree))
        return self.condition(tree)

    def _say(self, phrase: str, **parts: str) -> str:
        return say(self._language, phrase, **parts)

    # --- conditions ------------------------------------------------------------------------------

    def condition(self, node: Node) -> str:
        match node:
            case And(operands):
                return self._joined("and", operands)
            case Or(operands):
                return self._joined("either", operands)
            case Not(And() | Or() | Not() as operand):
                return self._say("not", a=self._bracket(self.condition(operand)))
            case Not(operand):
                return self.with_values(operand, self._atom(operand, positive=False))
        return self.with_values(node, self._atom(node, positive=True))

    def _joined(self, word: str, operands: tuple[Node, ...]) -> str:
        parts = []
        for operand in operands:
            part = self.condition(operand)
            parts.append(self._bracket(part) if self._reads_double(operand, word) else part)
        text = parts[0]
        for part in parts[1:]:
            text = self._together(text + self._say(word), part)
        return text

    def _reads_double(self, operand: Node, word: str) -> bool:
        """Whether a part has an `or` or `and` of its own that could be taken for the joining one.

        The Chinese joints carry a comma, which the `or` within a list of values does not.
        """
        if isinstance(operand, And | Or):
            return True
        listed = isinstance(operand, Among) and len(operand.values) > 1
        return listed and word == "either" and self._language == "en"

    def _atom(self, node: Node, positive: bool) -> str:
        match node:
            case Truth(value):
                return self._say("true" if value is positive else "false")
            case Read(attribute):
                return self._flag(attribute, positive)
            case Compare(operator, left, right):
                return self._compare(operator if positive else _OPPOSITE[operator], left, right)
            case Among():
                return self._among(node, positive)
            case Between(operand, low, high):
                a, b, c = (self.thing(part, operand) for part in (operand, low, high))
                return self._say("between" if positive else "not between", a=a, b=b, c=c)
            case Prefix(operand, prefix):
                a, b = self.thing(operand, operand), self._quote(prefix)
                return self._say("like" if positive else "not like", a=a, b=b)
            case IsNull(operand):
                a = self.thing(operand, operand)
                return self._say("is null" if positive else "is not null", a=a)
            case Coalesce(operands):
                return self._first_condition(operands, positive)
        raise AssertionError(f"no words for {type(node).__name__}")

    def _flag(self, attribute: Attribute, positive: bool) -> str:
        name = self._name(attribute)
        person = _PERSON_EN if self._language == "en" else _PERSON_ZH
        if not person.search(name):
            return self._say("flag" if positive else "not flag", a=name)
        if self._language == "en":
            article = "an" if name[0].lower() in "aeiou" else "a"
            name = f"{'is ' if positive else ''}{article} {name}"
        return self._say("person" if positive else "not person", a=name)

    def _compare(self, operator: str, left: Node, right: Node) -> str:
        if isinstance(left, Number | Text | Day | Truth):
            operator, left, right = _MIRRORED[operator], right, left
        if left.kind is Kind.BOOLEAN:
            return self._compare_truth(operator, left, right)
        phrase = operator
        if left.kind is Kind.DATE and operator not in ("=", "<>"):
            phrase = f"date {operator}"
        return self._say(phrase, a=self.thing(left, right), b=self.thing(right, left))

    def _compare_truth(self, operator: str, left: Node, right: Node) -> str:
        if isinstance(right, Truth) and not isinstance(left, Truth):
            same = right.value is (operator == "=")
            text = self.condition(left if same else Not(left))
            return text if isinstance(left, Read) else self._bracket(text)
        phrase = "same" if operator == "=" else "differ"
        a, b = (self._bracket(self.condition(part)) for part in (left, right))
        return self._say(phrase, a=a, b=b)

    def _among(self, node: Among, positive: bool) -> str:
        a = self.thing(node.operand, node.operand)
        values = [self.thing(value, node.operand) for value in node.values]
        if positive:
            return self._say("in", a=a, b=self._either(values))
        if len(values) == 1:
            return self._say("not in, one", a=a, b=values[0])
        if len(values) == 2:
            return self._say("not in, two", a=a, b=values[0], c=values[1])
        return self._say("not in", a=a, b=self._say("comma").join(self._cut(values)))

    def _first_condition(self, operands: tuple[Node, ...], positive: bool) -> str:
        match operands:
            case (first, Truth(value)):
                b = self._say("yes" if value else "no")
                text = self._say("condition coalesce", a=self.condition(first), b=b)
            case _:
                parts = [self._bracket(self.condition(operand)) for operand in operands]
                text = self._say("first condition", a=self._say("comma").join(parts))
        text = self._bracket(text)
        return text if positive else self._say("not", a=text)

    # --- what is compared ------------------------------------------------------------------------

    def thing(self, node: Node, beside: Node) -> str:
        """A value as a noun; literals take unit and label from the node they stand `beside`."""
        match node:
            case Number(value):
                return self._amount(value, self._unit(beside))
            case Text(value):
                return self._labels(beside).get(value) or self._quote(value)
            case Day(value):
                return value.isoformat()
            case Read(attribute) if attribute.type != "boolean":
                return self._name(attribute)
            case DaysSince(operand):
                return self._say("days since", a=self.thing(operand, operand))
            case Arithmetic() | Negate():
                return self._calculation(node)
            case Coalesce((first, Number() | Text() | Day() as literal)):
                a, b = self.thing(first, first), self.thing(literal, first)
                return self._say("coalesce", a=a, b=b)
            case Coalesce(operands) if node.kind is not Kind.BOOLEAN:
                parts = [self.thing(operand, operands[0]) for operand in operands]
                return self._say("first", a=self._bracket(self._say("comma").join(parts)))
        return self._say("whether", a=self._bracket(self.condition(node)))

    def _calculation(self, node: Node) -> str:
        """Figures without units: what a product of them counts is not ours to say."""
        match node:
            case Negate(operand):
                return f"−{self._factor(operand, tight=True)}"
            case Arithmetic(operator, left, right):
                product = operator in "*/"
                one = self._factor(left, tight=product and _is_sum(left))
                other = self._factor(right, tight=product or operator == "-" or _is_sum(right))
                return f"{one} {_SIGNS[operator]} {other}"
        return self.thing(node, node)

    def _factor(self, node: Node, tight: bool) -> str:
        if isinstance(node, Number):
            text = format_number(node.value)
            return f"({text})" if node.value < 0 else text
        text = self._calculation(node)
        return f"({text})" if tight and isinstance(node, Arithmetic | Negate) else text

    def _unit(self, node: Node) -> str:
        match node:
            case Read(attribute):
                return attribute.unit_en if self._language == "en" else attribute.unit_zh
            case DaysSince():
                return self._say("days")
            case Coalesce(operands):
                return self._unit(operands[0])
            case Arithmetic("+" | "-", left, right):
                units = {self._unit(part) for part in (left, right) if not isinstance(part, Number)}
                return units.pop() if len(units) == 1 else ""
        return ""

    def _labels(self, node: Node) -> dict[str, str]:
        place = 2 if self._language == "en" else 1
        return {
            value[0]: value[place]
            for attribute in attributes_of(node)
            for value in attribute.values
        }

    # --- a customer's values ---------------------------------------------------------------------

    def with_values(self, node: Node, text: str) -> str:
        """The text of a condition, followed by what this customer has."""
        attributes = attributes_of(node)
        if not self._with_values or not attributes or _has_inner_values(node):
            return text
        if len(attributes) == 1:
            return self._say("actual", a=text, b=self._place(attributes[0]))
        values = [
            self._say("value of", a=self._name(attribute), b=self._place(attribute))
            for attribute in attributes
        ]
        return self._say("actual", a=text, b=self._say("comma").join(values))

    def _place(self, attribute: Attribute) -> str:
        self.places.append(
            _Shown(attribute, self, self._unit(Read(attribute)), self._labels(Read(attribute)))
        )
        return f"{_MARK}{len(self.places) - 1}{_MARK}"

    def value(self, value: Value, unit: str, labels: Mapping[str, str]) -> str:
        match value:
            case None:
                return self._say("unknown")
            case bool():
                return self._say("yes" if value else "no")
            case float():
                return self._amount(value, unit)
            case date():
                return value.isoformat()
        return labels.get(value) or self._quote(value)

    # --- small pieces ----------------------------------------------------------------------------

    def _name(self, attribute: Attribute) -> str:
        return attribute.name_en if self._language == "en" else attribute.name_zh

    def _amount(self, value: float, unit: str) -> str:
        figure = format_number(value)
        if self._language == "en" and unit[:1].isalnum():
            return f"{figure} {unit}"
        return self._together(figure, unit)

    def _together(self, left: str, right: str) -> str:
        return left + right if self._language == "en" else spaced(left, right)

    def _either(self, values: list[str]) -> str:
        values = self._cut(values)
        head = self._say("comma").join(values[:-1])
        return head + self._say("or") + values[-1] if head else values[0]

    def _cut(self, values: list[str]) -> list[str]:
        if len(values) <= LISTED:
            return values
        return [*values[:LISTED], self._say("more", n=str(len(values) - LISTED))]

    def _quote(self, text: str) -> str:
        return self._say("quote", a=text) if text else self._say("empty")

    def _bracket(self, text: str) -> str:
        return self._say("bracket", a=text)


@dataclass(frozen=True)
class _Shown:
    """One place of a sentence: whose value, with its unit and labels in the sentence's language."""

    attribute: Attribute
    writer: _Writer
    unit: str
    labels: Mapping[str, str]

    def said(self, row: Mapping[str, object]) -> str:
        return self.writer.value(read_value(row, self.attribute), self.unit, self.labels)


def _is_sum(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.operator in "+-"


def _has_inner_values(node: Node) -> bool:
    """Whether the node is made of conditions, which have named their values already."""
    kinds = (child.kind for child in node.children if not isinstance(child, Truth))
    return Kind.BOOLEAN in kinds
