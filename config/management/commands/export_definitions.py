"""Write all definitions to a directory, or their JSON Schema to a file."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import definitions


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument("directory", type=Path, nargs="?")
        target.add_argument(
            "--schema", type=Path, help="write the JSON Schema to this file instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["schema"]:
            text = json.dumps(definitions.json_schema(), indent=2, ensure_ascii=False)
            options["schema"].write_text(text + "\n", encoding="utf-8")
            self.stdout.write(str(options["schema"]))
            return
        for file in definitions.export(options["directory"]):
            self.stdout.write(str(file))
