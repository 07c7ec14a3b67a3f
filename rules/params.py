"""The values of a query, apart from its text."""

from datetime import date

from sqlglot import exp

SqlValue = float | str | bool | date


class Params:
    """Collects values and hands out typed placeholders: `$p1` in DuckDB, `:p1` in Spark.

    One Params serves one query, however many rules it holds: equal values share a placeholder.
    business_date: what days_since counts to; a rule that needs it and finds none is refused.
    values: value by placeholder name, as DuckDB's execute and Spark's sql(args=) take them.
    """

    def __init__(self, business_date: date | None = None) -> None:
        self.business_date = business_date
        self.values: dict[str, object] = {}
        self._names: dict[tuple[str, SqlValue], str] = {}

    def bind(self, value: SqlValue, sqltype: str) -> exp.Expression:
        """A placeholder for `value`, cast to `sqltype` so that no engine has to guess its type."""
        if isinstance(value, date):
            # As text: Spark takes dates through the old Java calendar, which moves those before
            # 1582 and refuses those before the year 1000.
            value = value.isoformat()
        key = (sqltype, value)
        name = self._names.get(key)
        if name is None:
            name = f"p{len(self.values) + 1}"
            self._names[key] = name
            self.values[name] = value
        return exp.cast(exp.Placeholder(this=name), sqltype)
