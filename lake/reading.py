"""One customer's rows, for a look at what a step saw; not for serving."""

from typing import Any

from sqlglot import exp

from rules import Params

from .engine import DuckDB
from .models import Partition
from .parts import part_of


def rows_of(partition: Partition, customer_no: str) -> list[dict[str, Any]]:
    """Return the customer's rows as dicts by column; [] if he has none. Reads one part."""
    params = Params()
    number = params.bind(customer_no, "VARCHAR")
    tree = (
        exp.select("*")
        .from_("part")
        .where(exp.EQ(this=exp.column("customer_no", quoted=True), expression=number))
    )
    with DuckDB() as engine:
        engine.register("part", partition.file(part_of(customer_no, partition.parts)))
        return engine.arrow(tree, params.values).to_pylist()
