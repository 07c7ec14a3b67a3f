"""The left menu: what there is, and who needs it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.permissions import Permission


@dataclass(frozen=True)
class Item:
    """One line. Shown to whoever has one of ``permissions``; to everybody if there are none.

    ``also`` names the pages that belong under this line, so that it is lit on them too.
    """

    label: str | Promise
    url_name: str
    icon: str
    permissions: tuple[Permission, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class Group:
    label: str | Promise
    items: tuple[Item, ...]


MENU = (
    Group(
        _("Work"),
        (
            Item(_("Home"), "home", "home"),
            Item(
                _("Customer look-up"),
                "customer-search",
                "search",
                (Permission.VIEW_CUSTOMERS,),
                also=("customer", "customer-opt-outs", "decision-search", "decision"),
            ),
        ),
    ),
    Group(
        _("Segmentation"),
        (
            Item(
                _("Customer matrices"),
                "matrices",
                "grid-4x4",
                (Permission.VIEW_MATRICES,),
                also=(
                    "matrix",
                    "matrix-cells",
                    "matrix-cell",
                    "matrix-versions",
                    "matrix-version",
                    "matrix-compare",
                    "matrix-draft",
                    "matrix-draft-cells",
                    "matrix-draft-dimension",
                    "city-cuts",
                    "city-cut",
                ),
            ),
            Item(
                _("Audiences"),
                "audiences",
                "users-group",
                (Permission.VIEW_MATRICES,),
                also=(
                    "audience",
                    "audience-new",
                    "audience-edit",
                    "auxiliary",
                    "auxiliary-new",
                    "auxiliary-edit",
                    "mark",
                    "mark-new",
                    "mark-edit",
                    "customer-lists",
                    "customer-list",
                    "list-new",
                    "list-replace",
                ),
            ),
            Item(_("Flows"), "flows", "switch-horizontal", (Permission.VIEW_MATRICES,)),
            Item(
                _("Insight"),
                "insight",
                "target-arrow",
                (Permission.VIEW_MATRICES,),
                also=("matrix-proposal",),
            ),
            Item(
                _("Models"),
                "models",
                "adjustments-alt",
                (Permission.VIEW_MODELS,),
                also=("model", "model-version", "model-movement"),
            ),
        ),
    ),
    Group(
        _("Campaigns"),
        (
            Item(
                _("Contact policy"),
                "contact-policy",
                "clock",
                (Permission.VIEW_CAMPAIGNS,),
                also=("contact-versions", "contact-edit"),
            ),
        ),
    ),
    Group(
        _("Operation"),
        (
            Item(_("Daily runs"), "runs", "activity", (Permission.VIEW_RUNS,), also=("run",)),
            Item(_("Operation log"), "operations", "history", (Permission.VIEW_AUDIT,)),
        ),
    ),
    Group(
        _("System"),
        (
            Item(
                _("Users"),
                "users",
                "users",
                (Permission.MANAGE_USERS,),
                also=("user", "user-new"),
            ),
            Item(
                _("System clients"),
                "clients",
                "key",
                (Permission.MANAGE_CLIENTS,),
                also=("client", "client-new", "client-key-new"),
            ),
            Item(
                _("Interface (REST)"),
                "api-docs",
                "database",
                (Permission.MANAGE_CLIENTS,),
            ),
        ),
    ),
)


def menu_for(user: User) -> Iterator[tuple[Group, list[Item]]]:
    """Yield the groups that hold something for the user, with what they hold."""
    for group in MENU:
        items = [
            item
            for item in group.items
            if not item.permissions or any(user.can(p) for p in item.permissions)
        ]
        if items:
            yield group, items
