"""python manage.py demo_logins: one login per role of the sample province and a
system client's key, as a table."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from accounts.demo import CLIENT, Login, demo_logins
from common.errors import DomainError


class Command(BaseCommand):
    help = "Make one login per role and a system client (once) and print them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="even beside other users")

    def handle(self, *args: Any, force: bool, **options: Any) -> None:
        file = Path(settings.VAR_DIR) / "demo_logins.json"
        try:
            made = demo_logins(file, force=force)
        except DomainError as error:
            raise CommandError(str(error)) from error
        Console(file=self.stdout, soft_wrap=True).print(_table(made.logins))
        key = made.key or _("(revoked, expired or closed)")
        self.stdout.write(_("Key of %(client)s: %(key)s") % {"client": CLIENT, "key": key})
        self.stdout.write(_("Passwords and key are kept in %(file)s.") % {"file": file})


def _table(logins: list[Login]) -> Table:
    table = Table(_("role"), _("sees"), _("user name"), _("password"))
    for login in logins:
        password = login.password or _("(changed or closed)")
        table.add_row(login.role.name(), login.organisation.name, login.username, password)
    return table
