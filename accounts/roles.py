"""The roles, each readable on its own: who this is, where it can be held, what it may do.

A role says what; where is said by the organisation of the user who holds it (law 8).
"""

from typing import ClassVar

from common.naming import in_chinese
from common.permissions import Permission

PROVINCE, CITY, TEAM = "province", "city", "team"
ANYWHERE = frozenset({PROVINCE, CITY, TEAM})


class Role:
    """A named set of permissions. ``levels``: at which organisation levels it can be held.

    A role whose acts reach every customer of the province is held at the province only: an
    organisation's wall limits what is seen, not what a changed matrix does to another city.
    """

    code: ClassVar[str]
    name_zh: ClassVar[str]
    name_en: ClassVar[str]
    levels: ClassVar[frozenset[str]] = ANYWHERE
    permissions: ClassVar[frozenset[Permission]]

    @classmethod
    def name(cls) -> str:
        return cls.name_zh if in_chinese() else cls.name_en


class ProvinceAdministrator(Role):
    """Keeps the platform running: users, clients, organisation, runs; decides on no offer."""

    code = "province-admin"
    name_zh, name_en = "省级管理员", "Province administrator"
    levels = frozenset({PROVINCE})
    permissions = frozenset(
        {
            Permission.MANAGE_USERS,
            Permission.MANAGE_CLIENTS,
            Permission.MANAGE_ORGANISATION,
            Permission.VIEW_RUNS,
            Permission.START_RUNS,
            Permission.VIEW_MATRICES,
            Permission.VIEW_CAMPAIGNS,
            Permission.VIEW_MODELS,
            Permission.VIEW_AUDIT,
        }
    )


class ProvinceMarketer(Role):
    """Defines matrices, policies and campaigns for the whole province."""

    code = "province-marketer"
    name_zh, name_en = "省级营销人员", "Province marketer"
    levels = frozenset({PROVINCE})
    permissions = frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.SEND_FEEDBACK,
            Permission.SET_OPT_OUTS,
            Permission.READ_DECISIONS,
            Permission.VIEW_RUNS,
            Permission.START_RUNS,
            Permission.VIEW_MATRICES,
            Permission.EDIT_MATRICES,
            Permission.SET_CITY_CUTS,
            Permission.VIEW_CAMPAIGNS,
            Permission.EDIT_POLICIES,
            Permission.EDIT_CAMPAIGNS,
            Permission.VIEW_MODELS,
        }
    )


class CityMarketer(Role):
    """Runs the campaigns of one city, within what the province has defined."""

    code = "city-marketer"
    name_zh, name_en = "地市营销人员", "City marketer"
    levels = frozenset({CITY, TEAM})
    permissions = frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.SEND_FEEDBACK,
            Permission.SET_OPT_OUTS,
            Permission.READ_DECISIONS,
            Permission.VIEW_RUNS,
            Permission.VIEW_MATRICES,
            Permission.SET_CITY_CUTS,
            Permission.VIEW_CAMPAIGNS,
            Permission.EDIT_CAMPAIGNS,
        }
    )


class Analyst(Role):
    """Trains the models and reads every figure behind them."""

    code = "analyst"
    name_zh, name_en = "分析人员", "Analyst"
    levels = frozenset({PROVINCE})
    permissions = frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.VIEW_SENSITIVE,
            Permission.READ_DECISIONS,
            Permission.VIEW_RUNS,
            Permission.VIEW_MATRICES,
            Permission.VIEW_CAMPAIGNS,
            Permission.VIEW_MODELS,
            Permission.TRAIN_MODELS,
        }
    )


class Auditor(Role):
    """Reads everything in the own scope, changes nothing."""

    code = "auditor"
    name_zh, name_en = "稽核人员", "Auditor"
    permissions = frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.VIEW_SENSITIVE,
            Permission.READ_DECISIONS,
            Permission.VIEW_RUNS,
            Permission.VIEW_MATRICES,
            Permission.VIEW_CAMPAIGNS,
            Permission.VIEW_MODELS,
            Permission.VIEW_AUDIT,
        }
    )


class Approver(Role):
    """Says yes or no to what marketers and analysts ask to publish; edits nothing."""

    code = "approver"
    name_zh, name_en = "审批人员", "Approver"
    permissions = frozenset(
        {
            Permission.APPROVE,
            Permission.VIEW_RUNS,
            Permission.VIEW_MATRICES,
            Permission.VIEW_CAMPAIGNS,
            Permission.VIEW_MODELS,
        }
    )


class FrontDeskViewer(Role):
    """Serves one customer at a time at a touch point."""

    code = "front-desk"
    name_zh, name_en = "前台查询人员", "Front-desk viewer"
    permissions = frozenset(
        {
            Permission.VIEW_CUSTOMERS,
            Permission.SEND_FEEDBACK,
            Permission.SET_OPT_OUTS,
            Permission.READ_DECISIONS,
        }
    )


ROLES: dict[str, type[Role]] = {
    role.code: role
    for role in (
        ProvinceAdministrator,
        ProvinceMarketer,
        CityMarketer,
        Analyst,
        Auditor,
        Approver,
        FrontDeskViewer,
    )
}
