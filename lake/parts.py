"""Which part of a partition a customer is in: by his number alone, everywhere and every day.

The number is hashed because real numbers are not spread evenly (a city's numbers share a prefix,
new ones are dealt in blocks); MD5 because it is the same in every engine, release and language.
"""

import hashlib

from sqlglot import exp


def part_of(customer_no: str, parts: int) -> int:
    """Return the part, 0 … ``parts`` - 1: the first 8 bytes of MD5, little-endian, modulo parts."""
    digest = hashlib.md5(customer_no.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little") % parts


def part_of_sql(column: exp.Expression, parts: int) -> exp.Expression:
    """Return the same as a tree (INTEGER; null for null). DuckDB only: parts are cut there once."""
    number = exp.func("md5_number_upper", column.copy(), dialect="duckdb")
    return exp.cast(
        exp.Mod(this=number, expression=exp.Literal.number(parts)), exp.DataType.Type.INT
    )
