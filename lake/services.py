"""Writes on the lake as a whole."""

import shutil
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from .models import Partition
from .partitions import DRAFTS, REFUSED

# (dataset, business date, key): what names a partition, on disk and in the database.
Name = tuple[str, date, str]


def prune(*, keep_days: int, today: date, protected: Collection[Name]) -> list[Name]:
    """Remove partitions of business dates before ``today`` - ``keep_days``; return their names.

    ``protected`` are never removed: the caller names whatever a publication or an unfinished run
    still refers to. The row goes before the folder, so that no row ever names what is not there;
    a folder left behind by a kill in between goes at the next pruning.
    """
    first_kept = today - timedelta(days=keep_days)
    old = sorted(
        name for name in {*_rows(), *_folders(Path(settings.LAKE_DIR))} if name[1] < first_kept
    )
    removed = [name for name in old if name not in protected]
    for name in removed:
        _remove(*name)
    lake = Path(settings.LAKE_DIR)
    for dataset, day, key in list(_folders(lake / REFUSED)):
        if day < first_kept:
            shutil.rmtree(lake / REFUSED / dataset / day.isoformat() / key)
    return removed


def _rows() -> Iterator[Name]:
    yield from Partition.objects.values_list("dataset", "business_date", "key")


def _folders(root: Path) -> Iterator[Name]:
    for folder in root.glob("[!.]*/*-*-*/*"):
        dataset, day, key = folder.relative_to(root).parts
        yield dataset, date.fromisoformat(day), key


def _remove(dataset: str, business_date: date, key: str) -> None:
    Partition.objects.filter(dataset=dataset, business_date=business_date, key=key).delete()
    folder = Path(settings.LAKE_DIR) / dataset / business_date.isoformat() / key
    if folder.exists():
        # Moved aside first: a half-removed folder with a manifest would be adopted.
        aside = Path(settings.LAKE_DIR) / DRAFTS / uuid4().hex
        aside.parent.mkdir(exist_ok=True)
        folder.rename(aside)
        shutil.rmtree(aside)
