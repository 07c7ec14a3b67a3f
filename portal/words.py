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
    gettext_noop("place matrix"),
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
    gettext_noop("attribute"),
    gettext_noop("source"),
    gettext_noop("marketing matrix"),
    gettext_noop("priority matrix"),
)
FIELDS = (
    # of more than one kind of thing
    gettext_noop("active"),
    gettext_noop("code"),
    gettext_noop("name"),
    gettext_noop("name zh"),
    gettext_noop("name en"),
    gettext_noop("organisation"),
    gettext_noop("position"),
    gettext_noop("strategy"),
    gettext_noop("version"),
    gettext_noop("kind"),
    gettext_noop("definition"),
    # users
    gettext_noop("roles"),
    # runs
    gettext_noop("key"),
    # attributes and sources
    gettext_noop("category"),
    gettext_noop("type"),
    gettext_noop("unit zh"),
    gettext_noop("unit en"),
    gettext_noop("minimum"),
    gettext_noop("maximum"),
    gettext_noop("values"),
    gettext_noop("sensitivity"),
    gettext_noop("origin"),
    gettext_noop("front desk"),
    gettext_noop("description zh"),
    gettext_noop("description en"),
    gettext_noop("table"),
    gettext_noop("mapping"),
    # models
    gettext_noop("trained on"),
    gettext_noop("metrics"),
    # matrices
    gettext_noop("scope"),
    gettext_noop("dimensions"),
    gettext_noop("bands"),
    gettext_noop("cells"),
    gettext_noop("partition"),
    gettext_noop("new cells"),
    gettext_noop("kept cells"),
    gettext_noop("retired cells"),
    # policies and campaigns
    gettext_noop("cost"),
    gettext_noop("reward"),
    gettext_noop("margin"),
    gettext_noop("take up"),
    gettext_noop("channels"),
    gettext_noop("valid from"),
    gettext_noop("valid to"),
    gettext_noop("eligibility"),
    gettext_noop("exclusivity group"),
    gettext_noop("cities"),
    gettext_noop("clauses zh"),
    gettext_noop("clauses en"),
    gettext_noop("talking points zh"),
    gettext_noop("talking points en"),
    gettext_noop("starts on"),
    gettext_noop("ends on"),
    gettext_noop("lever"),
    # the marketing matrix and the priority matrix
    gettext_noop("rows"),
    gettext_noop("added"),
    gettext_noop("removed"),
    gettext_noop("moved"),
)
