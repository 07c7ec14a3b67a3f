"""What a person or system may do. Which roles hold which of these stands in accounts.roles."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """One permission; its value is stable and stands in no database."""

    VIEW_CUSTOMERS = "view_customers"
    VIEW_SENSITIVE = "view_sensitive"
    EXPORT_CUSTOMERS = "export_customers"
    VIEW_RUNS = "view_runs"
    START_RUNS = "start_runs"
    VIEW_MATRICES = "view_matrices"
    EDIT_MATRICES = "edit_matrices"
    SET_CITY_CUTS = "set_city_cuts"
    VIEW_CAMPAIGNS = "view_campaigns"
    EDIT_POLICIES = "edit_policies"
    EDIT_CAMPAIGNS = "edit_campaigns"
    APPROVE = "approve"
    VIEW_MODELS = "view_models"
    TRAIN_MODELS = "train_models"
    VIEW_AUDIT = "view_audit"
    MANAGE_USERS = "manage_users"
    MANAGE_ORGANISATION = "manage_organisation"
    MANAGE_CLIENTS = "manage_clients"
    RECOMMEND = "recommend"
    SEND_FEEDBACK = "send_feedback"
    SET_OPT_OUTS = "set_opt_outs"
    READ_DECISIONS = "read_decisions"

    @property
    def label(self) -> str | Promise:
        return LABELS[self]


LABELS: dict[Permission, str | Promise] = {
    Permission.VIEW_CUSTOMERS: _("look customers up"),
    Permission.VIEW_SENSITIVE: _("see sensitive attributes"),
    Permission.EXPORT_CUSTOMERS: _("export customer lists"),
    Permission.VIEW_RUNS: _("see the daily runs"),
    Permission.START_RUNS: _("start a run"),
    Permission.VIEW_MATRICES: _("see customer matrices"),
    Permission.EDIT_MATRICES: _("edit customer matrices"),
    Permission.SET_CITY_CUTS: _("set the cuts of a city"),
    Permission.VIEW_CAMPAIGNS: _("see policies and campaigns"),
    Permission.EDIT_POLICIES: _("edit policies"),
    Permission.EDIT_CAMPAIGNS: _("edit campaigns"),
    Permission.APPROVE: _("approve the work of others"),
    Permission.VIEW_MODELS: _("see models"),
    Permission.TRAIN_MODELS: _("train and publish models"),
    Permission.VIEW_AUDIT: _("read the operation log and the audit"),
    Permission.MANAGE_USERS: _("manage users"),
    Permission.MANAGE_ORGANISATION: _("manage the organisation"),
    Permission.MANAGE_CLIENTS: _("manage system clients"),
    Permission.RECOMMEND: _("ask for recommendations as a system"),
    Permission.SEND_FEEDBACK: _("report what a customer did"),
    Permission.SET_OPT_OUTS: _("record that a customer opts out or in"),
    Permission.READ_DECISIONS: _("read and replay past answers"),
}
