"""The ingest of one table, from its pinned files to its partition."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of
from lake.engine import DuckDB
from lake.models import Partition
from lake.partitions import Draft, find, refused, writing

from ..models import Rejection
from ..tables import Table, table_of
from . import rejects
from .loading import Loader
from .mapping import REJECT_SHARE
from .staging import Stage

Progress = Callable[[int, int], None]

# Raised whenever the same files would make another partition.
VERSION = 1


def ingest(business_date: date, pinned: Mapping[str, Any], *, progress: Progress) -> Partition:
    """Make, or find, the partition of a source as ``sources.resolve`` pinned it.

    Returns the partition of dataset ``pinned["table"]``: columns as in ``customers.tables``, rows
    ordered by customer_no within each part, ``facts`` as in docs/ingest.md, the rejected rows in
    ``rejects.parquet`` beside them. ``progress(done, total)`` is called between slices of work.

    Raises DomainError for a file that is missing, changed, broken or lacks a mapped column, for a
    share of rejected rows above the mapping's (their file is kept, and named by ``extra["file"]``),
    and for a customer snapshot without customers. Nothing is left in the lake then.
    """
    table = table_of(pinned["table"], pinned["catalogue"])
    key = key_of("ingest", VERSION, dict(pinned))
    partition = find(table.name, business_date, key)
    if partition is None:
        files = _verified(pinned)
        with writing(table.name, business_date, key) as draft:
            _fill(draft, table, pinned, files, progress)
            _judge(draft.facts, draft.path, table, business_date, key)
        partition = draft.partition
    if partition.facts["rejected"]:
        _note(partition.facts, business_date, key, partition.path / rejects.REJECTS)
    return partition


def _verified(pinned: Mapping[str, Any]) -> list[Path]:
    """Return the files, which must still be those that were pinned."""
    paths = []
    for file in pinned["files"]:
        path = Path(settings.LANDING_DIR) / file["path"]
        if not path.is_file():
            raise DomainError(
                "file_missing",
                _("%(file)s was there when the run was asked for and is gone. Deliver it again.")
                % {"file": file["path"]},
                status=503,
                file=file["path"],
            )
        if sha256(path) != file["sha256"]:
            raise DomainError(
                "file_changed",
                _(
                    "%(file)s is not the file that this run was asked for: its content has "
                    "changed since. Start the day again to take the new content."
                )
                % {"file": file["path"]},
                status=409,
                file=file["path"],
            )
        paths.append(path)
    return paths


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(
    draft: Draft, table: Table, pinned: Mapping[str, Any], files: list[Path], progress: Progress
) -> None:
    """Write the parts, the reject file and the facts."""
    with DuckDB() as engine:
        stage = Stage(engine, table, pinned["mapping"], draft.scratch, draft.parts)
        tick = _Ticks(stage.units(files) + draft.parts, progress)
        rows = [stage.add(index, file, tick) for index, file in enumerate(files)]
        stage.spool.close()
        loader = Loader(engine, stage, draft)
        names = [file["path"] for file in pinned["files"]]
        rejected = loader.write_rejects(pinned["source"], names)
        loaded = loader.write_parts(tick)
        draft.facts.update(
            source=pinned["source"],
            files=[{"path": n, "rows": r} for n, r in zip(names, rows, strict=True)],
            rows_in=sum(rows),
            loaded=loaded,
            rejected=rejected.rows,
            reasons=rejected.reasons,
            rejected_columns=rejected.columns,
            reject_share=pinned["mapping"].get("reject_share", REJECT_SHARE),
            nulls=loader.null_shares(),
            **loader.unlisted(),
            **loader.by_city(),
        )


class _Ticks:
    """Counts units of work for ``progress``, never past the total that was estimated."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.total = total
        self.done = 0
        self.progress = progress

    def __call__(self) -> None:
        self.done += 1
        self.progress(min(self.done, self.total), self.total)


def _judge(
    facts: Mapping[str, Any], folder: Path, table: Table, business_date: date, key: str
) -> None:
    """Refuse a partition that lost rows, rejected too many, or would show an empty province."""
    if facts["rows_in"] != facts["loaded"] + facts["rejected"]:
        raise DomainError(
            "rows_lost",
            _("%(rows_in)d rows came in, but %(loaded)d were loaded and %(rejected)d rejected.")
            % facts,
            status=500,
        )
    if facts["rejected"] > facts["reject_share"] * facts["rows_in"]:
        raise _too_many(facts, folder, table, business_date, key)
    if table.name == "customers" and not facts["loaded"]:
        raise DomainError(
            "no_customers",
            _("The files of %(source)s hold no customers; a snapshot without any is refused.")
            % facts,
        )


def _too_many(
    facts: Mapping[str, Any], folder: Path, table: Table, business_date: date, key: str
) -> DomainError:
    """Keep the reject file outside the draft, and say where."""
    kept = refused(table.name, business_date, key) / rejects.REJECTS
    kept.parent.mkdir(parents=True, exist_ok=True)
    (folder / rejects.REJECTS).replace(kept)
    _note(facts, business_date, key, kept)
    return DomainError(
        "too_many_rejected",
        _(
            "%(rejected)d of %(rows_in)d rows of %(source)s were rejected (%(share).2f %%), more "
            "than the %(limit).2f %% that its mapping allows, so nothing was loaded. "
            "The rows and their reasons are in %(file)s."
        )
        % {
            **facts,
            "share": 100 * facts["rejected"] / facts["rows_in"],
            "limit": 100 * facts["reject_share"],
            "file": _relative(kept),
        },
        rejected=facts["rejected"],
        rows_in=facts["rows_in"],
        reasons=facts["reasons"],
        file=_relative(kept),
    )


def _note(facts: Mapping[str, Any], business_date: date, key: str, file: Path) -> None:
    Rejection.objects.update_or_create(
        partition_key=key,
        business_date=business_date,
        defaults={
            "source": facts["source"],
            "rows": facts["rejected"],
            "reasons": facts["reasons"],
            "columns": facts["rejected_columns"],
            "file": _relative(file),
        },
    )


def _relative(file: Path) -> str:
    return str(file.relative_to(settings.LAKE_DIR))
