"""Writes: the operation log, the organisation tree, the users. Each write logs itself.

``by`` is the user or system client who acts, or the plain name of what acts on nobody's behalf
(a command).
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from pypinyin import lazy_pinyin

from common.errors import DomainError

from .clients import Client
from .models import Level, Operation, Organisation, User
from .roles import ROLES

By = User | Client | str
Act = Callable[..., User]
Target = tuple[str, str, str]


# --- the operation log ---


def log(
    *,
    by: By,
    action: str,
    target: Target,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Operation:
    """Write one line of the log, inside the transaction of the change that it tells of.

    ``target`` is (type, id, label). ``before`` and ``after`` hold plain JSON values; None: the
    thing did not exist. Raises RuntimeError outside a transaction: the change and its line must
    stand or fall together.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("log() belongs inside the transaction of the change it records")
    type_, id_, label = target
    return Operation.objects.create(
        by=str(by),
        organisation=_organisation_code(by),
        action=action,
        target_type=type_,
        target_id=str(id_),
        target_label=str(label)[:200],
        before=before,
        after=after,
    )


def _organisation_code(by: By) -> str:
    if isinstance(by, Client):
        return by.organisation.code
    user = by if isinstance(by, User) else User.objects.filter(username=by).first()
    return user.organisation.code if user and user.organisation_id else ""


# --- the organisation tree ---


@transaction.atomic
def create_organisation(
    *, code: str, name_zh: str, name_en: str, parent: Organisation | None = None, by: By
) -> Organisation:
    """Add the province, a city below it or a team below a city; the depth says which."""
    depth = parent.depth if parent else 0
    if depth >= len(Level):
        raise DomainError(
            "organisation_too_deep",
            _("A team has no organisations below it; %(code)s cannot be added below %(parent)s.")
            % {"code": code, "parent": parent.code},
        )
    if Organisation.objects.filter(code=code).exists():
        raise DomainError(
            "organisation_exists",
            _("There is an organisation with the code %(code)s already; choose another code.")
            % {"code": code},
            status=409,
        )
    values = {
        "code": code,
        "name_zh": name_zh,
        "name_en": name_en,
        "sort_key": pinyin(name_zh),
        "level": list(Level)[depth],
    }
    node = Organisation.objects.add_child(parent, values) if parent else _add_province(values)
    log(by=by, action="create", target=_target(node), after=_names(node))
    return node


def _add_province(values: dict[str, Any]) -> Organisation:
    root = Organisation.objects.get_first_root_node()
    if root is not None:
        raise DomainError(
            "second_province",
            _("There is one province, %(code)s; a second one, %(new)s, cannot be added.")
            % {"code": root.code, "new": values["code"]},
            status=409,
        )
    return Organisation.objects.add_root(values)


@transaction.atomic
def rename_organisation(
    organisation: Organisation, *, name_zh: str, name_en: str, by: By
) -> Organisation:
    before = _names(organisation)
    organisation.name_zh, organisation.name_en = name_zh, name_en
    organisation.sort_key = pinyin(name_zh)
    if _names(organisation) != before:
        organisation.save(update_fields=["name_zh", "name_en", "sort_key"])
        log(
            by=by,
            action="rename",
            target=_target(organisation),
            before=before,
            after=_names(organisation),
        )
    return organisation


def pinyin(name: str) -> str:
    """The key by which a Chinese name sorts as a reader expects, in any database."""
    return " ".join(lazy_pinyin(name)).lower()[:200]


def _names(organisation: Organisation) -> dict[str, str]:
    return {"name_zh": organisation.name_zh, "name_en": organisation.name_en}


# --- users ---


@transaction.atomic
def create_user(
    *, username: str, password: str, organisation: Organisation, roles: list[str], by: By
) -> User:
    check_reach(by, organisation)
    _check_roles(roles, organisation)
    if User.objects.filter(username__iexact=username).exists():
        raise DomainError(
            "user_exists",
            _("There is a user named %(username)s already; choose another name.")
            % {"username": username},
            status=409,
        )
    user = User(username=username, organisation=organisation, roles=sorted(roles))
    _set_password(user, password)
    user.save()
    log(by=by, action="create", target=_target(user), after=_rights(user))
    return user


