"""How a partition comes to be: written aside, renamed whole, then named by a row.

The order is what makes a kill harmless. Before the rename there is only a draft folder that the
sweep removes; between rename and row there is a complete folder whose manifest lets the next run
adopt it; after the row there is a partition.
"""

import errno
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

from .engine import SPILL
from .models import Partition

MANIFEST = "manifest.json"
DRAFTS = ".drafts"
REFUSED = ".refused"


@dataclass
class Draft:
    """A partition being written: one Parquet file per part, and the facts found on the way.

    ``path`` becomes the partition, with whatever else is put beside the parts; ``scratch`` is a
    folder for what is needed only while writing.
    """

    path: Path
    parts: int
    facts: dict[str, Any] = field(default_factory=dict)
    partition: Partition | None = None

    def file(self, part: int) -> Path:
        return self.path / f"part-{part:04d}.parquet"

    @property
    def scratch(self) -> Path:
        return self.path.with_suffix(".scratch")


def find(dataset: str, business_date: date, key: str) -> Partition | None:
    """Return the partition, adopting a complete folder whose row a kill prevented."""
    known = Partition.objects.filter(dataset=dataset, business_date=business_date, key=key).first()
    if known is not None:
        return known
    folder = Path(settings.LAKE_DIR) / dataset / business_date.isoformat() / key
    if not (folder / MANIFEST).is_file():
        return None
    return _record(dataset, business_date, key, folder)


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
    draft.scratch.mkdir()
    try:
        yield draft
        _seal(draft)
        _move_into_place(draft.path, final)
    finally:
        shutil.rmtree(draft.path, ignore_errors=True)
        shutil.rmtree(draft.scratch, ignore_errors=True)
    draft.partition = _record(dataset, business_date, key, final)


def refused(dataset: str, business_date: date, key: str) -> Path:
    """Return the folder for what shows why a partition was refused; no step ever reads it."""
    return Path(settings.LAKE_DIR) / REFUSED / dataset / business_date.isoformat() / key


def sweep(older_than_seconds: float) -> int:
    """Remove drafts and spilled data that no living writer can still need; return how many."""
    removed = 0
    for place in (DRAFTS, SPILL):
        for folder in (Path(settings.LAKE_DIR) / place).glob("*"):
            if _last_touched(folder) < time.time() - older_than_seconds:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _last_touched(folder: Path) -> float:
    """Return the newest change below the folder; now, if its writer is just moving it."""
    try:
        return max(file.stat().st_mtime for file in [folder, *folder.rglob("*")])
    except FileNotFoundError:
        return time.time()


def _seal(draft: Draft) -> None:
    """Write the manifest last of all and bring everything to the disk."""
    files = [draft.file(part) for part in range(draft.parts)]
    manifest = {
        "parts": draft.parts,
        "rows": sum(pq.read_metadata(f).num_rows for f in files),
        "size": sum(f.stat().st_size for f in files),
        "facts": draft.facts,
    }
    (draft.path / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, sort_keys=True))
    for path in [*draft.path.iterdir(), draft.path]:
        _flush(path)


def _move_into_place(source: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(source, final)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
    _flush(final.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _record(dataset: str, business_date: date, key: str, folder: Path) -> Partition:
    """Name the folder by a row, from its own manifest: another writer may have been first."""
    return Partition.objects.get_or_create(
        dataset=dataset,
        business_date=business_date,
        key=key,
        defaults=json.loads((folder / MANIFEST).read_text()),
    )[0]
