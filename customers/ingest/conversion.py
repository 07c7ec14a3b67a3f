"""From what a source says to typed values and reasons, as one tree over all its rows.

Projections, each on the one before: the raw value; ``_t`` the same trimmed; ``_n`` with null words
read as null; ``_d`` converted, null where it cannot be; then the value under its column's name and
``_e`` the reason for rejecting it, null where it is sound. The engine runs them in one pass.

DuckDB only: a snapshot is cut once, and other engines read what was cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from sqlglot import exp

from lake.parts import part_of_sql
from rules import Params

from ..models import Type
from ..reasons import Reason
from ..tables import CUSTOMER_NO, KEY_LENGTH, TEXT_LENGTH, Table
from .kinds import NUMERIC, Kind
from .mapping import ISO_DATE, Reading

# Names that no column of a table can have: codes begin with a letter.
POSITION = "_position"
PART = "_part"
PROBLEMS = "_problems"
UNLISTED = "_unlisted"
REJECTED_PART = -1

# What surrounds a value without being of it: blanks of ASCII, no-break and ideographic space.
BLANKS = " \t\r\n\u00a0\u3000"
BLANK_AT_AN_END = f"^[{BLANKS}]|[{BLANKS}]$"
NUMBER = r"[+-]?(inf(inity)?|([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?)"
NOT_A_NUMBER = ("nan", "+nan", "-nan")
TRUE_WORDS = ("true", "1", "yes")
FALSE_WORDS = ("false", "0", "no")
CONTROL_IN_IDENTIFIER = r"[\x00-\x1f\x7f-\x9f]"
CONTROL_IN_TEXT = r"\x00"
SHOWN_LENGTH = 200


@dataclass(frozen=True)
class Field:
    """A reading, the name of its raw column below, and what its raw value is taken for."""

    reading: Reading
    raw: str
    raw_kind: Kind
    kind: Kind


def converted(
    raw: exp.Query,
    table: Table,
    fields: Sequence[Field],
    null_words: Sequence[str],
    params: Params,
    parts: int,
) -> exp.Query:
    """Return (position, the table's columns, part, problems) for every row of ``raw``.

    ``raw`` gives ``_position`` and each field's raw column. ``_part`` is the part of a sound row
    and -1 of one with problems; ``_problems`` is null or a list of (column, value, reason), with
    nulls for the columns that are sound. Columns without a field are null. ``_unlisted`` is null or
    a list of (column, value) of a sound row's values that ``other`` took, with nulls for the rest.
    """
    steps = [_Steps(field, index, params) for index, field in enumerate(fields)]
    raw_columns = [_column(name) for name in dict.fromkeys(field.raw for field in fields)]
    trimmed = exp.select(_column(POSITION), *raw_columns).select(
        *(_as(step.trimmed(), step.t) for step in steps)
    )
    normal = exp.select("*", *(_as(step.normal(null_words), step.n) for step in steps))
    typed = exp.select("*", *(_as(step.converted(), step.d) for step in steps))
    judged = exp.select(
        _column(POSITION),
        *raw_columns,
        *(_as(step.value(), step.code) for step in steps),
        *(_as(step.problem(), step.e) for step in steps),
        *(_as(step.taken_by_other(), step.u) for step in steps if step.takes_others),
    )
    tree: exp.Query = raw
    for projection in (trimmed, normal, typed, judged, _routed(table, steps, parts)):
        tree = projection.from_(tree.subquery("below"))
    return tree


def raw_column(index: int) -> str:
    return f"_r{index}"


def _routed(table: Table, steps: "Sequence[_Steps]", parts: int) -> exp.Select:
    by_code = {step.code: step for step in steps}
    columns = [
        _column(c.code) if c.code in by_code else _as(exp.cast(exp.null(), c.sql_type), c.code)
        for c in table.columns
    ]
    bad = _not_null(exp.func("coalesce", *(_column(step.e) for step in steps)))
    part = _case(
        (bad, exp.Literal.number(REJECTED_PART)), default=part_of_sql(_column(CUSTOMER_NO), parts)
    )
    # Only the rejected rows pay for their list: a branch is evaluated for the rows that take it.
    problems = _case((bad.copy(), exp.Array(expressions=[step.shown() for step in steps])))
    return exp.select(
        _column(POSITION),
        *columns,
        _as(part, PART),
        _as(problems, PROBLEMS),
        _as(_unlisted(steps, bad), UNLISTED),
    )


def _unlisted(steps: "Sequence[_Steps]", bad: exp.Expression) -> exp.Expression:
    """What ``other`` took of a sound row; built only for the rows of which it took any."""
    taken = [step for step in steps if step.takes_others]
    if not taken:
        return exp.cast(exp.null(), UNLISTED_TYPE)
    any_taken = exp.func("coalesce", *(_column(step.u) for step in taken))
    shown = exp.Array(expressions=[step.unlisted() for step in taken])
    sound = exp.not_(exp.paren(bad.copy()))
    return _case((exp.and_(sound, _not_null(any_taken)), shown))


UNLISTED_TYPE = "STRUCT(column VARCHAR, value VARCHAR)[]"


class _Steps:
    """The trees of one field. Each names the columns of the projection below it."""

    def __init__(self, field: Field, index: int, params: Params) -> None:
        self.field = field
        self.reading = field.reading
        self.column = field.reading.column
        self.code = self.column.code
        self.params = params
        self.t, self.n, self.d, self.e, self.u = (f"_{letter}{index}" for letter in "tndeu")

    @property
    def takes_others(self) -> bool:
        return self.column.type == Type.CATEGORY and bool(self.reading.other)

    def taken_by_other(self) -> exp.Expression:
        """The value where it is known and not listed, cut short; else null."""
        d = _column(self.d)
        return _case((exp.not_(self._listed(d)), _call("left", d, _number(SHOWN_LENGTH))))

    def unlisted(self) -> exp.Expression:
        """(column, value) where ``other`` took the value, else null."""
        pair = (("column", self._text(self.code)), ("value", _column(self.u)))
        return _case((_not_null(_column(self.u)), _struct(*pair)))

    def trimmed(self) -> exp.Expression:
        """The value as what it is taken for: text without blanks around it, double, date."""
        raw = _column(self.field.raw)
        if self.field.kind is Kind.NUMBER:
            return exp.cast(raw, "DOUBLE")
        if self.field.kind is Kind.DATE:
            return exp.cast(_local(raw, self.field.raw_kind), "DATE")
        if self.field.kind is Kind.BOOLEAN:
            return raw
        text = exp.cast(raw, "VARCHAR")
        bare = exp.Trim(this=text.copy(), expression=exp.Literal.string(BLANKS))
        # To look for a blank first is several times faster than to trim: few values have any.
        return _case((_call("regexp_matches", text, _word(BLANK_AT_AN_END)), bare), default=text)

    def normal(self, null_words: Sequence[str]) -> exp.Expression:
        """The same, null where it says that nothing is known."""
        value = _column(self.t)
        if self.field.kind is Kind.NUMBER:
            return _case((_call("isnan", value), exp.null()), default=value)
        if self.field.kind is not Kind.TEXT:
            return value
        null = exp.In(this=value, expressions=[self._text(word) for word in null_words])
        if self.column.type in NUMERIC:
            lowered = exp.Lower(this=value.copy())
            null = exp.or_(null, exp.In(this=lowered, expressions=_words(NOT_A_NUMBER)))
        return _case((null, exp.null()), default=value.copy())

    def converted(self) -> exp.Expression:
        """The value in its column's type (an integer still as a double), null if it has none."""
        n = _column(self.n)
        match self.column.type:
            case Type.INTEGER | Type.NUMBER:
                return self._number(n)
            case Type.BOOLEAN:
                return self._boolean(n)
            case Type.DATE:
                return self._date(n)
            case Type.CATEGORY:
                named = self._named(n)
                return _case(*named, default=n) if named else n
            case _:
                return n

    def problem(self) -> exp.Expression:
        """The first thing that is wrong with the value, as a reason code; null if nothing is."""
        n, d = _column(self.n), _column(self.d)
        found = []
        if self.column.missing and not self.reading.other:
            found.append((_null(n), _word(self.column.missing)))
        unreadable = exp.and_(_not_null(n), _null(d))
        match self.column.type:
            case Type.INTEGER:
                broken = exp.NEQ(this=d, expression=_call("trunc", d))
                found.append((exp.or_(unreadable, broken), _word(Reason.WRONG_TYPE)))
                found.append((self._outside(d), _word(Reason.OUT_OF_RANGE)))
            case Type.NUMBER:
                found.append((unreadable, _word(Reason.WRONG_TYPE)))
                found.append((self._outside(d), _word(Reason.OUT_OF_RANGE)))
            case Type.CATEGORY:
                if not self.reading.other:
                    found.append((exp.not_(self._listed(d)), _word(self.column.unknown)))
            case Type.TEXT:
                found.extend(self._text_problems(d))
            case _:
                found.append((unreadable, _word(Reason.WRONG_TYPE)))
        return _case(*found) if found else exp.cast(exp.null(), "VARCHAR")

    def value(self) -> exp.Expression:
        """The value to load; what it is for a rejected row does not matter."""
        d = _column(self.d)
        if self.column.type == Type.INTEGER:
            return exp.TryCast(this=d, to=exp.DataType.build("BIGINT"))
        if self.takes_others:
            other = self._text(self.reading.other)
            known = (
                exp.or_(self._listed(d), _null(d)) if not self.column.missing else self._listed(d)
            )
            return _case((known, d.copy()), default=other)
        return d

    def shown(self) -> exp.Expression:
        """(column, raw value, reason) of a value that is not sound, null of one that is."""
        text = exp.cast(_column(self.field.raw), "VARCHAR")
        value = _call("left", text, _number(SHOWN_LENGTH))
        problem = _struct(
            ("column", self._text(str(self.reading.source))),
            ("value", value),
            ("reason", _column(self.e)),
        )
        return _case((_not_null(_column(self.e)), problem))

    def _number(self, n: exp.Expression) -> exp.Expression:
        if self.field.kind is Kind.NUMBER:
            return n
        number = exp.TryCast(this=n.copy(), to=exp.DataType.build("DOUBLE"))
        return _case((_call("regexp_full_match", n, _word(NUMBER)), number))

    def _boolean(self, n: exp.Expression) -> exp.Expression:
        if self.field.kind is Kind.BOOLEAN:
            return n
        if self.field.kind is Kind.NUMBER:
            one, zero = (exp.EQ(this=n.copy(), expression=exp.Literal.number(i)) for i in (1, 0))
            return _case((one, exp.true()), (zero, exp.false()))
        lowered = exp.Lower(this=n.copy())
        yes = exp.In(this=lowered, expressions=_words(TRUE_WORDS))
        no = exp.In(this=lowered.copy(), expressions=_words(FALSE_WORDS))
        return _case(*self._named(n), (yes, exp.true()), (no, exp.false()))

    def _date(self, n: exp.Expression) -> exp.Expression:
        """A date that reads back as it was written: ``2026-1-5`` is not in the form 2026-01-05."""
        if self.field.kind is Kind.DATE:
            return n
        form = self._text(self.reading.format or ISO_DATE)
        moment = _call("try_strptime", n, form)
        same = exp.EQ(this=_call("strftime", moment, form), expression=n.copy())
        first = exp.cast(exp.Literal.string("0001-01-01"), "TIMESTAMP")
        in_years = exp.GTE(this=moment.copy(), expression=first)
        return _case((exp.and_(same, in_years), exp.cast(moment.copy(), "DATE")))

    def _named(self, n: exp.Expression) -> list[tuple[exp.Expression, exp.Expression]]:
        return [
            (exp.EQ(this=n.copy(), expression=self._text(raw)), self._code(code))
            for raw, code in self.reading.values.items()
        ]

    def _code(self, value: str | bool) -> exp.Expression:
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        return self._text(value)

    def _listed(self, d: exp.Expression) -> exp.Expression:
        """Whether d is one of the catalogue's values; null for null."""
        return exp.In(this=d.copy(), expressions=[self._text(v) for v in self.column.values])

    def _outside(self, d: exp.Expression) -> exp.Expression:
        low = self.params.bind(float(self.column.minimum), "DOUBLE")
        high = self.params.bind(float(self.column.maximum), "DOUBLE")
        return exp.or_(
            exp.LT(this=d.copy(), expression=low), exp.GT(this=d.copy(), expression=high)
        )

    def _text_problems(self, d: exp.Expression) -> list[tuple[exp.Expression, exp.Expression]]:
        longest = KEY_LENGTH if self.column.identifier else TEXT_LENGTH
        control = CONTROL_IN_IDENTIFIER if self.column.identifier else CONTROL_IN_TEXT
        too_long = exp.GT(this=exp.Length(this=d.copy()), expression=exp.Literal.number(longest))
        found = _call("regexp_matches", d, _word(control))
        return [
            (too_long, _word(Reason.VALUE_TOO_LONG)),
            (found, _word(Reason.CONTROL_CHARACTER)),
        ]

    def _text(self, value: str) -> exp.Expression:
        return self.params.bind(value, "VARCHAR")


def _struct(*parts: tuple[str, exp.Expression]) -> exp.Struct:
    return exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name), expression=part) for name, part in parts
        ]
    )


def _number(value: int) -> exp.Literal:
    return exp.Literal.number(value)


def _local(raw: exp.Expression, kind: Kind) -> exp.Expression:
    """The wall-clock time in the province: an instant's day depends on where one stands."""
    if kind is not Kind.INSTANT:
        return raw
    return exp.AtTimeZone(this=raw, zone=exp.Literal.string(settings.TIME_ZONE))


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _as(tree: exp.Expression, name: str) -> exp.Alias:
    return exp.alias_(tree, name, quoted=True)


def _word(constant: str) -> exp.Literal:
    """One of this module's own constants; what comes from outside is bound instead."""
    return exp.Literal.string(str(constant))


def _words(constants: Sequence[str]) -> list[exp.Expression]:
    return [_word(constant) for constant in constants]


def _null(tree: exp.Expression) -> exp.Is:
    return exp.Is(this=tree.copy(), expression=exp.null())


def _not_null(tree: exp.Expression) -> exp.Not:
    return exp.Not(this=_null(tree))


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    """A function by DuckDB's own name, which sqlglot leaves as it is."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _case(
    *branches: tuple[exp.Expression, exp.Expression], default: exp.Expression | None = None
) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in branches], default=default)
