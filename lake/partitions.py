"""How a partition comes to be: written aside, renamed whole, then named by a row.

The order is what makes a kill harmless. Before the rename there is only a draft folder that the
sweep removes; between rename and row there is a complete folder whose manifest lets the next run
adopt it; after the row there is a partition.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
from django.conf import settings

from .models import Partition

MANIFEST = "manifest.json"
DRAFTS = ".drafts"


@dataclass
class Draft:
    """A partition being written: one Parquet file per part, and the facts found on the way."""

    path: Path
    parts: int
    facts: dict[str, Any] = field(default_factory=dict)
    partition: Partition | None = None

    def file(self, part: int) -> Path:
        return self.path / f"part-{part:04d}.parquet"


def find(dataset: str, business_date: date, key: str) -> Partition | None:
    """Return the partition, adopting a complete folder whose row a kill prevented."""
    known = Partition.objects.filter(dataset=dataset, business_date=business_date, key=key).first()
    if known is not None:
        return known
    folder = Path(settings.LAKE_DIR) / dataset / business_date.isoformat() / key
    if not (folder / MANIFEST).is_file():
        return None
    return _record(dataset, business_date, key, json.loads((folder / MANIFEST).read_text()))


@contextmanager
def writing(
    dataset: str, business_date: date, key: str, *, parts: int | None = None
) -> Iterator[Draft]:
    """Write a partition: ``with writing(...) as draft`` fills ``draft.file(0..parts-1)``.

    On leaving, the folder is moved into place whole and ``draft.partition`` is set. On an error
    nothing remains. Two writers of one key make the same content: the second finds the first's.
    """
    final = Path(settings.LAKE_DIR) / dataset / business_date.isoformat() / key
    draft = Draft(Path(settings.LAKE_DIR) / DRAFTS / uuid4().hex, parts or settings.LAKE_PARTS)
    draft.path.mkdir(parents=True)
    try:
        yield draft
        manifest = _manifest(draft)
        _move_into_place(draft.path, final)
    finally:
        shutil.rmtree(draft.path, ignore_errors=True)
    draft.partition = _record(dataset, business_date, key, manifest)


def sweep(older_than_seconds: float) -> int:
    """Remove drafts that no living writer can still be filling; return how many."""
    removed = 0
    for folder in (Path(settings.LAKE_DIR) / DRAFTS).glob("*"):
        newest = max((f.stat().st_mtime for f in [folder, *folder.rglob("*")]), default=0.0)
        if newest < time.time() - older_than_seconds:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _manifest(draft: Draft) -> dict[str, Any]:
    files = [draft.file(part) for part in range(draft.parts)]
    manifest = {
        "parts": draft.parts,
        "rows": sum(pq.read_metadata(f).num_rows for f in files),
        "size": sum(f.stat().st_size for f in files),
        "facts": draft.facts,
    }
    (draft.path / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, sort_keys=True))
    for file in [*files, draft.path / MANIFEST]:
        _flush(file)
    return manifest


def _move_into_place(source: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(source, final)
    except OSError:
        if not (final / MANIFEST).is_file():
            raise
    _flush(final.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _record(dataset: str, business_date: date, key: str, manifest: dict[str, Any]) -> Partition:
    return Partition.objects.get_or_create(
        dataset=dataset, business_date=business_date, key=key, defaults=manifest
    )[0]
