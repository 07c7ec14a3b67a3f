"""The day's inputs: which files of which sources, by content, with the mapping that reads them."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from common.errors import DomainError

from .extraction import extract
from .ingest.run import sha256
from .models import Source
from .tables import pin_catalogue

_DATE = re.compile(r"\{date(?::([^{}]+))?\}")


def resolve(business_date: date) -> list[dict[str, Any]]:
    """Pin the inputs of a business date: one dict per active source, ordered by code; JSON-safe.

    {"source", "table", "mapping", "catalogue", "files": [{"path", "sha256", "bytes"}]}: paths are
    relative to LANDING_DIR and in the order in which their rows count; ``catalogue`` is all that
    reading customers needs of the attributes and cities ({} for other tables). A source in a
    database is extracted to a file first, once per date.

    Raises DomainError ``source_missing`` (503) where files are not there yet, before any is read,
    and ``no_source`` where no source of customers is defined.
    """
    sources = list(Source.objects.filter(active=True).order_by("code"))
    if not any(source.table == "customers" for source in sources):
        raise DomainError(
            "no_source",
            _("No active source of customers is defined; load a definition of one (sources.yaml)."),
            status=503,
        )
    files = {s.code: _files(s, business_date) for s in sources if s.mapping["format"] != "sql"}
    for source in sources:
        if source.mapping["format"] == "sql":
            files[source.code] = [extract(source, business_date)]
    return [_pin(source, files[source.code]) for source in sources]


def expand(pattern: str, business_date: date) -> str:
    """Return the pattern with {date} as 2026-07-01, {date:%Y%m%d} in that form."""
    return _DATE.sub(lambda found: business_date.strftime(found[1] or "%Y-%m-%d"), pattern)


def _files(source: Source, business_date: date) -> list[Path]:
    """Return the files that the pattern finds, ordered by path: one table, however many.

    Hidden ones are somebody's unfinished delivery.
    """
    pattern = expand(source.mapping["files"], business_date)
    landing = Path(settings.LANDING_DIR)
    found = sorted(f for f in landing.glob(pattern) if f.is_file() and not _hidden(f, landing))
    if not found:
        raise DomainError(
            "source_missing",
            _(
                "No file %(pattern)s of source %(source)s for %(date)s is in the landing "
                "directory yet. Deliver it, or wait until it is delivered."
            )
            % {"pattern": pattern, "source": source.code, "date": business_date.isoformat()},
            status=503,
            source=source.code,
            pattern=pattern,
        )
    return found


def _hidden(file: Path, landing: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(landing).parts)


def _pin(source: Source, files: list[Path]) -> dict[str, Any]:
    return {
        "source": source.code,
        "table": source.table,
        "mapping": source.mapping,
        "catalogue": pin_catalogue() if source.table == "customers" else {},
        "files": [_pin_file(file) for file in files],
    }


def _pin_file(file: Path) -> Mapping[str, Any]:
    return {
        "path": file.relative_to(settings.LANDING_DIR).as_posix(),
        "sha256": sha256(file),
        "bytes": file.stat().st_size,
    }
