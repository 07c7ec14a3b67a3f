"""Train every model from its definition and publish what was fitted."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from customers import ingest, sources
from lake.models import Partition
from scoring.models import Model
from scoring.training import train_model


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--date",
            type=date.fromisoformat,
            help="business date of the labelled snapshot; it is ingested if the lake lacks it",
        )
        parser.add_argument("--by", default="operations")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._train(options["date"], options["by"])
        except DomainError as error:
            raise CommandError(str(error)) from error

    def _train(self, day: date | None, by: str) -> None:
        snapshot = self._snapshot(day) if day else Partition.objects.of("customers").last()
        for model in Model.objects.all():
            version = train_model(model, by=by, snapshot=snapshot)
            quality = version.metrics
            figures = (
                f"AUC {quality['auc']:.3f}, top-decile lift {quality['top_decile_lift']:.2f}, "
                f"{quality['rows']:,} held out of {quality['rows'] + quality['trained_rows']:,}"
                if quality
                else "weights from the definition"
            )
            self.stdout.write(f"{version}: {figures}")

    def _snapshot(self, day: date) -> Partition:
        pinned = next(p for p in sources.resolve(day) if p["table"] == "customers")
        return ingest.ingest(day, pinned, progress=lambda done, total: None)
