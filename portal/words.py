"""Codes that pages show as words: listed here so that the catalogues hold them (filter ``words``).

A code that is not listed is shown as it is, underscores as spaces.
"""

from django.utils.translation import gettext_noop

STEPS = (
    gettext_noop("ingest"),
    gettext_noop("score"),
    gettext_noop("assign"),
    gettext_noop("match"),
    gettext_noop("publish"),
)
TABLES = (
    gettext_noop("customers"),
    gettext_noop("orders"),
    gettext_noop("contacts"),
)
COUNTS = (
    gettext_noop("rows"),
    gettext_noop("offers"),
    gettext_noop("with offers"),
    gettext_noop("publication"),
    gettext_noop("take up null"),
    gettext_noop("take up out of range"),
)
ACTIONS = (
    gettext_noop("create"),
    gettext_noop("change"),
    gettext_noop("rename"),
    gettext_noop("change rights"),
    gettext_noop("deactivate"),
    gettext_noop("reactivate"),
    gettext_noop("set password"),
    gettext_noop("start run"),
    gettext_noop("resume run"),
    gettext_noop("define strategy"),
    gettext_noop("draft matrix"),
    gettext_noop("publish matrix"),
    gettext_noop("define model"),
    gettext_noop("train model"),
    gettext_noop("create policy"),
    gettext_noop("edit policy"),
    gettext_noop("create campaign"),
    gettext_noop("edit campaign"),
    gettext_noop("replace marketing"),
    gettext_noop("replace priority"),
)
TARGETS = (
    gettext_noop("user"),
    gettext_noop("organisation"),
    gettext_noop("run"),
    gettext_noop("strategy"),
    gettext_noop("matrix"),
    gettext_noop("model"),
    gettext_noop("policy"),
    gettext_noop("campaign"),
)
FIELDS = (
    gettext_noop("roles"),
    gettext_noop("active"),
    gettext_noop("name zh"),
    gettext_noop("name en"),
)
