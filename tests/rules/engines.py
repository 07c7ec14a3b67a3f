"""The set engines the rules must agree with: one query for many rules over a table of rows."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from rules import Catalogue, Params, Rule

ARROW_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "date": pa.date32(),
}

Row = dict[str, object]


def arrow_table(rows: Sequence[Row], catalogue: Catalogue) -> pa.Table:
    """The rows with a column `place` to put results back in order; NaN stays NaN, None is null."""
    columns = {
        code: pa.array([row[code] for row in rows], type=ARROW_TYPES[attribute.type])
        for code, attribute in catalogue.items()
    }
    return pa.table({"place": pa.array(range(len(rows)), pa.int64()), **columns})


def query(rules: Sequence[Rule], business_date: date, dialect: str) -> tuple[str, dict[str, Any]]:
    """`select place, rule, rule … from customers`, with its values."""
    params = Params(business_date=business_date)
    columns = [exp.alias_(rule.sql(params, "c"), f"r{n}") for n, rule in enumerate(rules)]
    select = exp.select(exp.column("place", table="c"), *columns).from_("customers AS c")
    return select.sql(dialect), params.values


def run_duckdb(
    rules: Sequence[Rule], rows: Sequence[Row], catalogue: Catalogue, business_date: date
) -> list[tuple[object, ...]]:
    """One tuple of values, rule by rule, for each row."""
    sql, values = query(rules, business_date, "duckdb")
    with duckdb.connect() as connection:
        connection.register("customers", arrow_table(rows, catalogue))
        found = connection.execute(sql, values).fetchall()
    return [tuple(row[1:]) for row in sorted(found, key=lambda row: row[0])]


def same(left: object, right: object) -> bool:
    """Equal in value and type; no result is ever NaN or infinite."""
    for value in (left, right):
        if isinstance(value, float) and not math.isfinite(value):
            return False
    return type(left) is type(right) and left == right
