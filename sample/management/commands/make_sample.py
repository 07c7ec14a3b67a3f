"""``manage.py make_sample``: write the sample province where the sources look for their files."""

import os
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sample.days import Province
from sample.make import TRAINING, make


class Command(BaseCommand):
    help = "Write the sample province: customers, orders and contacts of some days, and the truth."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=200_000)
        parser.add_argument("--days", type=int, default=3)
        parser.add_argument("--first-day", type=date.fromisoformat, default=date(2026, 7, 1))
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 8))

    def handle(self, **options: Any) -> None:
        if options["workers"] < 1:
            raise CommandError(_("--workers must be at least 1."))
        try:
            province = Province(
                options["customers"], options["first_day"], options["days"], options["seed"]
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        folder = Path(settings.LANDING_DIR) / "sample"
        made = self._make(province, folder, options["workers"])
        self.stdout.write(
            _("%(made)d of %(all)d days written, the others were there; training day %(training)s.")
            % {
                "made": len(made),
                "all": province.days - TRAINING,
                "training": province.training_day,
            }
        )
        self.stdout.write(str(folder))

    def _make(self, province: Province, folder: Path, workers: int) -> list[Any]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns) as progress:
            bar = progress.add_task(
                _("Sample province"), total=province.customers * (province.days - TRAINING)
            )
            try:
                return make(
                    province,
                    folder,
                    workers=workers,
                    report=lambda done: progress.advance(bar, done),
                )
            except RuntimeError as error:
                raise CommandError(str(error)) from error
