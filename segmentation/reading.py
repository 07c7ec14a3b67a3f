"""Parts of the lake as Arrow tables: read, laid side by side by customer, made comparable."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CUSTOMER, CITY = "customer_no", "city"


def read(file: Path, columns: Sequence[str]) -> pa.Table:
    """Read by one thread: parts are read side by side. Texts that repeat come as dictionaries."""
    texts = [f.name for f in pq.read_schema(file) if pa.types.is_string(f.type)]
    repeating = [name for name in texts if name in columns and name != CUSTOMER]
    table = pq.read_table(file, columns=columns, use_threads=False, read_dictionary=repeating)
    return table.unify_dictionaries().combine_chunks()


def beside(customers: pa.Table, other: pa.Table) -> pa.Table:
    """The other table's columns beside the customers', null for who is not in it.

    As a rule both stand in the snapshot's order: then there is nothing to look up.
    """
    if not other[CUSTOMER].equals(customers[CUSTOMER]):
        found = pc.index_in(customers[CUSTOMER], other[CUSTOMER].combine_chunks())
        other = other.take(found)
    for name in other.column_names:
        if name != CUSTOMER:
            customers = customers.append_column(name, other[name])
    return customers


def as_compared(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers are compared as doubles: whole ones become so once, not at every comparison."""
    return values.cast(pa.float64(), safe=False) if pa.types.is_integer(values.type) else values
