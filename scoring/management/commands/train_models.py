"""Train models from their definitions, here and now; with --publish put their first to use."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from customers import ingest, sources
from jobs.models import State
from jobs.work import work_through
from scoring.kinds import KINDS
from scoring.models import Model, ModelVersion, VersionState
from scoring.services import propose, publish_directly
from scoring.training import start_training, steps_of_training


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--date",
            type=date.fromisoformat,
            required=True,
            help="business date as of which they learn; it is ingested if the lake lacks it",
        )
        parser.add_argument("--model", action="append", help="only these; default: all")
        parser.add_argument(
            "--publish",
            action="store_true",
            help="put a model's first version to use, unasked; a later one is proposed",
        )
        parser.add_argument(
            "--where-possible",
            action="store_true",
            help="go on where a model can't learn from this day",
        )
        parser.add_argument("--by", default="operations")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            models = _models(options["model"])
            for name in _tables(models):
                _ingest(name, options["date"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        refused = [model.code for model in models if not self._trained(model, options)]
        if refused and not options["where_possible"]:
            raise CommandError(f"Not trained: {', '.join(refused)}; why stands above.")

    def _trained(self, model: Model, options: dict[str, Any]) -> bool:
        """Train and tell; False, with the reason told, where it can't be on this day."""
        try:
            run, _new = start_training(model, days=[options["date"]], by=options["by"])
        except DomainError as error:
            self.stdout.write(f"{model.code}: {error}")
            return False
        run = work_through(run, steps_of_training())
        if run.state == State.FAILED:
            error = run.steps.get(state=State.FAILED).error
            self.stdout.write(f"{model.code}: {error['message']} [{error['code']}]")
            return False
        version = ModelVersion.objects.get(run=run.pk)
        if options["publish"]:
            version = self._put_to_use(version, options["by"])
        figures = ", ".join(f"{name} {_short(value)}" for name, value in version.metrics.items())
        self.stdout.write(f"{version} ({version.state}): {figures}")
        return True

    def _put_to_use(self, version: ModelVersion, by: str) -> ModelVersion:
        """Where one was in use before, another person decides, as everywhere."""
        others = version.model.versions.exclude(pk=version.pk)
        if not others.exclude(published_at=None).exists():
            return publish_directly(version, by=by)
        if version.state in (VersionState.TRAINED, VersionState.REFUSED):
            version = propose(version, by=by)
        self.stdout.write(f"{version}: another was in use before it; another person approves it.")
        return version


def _models(codes: list[str] | None) -> list[Model]:
    models = Model.objects.all()
    if codes is None:
        return list(models)
    unknown = sorted({*codes} - {*models.values_list("code", flat=True)})
    if unknown:
        raise CommandError(f"There is no model {', '.join(unknown)}.")
    return list(models.filter(code__in=codes))


def _tables(models: list[Model]) -> list[str]:
    events = {t for m in models for t in KINDS[m.kind].tables(m.definition)}
    return ["customers", *sorted(events)]


def _ingest(table: str, day: date) -> None:
    """Bring the day's table in, if a source brings such tables."""
    for pinned in sources.resolve(day):
        if pinned["table"] == table:
            ingest.ingest(day, pinned, progress=lambda done, total: None)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
