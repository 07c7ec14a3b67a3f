"""From the stage to the partition: duplicates out, each part in the order of its customers."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.parquet as pq
from sqlglot import exp

from lake.engine import DuckDB
from lake.partitions import Draft
from rules import Params

from ..catalogue import CITY
from ..models import Type
from ..reasons import Reason
from ..tables import CUSTOMER_NO
from . import rejects
from .conversion import POSITION, PROBLEMS, REJECTED_PART, UNLISTED
from .staging import Stage

STAGED = "staged"
DUPLICATES = "duplicates"
FIRST = "_first"
MOST_UNLISTED = 20  # values told of an attribute


class Loader:
    """Writes what a filled stage holds into a draft."""

    def __init__(self, engine: DuckDB, stage: Stage, draft: Draft) -> None:
        self.engine = engine
        self.stage = stage
        self.table = stage.table
        self.draft = draft
        self.duplicated = self._find_duplicates()

    def write_rejects(self, source: str, files: Sequence[str]) -> rejects.Counts:
        """Write the reject file; return what stands in it."""
        self.engine.register("unreadable", self.stage.folder / "unreadable.parquet")
        self.engine.register("rejected", self.stage.files(REJECTED_PART))
        params = Params()
        views = [_unreadable(), _judged(), self._repeated(params)]
        target = self.draft.path / rejects.REJECTS
        return rejects.write(self.engine, views, source, files, target, params)

    def write_parts(self, tick: Callable[[], None]) -> int:
        """Write every part, ordered by customer and key; return the rows loaded."""
        loaded = 0
        for part in range(self.draft.parts):
            self.engine.register(STAGED, self.stage.files(part))
            loaded += self.engine.write(self._part(), self.draft.file(part))
            tick()
        return loaded

    def null_shares(self) -> dict[str, float]:
        """Return the share of nulls in each column, from the footers of the parts."""
        nulls = dict.fromkeys(self.table.codes, 0)
        rows = 0
        for part in range(self.draft.parts):
            footer = pq.read_metadata(self.draft.file(part))
            rows += footer.num_rows
            for group in range(footer.num_row_groups):
                for index, code in enumerate(self.table.codes):
                    nulls[code] += footer.row_group(group).column(index).statistics.null_count
        return {code: round(count / rows, 6) if rows else 0.0 for code, count in nulls.items()}

    def by_city(self) -> dict[str, Any]:
        """Return the customers of each city as ``by_city``; nothing for other tables."""
        if CITY not in self.table.codes:
            return {}
        self.engine.register("loaded", [self.draft.file(p) for p in range(self.draft.parts)])
        city = exp.column(CITY, quoted=True)
        tree = exp.select(city, exp.Count(this=exp.Star())).from_("loaded")
        return {"by_city": dict(self.engine.rows(tree.group_by(city).order_by(city)))}

    def unlisted(self) -> dict[str, Any]:
        """Return by attribute the rows whose value ``other`` took, and the commonest values."""
        taken = [r for r in self.stage.readings if r.other and r.column.type == Type.CATEGORY]
        if not taken:
            return {}
        self.engine.register(STAGED, self._sound())
        rows = dict(self.engine.rows(_taken_by("column")))
        found = {
            code: {"rows": rows[code], "values": self._commonest(code)} for code in sorted(rows)
        }
        return {"unlisted": found} if found else {}

    def _commonest(self, code: str) -> dict[str, int]:
        params = Params()
        of_column = _pair("column").eq(params.bind(code, "VARCHAR"))
        most = exp.Count(this=exp.Star()).desc()
        tree = _taken_by("value").where(of_column).order_by(most, _pair("value"))
        return dict(self.engine.rows(tree.limit(MOST_UNLISTED), params.values))

    def _find_duplicates(self) -> bool:
        """Register the keys that sound rows share, with the position of the first; any at all?"""
        key, position = _column(self.table.key), _column(POSITION)
        tree = (
            exp.select(key, exp.alias_(exp.Min(this=position), FIRST, quoted=True))
            .from_(STAGED)
            .group_by(key.copy())
            .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
        )
        self.engine.register(STAGED, self._sound())
        file = self.stage.folder / "duplicates.parquet"
        found = self.engine.write(tree, file)
        self.engine.register(DUPLICATES, file)
        return found > 0

    def _sound(self) -> list[Any]:
        files = (self.stage.files(part) for part in range(self.draft.parts))
        return list(dict.fromkeys(file for part in files for file in part))

    def _part(self) -> exp.Select:
        columns = [_column(code, STAGED) for code in self.table.codes]
        order = dict.fromkeys((CUSTOMER_NO, self.table.key))
        tree = exp.select(*columns).from_(STAGED).order_by(*(_column(c, STAGED) for c in order))
        if not self.duplicated:
            return tree
        alone = exp.Is(this=_column(FIRST, DUPLICATES), expression=exp.null())
        first = exp.EQ(this=_column(FIRST, DUPLICATES), expression=_column(POSITION, STAGED))
        return self._with_duplicates(tree, "left").where(exp.or_(alone, first))

    def _repeated(self, params: Params) -> exp.Select:
        """The rows whose key an earlier row has: (position, column, value, reason)."""
        self.engine.register(STAGED, self._sound())
        later = exp.NEQ(this=_column(FIRST, DUPLICATES), expression=_column(POSITION, STAGED))
        source = next(r.source for r in self.stage.readings if r.column.code == self.table.key)
        tree = exp.select(
            _as(_column(POSITION, STAGED), "position"),
            _as(params.bind(str(source), "VARCHAR"), "column"),
            _as(_column(self.table.key, STAGED), "value"),
            _as(exp.Literal.string(str(Reason.DUPLICATE_KEY)), "reason"),
        ).from_(STAGED)
        return self._with_duplicates(tree, "inner").where(later)

    def _with_duplicates(self, tree: exp.Select, kind: str) -> exp.Select:
        same = exp.EQ(
            this=_column(self.table.key, STAGED), expression=_column(self.table.key, DUPLICATES)
        )
        return tree.join(DUPLICATES, on=same, join_type=kind)


def _taken_by(name: str) -> exp.Select:
    """Rows (column or value, how often) of what ``other`` took."""
    pairs = exp.select(_as(exp.Unnest(expressions=[_column(UNLISTED)]), "pair")).from_(STAGED)
    known = exp.Is(this=_column("pair"), expression=exp.null()).not_()
    tree = exp.select(_pair(name), exp.Count(this=exp.Star())).from_(pairs.subquery("found"))
    return tree.where(known).group_by(_pair(name))


def _pair(name: str) -> exp.Dot:
    return exp.Dot(this=_column("pair"), expression=exp.to_identifier(name))


def _unreadable() -> exp.Select:
    return exp.select(*(_column(name) for name in rejects.COLUMNS)).from_("unreadable")


def _judged() -> exp.Select:
    """One row per problem of each row that had any."""
    problems = exp.select(
        _column(POSITION), _as(exp.Unnest(expressions=[_column(PROBLEMS)]), "problem")
    ).from_("rejected")
    parts = [
        _as(exp.Dot(this=_column("problem"), expression=exp.to_identifier(name)), name)
        for name in rejects.COLUMNS[1:]
    ]
    found = exp.Is(this=_column("problem"), expression=exp.null()).not_()
    return (
        exp.select(_as(_column(POSITION), "position"), *parts)
        .from_(problems.subquery("found"))
        .where(found)
    )


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table, quoted=True)


def _as(tree: exp.Expression, name: str) -> exp.Alias:
    return exp.alias_(tree, name, quoted=True)
