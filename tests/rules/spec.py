"""The language by example: (section, what it shows, expression, values, result).

Every line is run on the reference, the closures and DuckDB, and printed in docs/rules.md.
`values` replace those of an ordinary customer (catalogue.ROW); the business date is 2026-01-31.
"""

from datetime import date
from typing import NamedTuple

from rules.parse import MAX_DEPTH

INFINITY = float("inf")
NAN = float("nan")


# Conditions close to the bounds: an engine must take whatever the language accepts.
LARGE = [
    " or ".join(["is_campus"] * 300),
    " and ".join(["calls > 1"] * 166),
    "not (" * (MAX_DEPTH - 2) + "arpu > 1" + ")" * (MAX_DEPTH - 2),
    "arpu in (" + ",".join(map(str, range(700))) + ")",
    "arpu > " + " + ".join(["arpu / calls"] * 37),
]


class Example(NamedTuple):
    expression: str
    values: dict[str, object]
    result: bool | float | None


SPEC: dict[str, list[Example]] = {
    "Comparisons": [
        Example("arpu >= 80", {"arpu": 80.0}, True),
        Example("arpu > 80", {"arpu": 80.0}, False),
        Example("arpu <> 80", {"arpu": 80.0}, False),
        Example("arpu != 80", {"arpu": 79.5}, True),
        Example("arpu >= 80", {"arpu": None}, None),
        Example("arpu = 0", {"arpu": -0.0}, True),
        Example("arpu < calls", {"arpu": 96.5, "calls": 120}, True),
        Example("brand = 'mzone'", {"brand": "mzone"}, True),
        Example("brand = brand_before", {"brand": "mzone", "brand_before": "gotone"}, False),
        Example("handset = 'nokia n95'", {"handset": "Nokia N95"}, False),
        Example("handset = ''", {"handset": ""}, True),
        Example("handset = 'O''Hara 1'", {"handset": "O'Hara 1"}, True),
        Example("join_date < date '2025-01-01'", {"join_date": date(2024, 1, 31)}, True),
    ],
    "Yes/no attributes": [
        Example("is_campus", {"is_campus": True}, True),
        Example("not is_campus", {"is_campus": True}, False),
        Example("not is_campus", {"is_campus": None}, None),
        Example("is_campus = false", {"is_campus": False}, True),
        Example("true", {}, True),
    ],
    "Three-valued logic": [
        Example("is_campus and arpu > 80", {"is_campus": None, "arpu": 10.0}, False),
        Example("is_campus and arpu > 80", {"is_campus": None, "arpu": 90.0}, None),
        Example("is_campus or arpu > 80", {"is_campus": None, "arpu": 90.0}, True),
        Example("is_campus or arpu > 80", {"is_campus": None, "arpu": 10.0}, None),
        Example("not (arpu > 80)", {"arpu": None}, None),
        Example("coalesce(is_campus, false)", {"is_campus": None}, False),
    ],
    "Lists, ranges, beginnings": [
        Example("brand in ('gotone', 'mzone')", {"brand": "easyown"}, False),
        Example("brand in ('gotone', 'mzone')", {"brand": None}, None),
        Example("brand not in ('gotone', 'mzone')", {"brand": "easyown"}, True),
        Example("brand not in ('gotone', 'mzone')", {"brand": None}, None),
        Example("calls in (1, 2, -3)", {"calls": -3}, True),
        Example("arpu between 80 and 120", {"arpu": 120.0}, True),
        Example("arpu not between 80 and 120", {"arpu": 120.0}, False),
        Example("5 between arpu and calls", {"arpu": 9.0, "calls": None}, False),
        Example("5 between arpu and calls", {"arpu": 1.0, "calls": None}, None),
        Example("handset like 'Nokia%'", {"handset": "Nokia N95"}, True),
        Example("handset like 'nokia%'", {"handset": "Nokia N95"}, False),
        Example("handset not like 'Nokia%'", {"handset": None}, None),
        Example("handset like '%'", {"handset": ""}, True),
    ],
    "Unknown values": [
        Example("arpu is null", {"arpu": None}, True),
        Example("arpu is not null", {"arpu": None}, False),
        Example("arpu is null", {"arpu": NAN}, True),
        Example("arpu > 80", {"arpu": NAN}, None),
        Example("arpu > 80", {"arpu": INFINITY}, None),
        Example("handset is null", {"handset": ""}, False),
        Example("coalesce(arpu, movement_index, 0)", {"arpu": None, "movement_index": 7.0}, 7.0),
        Example("coalesce(arpu, 0)", {"arpu": NAN}, 0.0),
        Example("coalesce(brand, 'none') = 'none'", {"brand": None}, True),
    ],
    "Calculations": [
        Example("0.4 * movement_index / 100", {"movement_index": 50.0}, 0.2),
        Example("calls / 8", {"calls": 1}, 0.125),
        Example("arpu - 2 * 3", {"arpu": 10.0}, 4.0),
        Example("(arpu - 2) * 3", {"arpu": 10.0}, 24.0),
        Example("-arpu - -1", {"arpu": 10.0}, -9.0),
        Example("arpu + calls", {"arpu": 10.0, "calls": None}, None),
        Example("arpu / calls", {"arpu": 10.0, "calls": 0}, None),
        Example("arpu / calls", {"arpu": 0.0, "calls": 0}, None),
        Example("1 / (arpu / calls)", {"arpu": 10.0, "calls": 0}, None),
        Example("arpu * 1e308", {"arpu": 100.0}, None),
        Example("1 / (arpu * 1e308)", {"arpu": 100.0}, None),
        Example("arpu * 0", {"arpu": INFINITY}, None),
        Example("calls = 9007199254740992", {"calls": 9007199254740992}, True),
    ],
    "Days": [
        Example("days_since(join_date)", {"join_date": date(2026, 1, 31)}, 0.0),
        Example("days_since(join_date)", {"join_date": date(2024, 1, 31)}, 731.0),
        Example("days_since(join_date)", {"join_date": date(2026, 2, 2)}, -2.0),
        Example("days_since(last_order) <= 45", {"last_order": None}, None),
        Example(
            "days_since(coalesce(last_order, join_date)) > 90",
            {"last_order": None, "join_date": date(2024, 1, 31)},
            True,
        ),
    ],
    "Precedence": [
        Example("true or is_campus and false", {"is_campus": True}, True),
        Example("(true or is_campus) and false", {"is_campus": True}, False),
        Example("not is_campus or true", {"is_campus": True}, True),
        Example("not arpu = 80", {"arpu": 80.0}, False),
        Example("arpu + 1 between 80 and 79 + 2", {"arpu": 80.0}, True),
        Example("8 / 4 / 2", {}, 1.0),
        Example("8 - 4 - 2", {}, 2.0),
    ],
}


def markdown() -> str:
    """The examples as docs/rules.md shows them."""
    lines = []
    for section, examples in SPEC.items():
        lines += [f"### {section}", "", "| expression | when | result |", "| --- | --- | --- |"]
        for expression, values, result in examples:
            when = ", ".join(f"`{code}` is {_shown(value)}" for code, value in values.items())
            lines.append(f"| `{expression}` | {when} | {_shown(result)} |")
        lines.append("")
    return "\n".join(lines)


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"`'{value}'`"
        case float() if value != value:
            return "NaN"
        case float() if value in (INFINITY, -INFINITY):
            return "infinite"
    return str(value)
