"""The files of a made province, read back as definitions/sample_province/sources.yaml maps them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

DEFINITIONS = Path(__file__).resolve().parents[2] / "definitions" / "sample_province"
TRAINING, FIRST, SECOND, THIRD = "2026-06-01", "2026-07-01", "2026-07-02", "2026-07-03"
DAYS = (FIRST, SECOND, THIRD)


def document(name: str, *, dates_as_text: bool = False) -> Any:
    """What stands in a document; ``dates_as_text`` as loaders get it, without YAML's own dates."""
    text = (DEFINITIONS / f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)[name]
    return json.loads(json.dumps(content, default=str)) if dates_as_text else content


def source(table: str) -> dict[str, Any]:
    return next(source for source in document("sources") if source["table"] == table)


@dataclass(frozen=True)
class Landing:
    folder: Path

    def raw(self, day: str, table: str) -> pa.Table:
        return pq.read_table(self.folder / day / f"{table}.parquet")

    def table(self, day: str, table: str) -> pa.Table:
        """The file with the columns, codes and cities of the catalogue."""
        mapping = source(table)
        columns = dict(mapping["columns"])
        if "city" in mapping:
            columns["city"] = mapping["city"]
        key = {"customers": "customer_no", "orders": "order_no", "contacts": "contact_no"}[table]
        raw = self.raw(day, table)
        mapped = {key: raw[mapping["key"]]}
        for attribute, column in columns.items():
            mapped[attribute] = _mapped(raw, column)
        return pa.table(mapped)

    def truth(self, name: str, day: str = FIRST) -> pa.Table:
        return pq.read_table(self.folder / "truth" / day / f"{name}.parquet")

    @cached_property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.folder / "truth" / "truth.json").read_text(encoding="utf-8"))


def _mapped(raw: pa.Table, column: str | dict[str, Any]) -> pa.ChunkedArray:
    if isinstance(column, str):
        values = raw[column]
        plain = pa.types.is_dictionary(values.type)
        return values.cast(pa.string()) if plain else values
    values = raw[column["column"]].cast(pa.string())
    codes = column["values"]
    unmapped = set(pc.unique(values).to_pylist()) - {*codes, None}
    if unmapped:
        raise AssertionError(f"{column['column']} holds {unmapped}, which the mapping lacks")
    places = pc.index_in(values, pa.array(list(codes)))
    return pa.chunked_array([pa.array(list(codes.values())).take(places.combine_chunks())])
