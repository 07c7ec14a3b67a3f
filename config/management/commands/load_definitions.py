"""Load a directory of definitions: all of it or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from config import definitions


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--by", default="operations", help="whom the operation log names")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = definitions.load(options["directory"], by=options["by"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        for name, changes in loaded.items():
            self.stdout.write(
                f"{name:<14} {len(changes.added):>5} added {len(changes.changed):>5} changed "
                f"{len(changes.removed):>5} removed {len(changes.unchanged):>5} unchanged"
            )
