"""Scores of the models that stand before, computed anew of a training's rows for the report."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from numpy.typing import NDArray
from sqlglot import exp

from customers.catalogue import compiled, rule_catalogue
from lake.engine import DuckDB
from rules import Params, Rule, compile_condition

from ..models import ModelVersion
from ..registry import load
from ..rows import AS_OF, Rows, features_of
from .base import Definition

SNAPSHOT, ROW = "snapshot", "__row"


def population_of(definition: Definition) -> Rule | None:
    """Whom a model scores; None: everybody."""
    text = definition.get("population")
    return compiled(compile_condition, text, rule_catalogue(), "population") if text else None


def read_by(versions: Iterable[ModelVersion]) -> list[str]:
    """Return the attributes that these versions and their populations read, each once."""
    read: list[str] = []
    for version in versions:
        read += version.definition["reads"]
        rule = population_of(version.definition)
        read += rule.attributes if rule else ()
    return list(dict.fromkeys(read))


class Earlier:
    """What versions in use say of rows that have the columns of ``read_by``."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._inside: dict[str, NDArray[np.bool_]] = {}

    def scores(self, version: ModelVersion) -> NDArray[np.float64]:
        """Return each row's score as the day writes it: NaN of who is outside the population."""
        definition = version.definition
        features = features_of(definition["reads"], definition.get("categories", {}))
        fitted = load(version.file, version.signature)
        scores = fitted.predict(Rows(self.rows.table, features).x)
        return np.where(self.inside(definition), np.asarray(scores, dtype=np.float64), np.nan)

    def inside(self, definition: Definition) -> NDArray[np.bool_]:
        """Return whether each row is in the population, as of its own day."""
        rule, text = population_of(definition), definition.get("population", "")
        if rule is None:
            return np.ones(len(self.rows), dtype=np.bool_)
        if text not in self._inside:
            self._inside[text] = _holds(rule, self.rows.table)
        return self._inside[text]


def _holds(rule: Rule, table: pa.Table) -> NDArray[np.bool_]:
    """Ask the engine, once per day that rows are as of; unknown is not held to be true."""
    found = np.zeros(table.num_rows, dtype=np.bool_)
    asked = table.select(list(rule.attributes)).append_column(ROW, pa.array(np.arange(len(found))))
    with DuckDB(threads=1) as engine:
        for day in table.column(AS_OF).unique().to_pylist():
            params = Params(day)
            engine.register(SNAPSHOT, asked.filter(pc.equal(table.column(AS_OF), day)))
            query = sqlglot.select(exp.column(ROW, quoted=True)).from_(SNAPSHOT)
            query = query.where(rule.sql(params, SNAPSHOT))
            found[engine.arrow(query, params.values).column(ROW).to_numpy()] = True
    return found
