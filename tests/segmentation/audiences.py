"""A small province in which sets are defined, its days, and who is in a set read off its JSON."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from customers.catalogue import rule_catalogue
from customers.models import Attribute, Origin
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from rules import compile_condition
from rules.reference import evaluate
from segmentation.assign import assign
from segmentation.audiences.members import materialise
from segmentation.audiences.models import Audience, AuxiliaryMatrix, ImportedList, Mark
from segmentation.audiences.services import (
    define_audience,
    define_auxiliary_matrix,
    define_mark,
    import_list,
)
from segmentation.dimensions import Name
from segmentation.models import MatrixVersion

from .matrices import BY, boolean, make_world, published, thresholds

Json = dict[str, Any]
Row = Mapping[str, Any]

DAY = date(2026, 6, 2)
FAR = date(2099, 1, 1)
TYPES = {
    "customer_no": pa.string(),
    "city": pa.string(),
    "arpu": pa.float64(),
    "data_mb": pa.int64(),
    "is_campus": pa.bool_(),
}
SCORES = {"customer_no": pa.string(), "movement": pa.float64()}


def make_audience_world() -> None:
    """The world of matrices, a score, and the published matrix ``care``: spend × campus."""
    make_world()
    Attribute.objects.create(
        code="movement",
        type="number",
        category="basic",
        origin=Origin.SCORE,
        name_zh="异动",
        name_en="movement",
    )
    published(thresholds("arpu", 50, 90), boolean("is_campus"))


# --- definitions ---


def audience(code: str, customers: Json, **more: Any) -> Audience:
    return define_audience(
        code=code, name=Name(f"{code}中", code.title()), expression=customers, **{"by": BY} | more
    )


def auxiliary(code: str = "potential", **more: Any) -> AuxiliaryMatrix:
    return define_auxiliary_matrix(
        code=code, name=Name(f"{code}中", code.title()), **{"by": BY} | more
    )


def mark(code: str, customers: Json, matrix: AuxiliaryMatrix | None = None, **more: Any) -> Mark:
    matrix = matrix or AuxiliaryMatrix.objects.first() or auxiliary()
    return define_mark(
        matrix,
        code=code,
        name=Name(f"{code}中", code.title()),
        expression=customers,
        **{"by": BY} | more,
    )


def brought(code: str, *numbers: str, **more: Any) -> ImportedList:
    says = {"source": "field survey", "expires_on": FAR, "by": BY} | more
    return import_list(
        code=code, name=Name(f"{code}中", code.title()), content="\n".join(numbers).encode(), **says
    )


# --- days ---


def person(number: int, **known: Any) -> Json:
    row = {"customer_no": f"138{number:08d}", "city": "hangzhou", "arpu": 60.0, "data_mb": 100}
    return row | {"is_campus": False, "movement": 10.0} | known


def write(
    dataset: str, rows: Sequence[Row], types: Mapping[str, Any], day: date, parts: int
) -> Partition:
    with partitions.writing(dataset, day, uuid4().hex, parts=parts) as draft:
        for part in range(parts):
            here = [row for row in rows if part_of(row["customer_no"], parts) == part]
            table = {c: pa.array([row[c] for row in here], type_) for c, type_ in types.items()}
            pq.write_table(pa.table(table), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def day_of(
    rows: Sequence[Row], *, day: date = DAY, parts: int = 2, without: str = ""
) -> tuple[Partition, Partition, Partition]:
    """Snapshot, scores and cells of these customers; the scores in another order."""
    types = {code: type_ for code, type_ in TYPES.items() if code != without}
    snapshot = write("customers", rows, types, day, parts)
    scores = write("scores", rows[::-1], SCORES, day, parts)
    versions = list(MatrixVersion.objects.published())
    full = snapshot if not without else write("customers", rows, TYPES, day, parts)
    return snapshot, scores, assign(full, None, versions, progress=quietly)


def quietly(done: int, total: int) -> None: ...


def members_of(rows: Sequence[Row], *, day: date = DAY, parts: int = 2, **more: Any) -> Partition:
    snapshot, scores, cells = day_of(rows, day=day, parts=parts)
    return materialise(snapshot, scores, cells, business_date=day, progress=quietly, **more)


def held(members: Partition) -> dict[str, set[str]]:
    """Column → the customers of whom it is true."""
    table = pa.concat_tables([pq.read_table(file) for file in members.files]).to_pylist()
    columns = pq.read_schema(members.file(0)).names[2:]
    return {name: {row["customer_no"] for row in table if row[name]} for name in columns}


def before(day: date) -> date:
    return day - timedelta(days=1)


# --- the slow reading of a set, one customer at a time ---


def holds(body: Json, row: Row, lists: Mapping[str, set[str]]) -> bool:
    [(word, said)] = body.items()
    match word:
        case "any":
            return any(holds(inner, row, lists) for inner in said)
        case "all":
            return all(holds(inner, row, lists) for inner in said)
        case "but":
            return holds(said[0], row, lists) and not any(
                holds(inner, row, lists) for inner in said[1:]
            )
        case "rule":
            return evaluate(compile_condition(said, rule_catalogue()).tree, row, DAY) is True
        case "cells":
            bands = bands_of(row)
            return all(bands[code] in wanted for code, wanted in said.get("box", {}).items())
        case "list":
            return row["customer_no"] in lists[said]
    model = {"mark": Mark, "audience": Audience}[word]
    other = model.objects.get(pk=said)
    return other.city in ("", row["city"]) and holds(other.expression, row, lists)


def bands_of(row: Row) -> dict[str, str]:
    """Where ``care`` puts the customer."""
    arpu = row["arpu"]
    known = arpu is not None and isfinite(arpu)
    spend = ("b0" if arpu < 50 else "b1" if arpu < 90 else "b2") if known else "unknown"
    campus = {True: "on", False: "off", None: "unknown"}[row["is_campus"]]
    return {"arpu": spend, "is_campus": campus}