@transaction.atomic
def set_roles(user: User, *, roles: list[str], by: By) -> User:
    return change_rights(user, organisation=user.organisation, roles=roles, by=by)


@transaction.atomic
def change_rights(user: User, *, organisation: Organisation, roles: list[str], by: By) -> User:
    """Set where a user works and what roles they hold there."""
    _refuse_self(user, by)
    check_reach(by, user.organisation)
    check_reach(by, organisation)
    _check_roles(roles, organisation)
    before = _rights(user)
    user.organisation, user.roles = organisation, sorted(roles)
    if _rights(user) != before:
        user.save(update_fields=["organisation", "roles"])
        log(by=by, action="change_rights", target=_target(user), before=before, after=_rights(user))
    return user


@transaction.atomic
def deactivate(user: User, *, by: By) -> User:
    """Close a user's way in at once, sessions included; what they did stays in the log."""
    return _set_active(user, False, by)


@transaction.atomic
def reactivate(user: User, *, by: By) -> User:
    return _set_active(user, True, by)


def _set_active(user: User, active: bool, by: By) -> User:
    _refuse_self(user, by)
    check_reach(by, user.organisation)
    if user.is_active != active:
        before, user.is_active = _rights(user), active
        user.save(update_fields=["is_active"])
        action = "reactivate" if active else "deactivate"
        log(by=by, action=action, target=_target(user), before=before, after=_rights(user))
    return user


@transaction.atomic
def set_password(user: User, *, password: str, by: By) -> User:
    """Give a user a new password; it ends their sessions. The log keeps only that it happened."""
    if by != user:
        check_reach(by, user.organisation)
    _set_password(user, password)
    user.save(update_fields=["password"])
    log(by=by, action="set_password", target=_target(user))
    return user


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise DomainError("weak_password", " ".join(error.messages)) from error
    user.set_password(password)


def _refuse_self(user: User, by: By) -> None:
    """Nobody raises, or ends, their own rights; so the one who acts always remains."""
    if by == user or by == user.username:
        raise DomainError(
            "own_rights",
            _("Nobody may change their own rights; ask another administrator."),
            status=403,
        )


def check_reach(by: By, organisation: Organisation | None) -> None:
    """DomainError ``organisation_out_of_reach`` (404) unless it ``reaches`` the organisation."""
    if not reaches(by, organisation):
        raise DomainError(
            "organisation_out_of_reach",
            _("%(by)s may manage the own organisation and what is below it, not %(code)s.")
            % {"by": by, "code": organisation.code},
            status=404,
        )


def reaches(by: By, organisation: Organisation | None) -> bool:
    """Whether the organisation is the user's own or below it; what is no user reaches all."""
    if not isinstance(by, User) or organisation is None:
        return True
    return Organisation.objects.visible_to(by).filter(pk=organisation.pk).exists()


def _check_roles(roles: list[str], organisation: Organisation) -> None:
    if unknown := sorted(set(roles) - ROLES.keys()):
        raise DomainError(
            "unknown_role",
            _("There is no role %(roles)s; the roles are %(known)s.")
            % {"roles": ", ".join(unknown), "known": ", ".join(ROLES)},
        )
    if wrong := sorted(code for code in roles if organisation.level not in ROLES[code].levels):
        raise DomainError(
            "role_not_at_level",
            _("The role %(roles)s cannot be held at the level “%(level)s” (%(code)s).")
            % {
                "roles": ", ".join(ROLES[code].name() for code in wrong),
                "level": organisation.get_level_display(),
                "code": organisation.code,
            },
        )


def _rights(user: User) -> dict[str, Any]:
    return {
        "organisation": user.organisation.code if user.organisation_id else None,
        "roles": list(user.roles),
        "active": user.is_active,
    }


def _target(thing: User | Organisation) -> Target:
    if isinstance(thing, User):
        return ("user", str(thing.pk), thing.username)
    return ("organisation", thing.code, f"{thing.name_zh} {thing.name_en}")
