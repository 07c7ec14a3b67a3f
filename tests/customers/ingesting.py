"""A small province and ingests of files written on the spot."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.conf import settings

from customers.ingest import ingest
from customers.ingest.run import sha256
from lake.models import Partition

DAY = date(2026, 7, 1)
CATALOGUE = {
    "attributes": [
        {"code": "age", "type": "integer", "minimum": 0, "maximum": 120, "values": []},
        {"code": "arpu", "type": "number", "minimum": 0, "maximum": 10_000, "values": []},
        {"code": "is_campus", "type": "boolean", "minimum": None, "maximum": None, "values": []},
        {
            "code": "brand",
            "type": "category",
            "minimum": None,
            "maximum": None,
            "values": ["gotone", "mzone"],
        },
        {"code": "handset", "type": "text", "minimum": None, "maximum": None, "values": []},
        {"code": "joined_on", "type": "date", "minimum": None, "maximum": None, "values": []},
        {"code": "unmapped", "type": "number", "minimum": None, "maximum": None, "values": []},
    ],
    "cities": ["hangzhou", "ningbo"],
}
MAPPING: dict[str, Any] = {
    "format": "csv",
    "null_words": ["", "NULL"],
    "reject_share": 1,
    "key": "NUM",
    "city": {"column": "CITY", "values": {"HZ": "hangzhou"}},
    "columns": {
        "age": "AGE",
        "arpu": "ARPU",
        "is_campus": "CAMPUS",
        "brand": {"column": "BRAND", "values": {"GT": "gotone"}},
        "handset": "HANDSET",
        "joined_on": {"column": "JOINED", "format": "%Y%m%d"},
    },
}
HEADER = ["NUM", "CITY", "AGE", "ARPU", "CAMPUS", "BRAND", "HANDSET", "JOINED"]


def land(name: str, content: str | bytes) -> str:
    """Put a file into the landing directory; return its path there."""
    path = Path(settings.LANDING_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def pinned(*names: str, table: str = "customers", **mapping: Any) -> dict[str, Any]:
    """Return what ``sources.resolve`` would: MAPPING changed by ``mapping``, these files."""
    paths = [Path(settings.LANDING_DIR) / name for name in names]
    return {
        "source": f"test_{table}",
        "table": table,
        "mapping": {**(MAPPING if table == "customers" else {}), **mapping},
        "catalogue": CATALOGUE if table == "customers" else {},
        "files": [
            {"path": name, "sha256": sha256(path), "bytes": path.stat().st_size}
            for name, path in zip(names, paths, strict=True)
        ],
    }


def run(pinned: dict[str, Any], day: date = DAY) -> Partition:
    return ingest(day, pinned, progress=lambda done, total: None)


def loaded(partition: Partition) -> list[dict[str, Any]]:
    """Return all rows of a partition, part after part."""
    return [row for file in partition.files for row in pq.read_table(file).to_pylist()]


def rejected(partition: Partition) -> list[dict[str, Any]]:
    return pq.read_table(partition.path / "rejects.parquet").to_pylist()
