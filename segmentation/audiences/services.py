"""Writes: auxiliary matrices, marks, audiences, imported lists; each one transaction and logged.

``revision`` is that of the row which the caller saw, 0 for one that is to be new; None: whatever
is there (a file of definitions says how it shall be). Nothing changes where nothing is new.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import By, log
from common.errors import DomainError
from customers.models import Attribute

from ..dimensions import Name
from .checks import Known, checked_set, users_of
from .lists import Brought, read, store
from .models import Audience, AuxiliaryMatrix, Defined, ImportedList, Mark
from .sets import AUDIENCE, MARK, Json, Ref, from_json

# One advisory lock for all sets: two people must not close a ring from both ends at once.
DEFINING = 0x5E75
MOST_SETS = 500
Row = TypeVar("Row", bound=Defined)


@dataclass(frozen=True)
class Use:
    """Something that uses a set, as pages and refusals name it; ``url`` "" where it has no page."""

    label: str
    url: str


# What in the rooms above uses a set: campaigns put their question here, as this room may not import
# theirs. Asked with a user, it names what he may see; with None, everything.
Uses = Callable[[Ref, User | None], Iterable[Use]]
used_elsewhere: list[Uses] = []


@transaction.atomic
def define_auxiliary_matrix(
    *,
    code: str,
    name: Name,
    city: str = "",
    position: int | None = None,
    revision: int | None = None,
    by: By,
) -> AuxiliaryMatrix:
    """Create the group of marks or give it this name and place; without a place the last one."""
    matrix = _row(AuxiliaryMatrix, code, city, revision, by, Known())
    if position is None:
        position = matrix.position if matrix else AuxiliaryMatrix.objects.count()
    says = _names(name) | {"city": city, "position": position}
    return _write(AuxiliaryMatrix, matrix, code, says, by)


@transaction.atomic
def define_mark(
    matrix: AuxiliaryMatrix,
    *,
    code: str,
    name: Name,
    expression: Json,
    position: int | None = None,
    revision: int | None = None,
    by: By,
) -> Mark:
    """Create the mark in the group or let it say this. Raises DomainError with ``where``."""
    if matrix.retired_at is not None:
        raise DomainError(
            "retired",
            _("'%(code)s' is retired; define it anew before marks of it.") % {"code": matrix.code},
            status=409,
        )
    mark = _row(Mark, code, matrix.city, revision, by, known := Known())
    if mark is not None and mark.matrix_id != matrix.pk:
        raise _taken(code)
    node = checked_set((MARK, code), expression, matrix.city, known)
    if position is None:
        position = mark.position if mark else matrix.marks.count()
    says = _names(name) | {
        "matrix_id": matrix.pk,
        "expression": node.to_json(),
        "position": position,
    }
    return _write(Mark, mark, code, says, by)


@transaction.atomic
def define_audience(
    *,
    code: str,
    name: Name,
    expression: Json,
    city: str = "",
    revision: int | None = None,
    by: By,
) -> Audience:
    """Create the audience or let it say this; of a ``city``: that city's customers only.

    Raises DomainError with ``where`` for an expression that can't be computed, ``set_cycle`` for
    one that comes back to the audience, ``edited_meanwhile`` (409) when the revision is no longer
    the one that the caller saw.
    """
    audience = _row(Audience, code, city, revision, by, known := Known())
    node = checked_set((AUDIENCE, code), expression, city, known)
    says = _names(name) | {"city": city, "expression": node.to_json()}
    return _write(Audience, audience, code, says, by)


@transaction.atomic
def import_list(
    *,
    code: str,
    name: Name,
    source: str,
    expires_on: date,
    content: bytes,
    city: str = "",
    revision: int | None = None,
    by: By,
) -> ImportedList:
    """Keep the customer numbers in ``content`` under the code; a later import replaces them whole.

    What is wrong is set aside and counted by reason; a number that today's snapshot does not know
    is kept and counted. The same content again changes nothing but, if it differs, the rest.
    """
    known_list = _row(ImportedList, code, city, revision, by, Known())
    if expires_on < timezone.localdate():
        raise DomainError(
            "expired_already",
            _("A list must hold until today at least; this one would end on %(day)s.")
            % {"day": expires_on},
            where=["expires_on"],
        )
    brought = read(content)
    says = _names(name) | {"city": city, "source": source, "expires_on": expires_on}
    stored = store(brought, code=code, city=city, expires_on=expires_on)
    says |= {"key": stored.key, **_counts(brought)}
    same = known_list is not None and known_list.key == stored.key
    if not same:
        says |= {"compared_with": stored.compared_with, "unknown": stored.unknown}
    return _write(ImportedList, known_list, code, says, by)


def _counts(brought: Brought) -> dict[str, Any]:
    return {
        "lines": brought.lines,
        "members": len(brought.numbers),
        "rejected": brought.reasons,
    }


@transaction.atomic
def retire(row: Defined, *, revision: int | None = None, by: By) -> None:
    """Take it out of use: the next day no longer computes it. Raises ``still_used`` (409).

    With an auxiliary matrix its marks are retired.
    """
    _one_at_a_time()
    row = type(row).objects.get(pk=row.pk)
    _check_reach(by, row.city)
    _check_revision(row, row.code, revision)
    if row.retired_at is not None:
        return
    marks = list(row.marks.active()) if isinstance(row, AuxiliaryMatrix) else []
    together = {it.ref for it in [*marks, row] if not isinstance(it, AuxiliaryMatrix)}
    for ref in sorted(together):
        _refuse_used(ref, together)
    for it in [*marks, row]:
        it.retired_at, it.revision = timezone.now(), it.revision + 1
        it.save(update_fields=["retired_at", "revision", "changed_at"])
        log(
            by=by,
            action="retire",
            target=_target(it),
            before={"active": True},
            after={"active": False},
        )


def _refuse_used(ref: Ref, together: set[Ref]) -> None:
    users = [user.code for user in users_of(ref, Known()) if user.ref not in together]
    users += [use.label for ask in used_elsewhere for use in ask(ref, None)]
    if users:
        raise DomainError(
            "still_used",
            _("'%(code)s' is used by %(users)s; take it out there first.")
            % {"code": ref[1], "users": ", ".join(users)},
            status=409,
            users=users,
        )


# --- shared ---


def _row(
    model: type[Row], code: str, city: str, revision: int | None, by: By, known: Known
) -> Row | None:
    """The row of the code if there is one; refuses what may not be written there."""
    _one_at_a_time()
    _check_reach(by, city)
    if city and city not in known.cities:
        raise DomainError(
            "unknown_city",
            _("There is no city '%s' in the organisation.") % city,
            where=["city"],
        )
    row = model.objects.filter(pk=code).first()
    _check_revision(row, code, revision)
    if row is not None and row.city != city:
        raise _taken(code)
    if row is None:
        _check_new(model, code)
    return row


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DEFINING])


def _check_reach(by: By, city: str) -> None:
    """Who works in a city defines for that city only."""
    if isinstance(by, User) and by.cities is not None and city not in by.cities:
        raise DomainError(
            "out_of_reach",
            _("%(by)s may define sets of the own city only, not of %(city)s.")
            % {"by": by, "city": city or _("the whole province")},
            status=403,
        )


def _check_revision(row: Defined | None, code: str, revision: int | None) -> None:
    if revision is None or revision == (row.revision if row else 0):
        return
    if revision == 0:
        raise _taken(code)
    raise DomainError(
        "edited_meanwhile",
        _(
            "Somebody else has changed '%(code)s' since you opened it. Nothing of yours is "
            "saved: look at what it says now, then make your change again."
        )
        % {"code": code},
        status=409,
        revision=row.revision if row else 0,
    )


def _taken(code: str) -> DomainError:
    return DomainError(
        "code_taken",
        _("The code '%(code)s' is taken; choose another.") % {"code": code},
        status=409,
        where=["code"],
    )


def _check_new(model: type[Defined], code: str) -> None:
    """A new code is well formed, no attribute has the name of its column, and there is room."""
    from_json({MARK: code})  # refuses a code of another form
    kind = getattr(model, "kind", "")
    if Attribute.objects.filter(pk=f"{kind}_{code}").exists():
        raise _taken(code)
    if model.objects.active().count() >= MOST_SETS:
        raise DomainError(
            "too_many_sets",
            _("At most %(most)d of one kind can be in use; retire what is no longer needed.")
            % {"most": MOST_SETS},
            status=409,
        )


def _names(name: Name) -> dict[str, Any]:
    return {"name_zh": name.zh, "name_en": name.en}


def _write(model: type[Row], row: Row | None, code: str, says: dict[str, Any], by: By) -> Row:
    """Create or change the row and log what is other; a retired one comes back into use."""
    if row is None:
        row = model.objects.create(code=code, **says)
        log(by=by, action=f"define_{row.noun}", target=_target(row), after=_plain(says))
        return row
    before = {field: getattr(row, field) for field in says} | {"active": row.retired_at is None}
    if before == says | {"active": True}:
        return row
    for field, value in says.items():
        setattr(row, field, value)
    row.retired_at, row.revision = None, row.revision + 1
    row.save()
    log(
        by=by,
        action=f"define_{row.noun}",
        target=_target(row),
        before=_plain(before),
        after=_plain(says | {"active": True}),
    )
    return row


def _plain(says: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in says.items()}


def _target(row: Defined) -> tuple[str, str, str]:
    return (row.noun, row.code, f"{row.name_zh} {row.name_en}")
