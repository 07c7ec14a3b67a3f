"""Run a business date from its sources to the published answers, and show how it went."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from rich.console import Console

from common.errors import DomainError
from config.daily import run_day, steps_of_a_day
from config.watching import Watch, summary
from jobs.models import Run, State
from jobs.work import work_through

# Of the table where there is no terminal to ask.
WIDTH = 140


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--date", type=date.fromisoformat, required=True, help="business date, YYYY-MM-DD"
        )
        parser.add_argument(
            "--no-wait", action="store_true", help="leave the work to the workers and return"
        )
        parser.add_argument("--by", default="operations", help="whom the operation log names")

    def handle(self, *args: Any, **options: Any) -> None:
        console = self._console()
        try:
            run, new = run_day(options["date"], by=options["by"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        if run.state == State.DONE:
            console.print(_("%s is done already with these inputs; nothing has changed.") % run)
        elif options["no_wait"]:
            console.print((_("%s is asked for.") if new else _("%s is under way.")) % run)
            return
        else:
            run = self._work(run, console)
        console.print(summary(run))
        self._refuse_failed(run)

    def _console(self) -> Console:
        """The command's output as rich writes to it: a line ends where rich ends it."""
        self.stdout.ending = ""
        width = None if self.stdout.isatty() else WIDTH
        return Console(file=self.stdout, highlight=False, width=width)

    def _work(self, run: Run, console: Console) -> Run:
        console.print(f"{run}")
        held = run.steps.filter(lease_until__gt=Now()).first()
        if held is not None:
            console.print(
                _(
                    "  %(step)s is held by another worker, or by one that was killed; then it is "
                    "free in %(seconds)d s at most."
                )
                % {"step": held.name, "seconds": settings.LEASE_SECONDS}
            )
        try:
            with Watch(run, console):
                return work_through(run, steps_of_a_day())
        except KeyboardInterrupt as interrupt:
            message = _("Interrupted. Nothing is lost: the same command goes on where it stopped.")
            raise CommandError(message, returncode=130) from interrupt

    def _refuse_failed(self, run: Run) -> None:
        failed = run.steps.filter(state=State.FAILED).first()
        if failed is not None:
            raise CommandError(f"{failed.name}: {failed.error['message']} [{failed.error['code']}]")
