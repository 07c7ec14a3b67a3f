"""Admission of a system client: one statement looks its key up and takes a token of its bucket.

Nothing is remembered between calls, so whatever an administrator changes holds for the next one.
A view that reads something anyway puts these CTEs before its own query and asks once:

    WITH {ADMISSION} SELECT admission.*, answer.city FROM admission
    LEFT JOIN answer ON admission.refusal IS NULL AND answer.customer_no = %(customer_no)s

    row = run(sql, parameters(key_hash) | {"customer_no": ...}).fetchone()
    client, mine = admitted(row), row[WIDTH:]

Run it outside a transaction: the bucket's row stays locked until its end, and the client's other
calls wait for it.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from common.errors import DomainError
from common.statements import run

from .clients import OPERATIONS, Client, Place
from .models import Level, Organisation

LAST_USE_SECONDS = 60
_KEY = re.compile(r"jz_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
# The path of a city is that of the province and one step more; a team's begins with its city's.
_CITY_PATH = 2 * Organisation.steplen

# Token bucket: ``rate`` tokens a second up to ``burst``. The row's lock makes it exact: whoever
# waits for it computes from what the one before has left. Statements may get the lock in another
# order than they began in: then no time has passed, and ``at`` never goes back. A call that costs
# more than a whole bucket waits for a full one and leaves a debt.
ADMISSION = f"""
held AS MATERIALIZED (
    SELECT k.id AS key_id, k.prefix, c.id AS client_id, c.code, c.operations, c.rate, c.burst,
           o.code AS organisation, o.level, o.path, city.code AS city,
           CASE WHEN k.revoked_at IS NOT NULL THEN 'key_revoked'
                WHEN k.expires_at <= statement_timestamp() THEN 'key_expired'
                WHEN NOT c.active THEN 'client_closed' END AS refusal
    FROM accounts_clientkey k
    JOIN accounts_systemclient c ON c.id = k.client_id
    JOIN accounts_organisation o ON o.id = c.organisation_id
    JOIN accounts_organisation city ON city.path = left(o.path, {_CITY_PATH})
    WHERE k.hash = %(key_hash)s
),
bucket AS (
    INSERT INTO accounts_clientbucket AS b (client_id, tokens, at, wait)
    SELECT client_id, burst - %(cost)s, statement_timestamp(), 0 FROM held WHERE refusal IS NULL
    ON CONFLICT (client_id) DO UPDATE SET (tokens, at, wait) = (
        SELECT CASE WHEN refilled >= needed THEN refilled - %(cost)s ELSE refilled END,
               greatest(b.at, statement_timestamp()),
               greatest(0, needed - refilled) / held.rate
        FROM held,
             LATERAL (SELECT extract(epoch FROM statement_timestamp() - b.at)::float8 AS passed) p,
             LATERAL (SELECT least(burst, b.tokens + rate * greatest(0, passed)) AS refilled,
                             least(burst, %(cost)s)::float8 AS needed) r
    )
    RETURNING wait
),
noted AS (
    UPDATE accounts_clientkey SET last_used_at = statement_timestamp()
    WHERE id IN (
        SELECT k.id FROM accounts_clientkey k JOIN held ON k.id = held.key_id
        WHERE held.refusal IS NULL
          AND (k.last_used_at < statement_timestamp() - interval '{LAST_USE_SECONDS} seconds'
               OR k.last_used_at IS NULL)
        FOR NO KEY UPDATE OF k SKIP LOCKED
    )
),
admission AS (
    SELECT coalesce(refusal, CASE WHEN wait > 0 THEN 'rate_limited' END) AS refusal, wait,
           prefix, code, operations, rate, burst, organisation, level, path, city
    FROM held LEFT JOIN bucket ON true
)
"""
_ADMIT = f"WITH {ADMISSION} SELECT * FROM admission"


class _Row(NamedTuple):
    """The columns of the CTE ``admission``, in order. There is no row for an unknown key.

    refusal     a refusal's code, or None
    wait        seconds until the call would be admitted; 0: it is; None: refused before that
    city        code of the organisation's city; of the province itself at the province
    """

    refusal: str | None
    wait: float | None
    prefix: str
    code: str
    operations: list[str]
    rate: float
    burst: int
    organisation: str
    level: str
    path: str
    city: str


WIDTH = len(_Row._fields)


def admit(key: str, *, cost: int = 1) -> Client:
    """Return the client that holds the key; one statement. Raises what ``admitted`` raises."""
    return admit_hash(key_hash(key), cost=cost)


def admit_hash(key_hash: str, *, cost: int = 1) -> Client:
    return admitted(run(_ADMIT, parameters(key_hash, cost=cost)).fetchone())


def key_hash(key: str) -> str:
    """Return what is kept of a key. Raises DomainError ``no_key``, ``unknown_key`` (both 401).

    What can't be a key is told so here, without a statement.
    """
    if not key:
        raise DomainError("no_key", _("A key must stand after “Bearer”; none does."), status=401)
    if not _KEY.fullmatch(key):
        raise _unknown_key()
    return hashed(key)


def hashed(key: str) -> str:
    """SHA-256 in hex: a key holds 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode()).hexdigest()


def parameters(key_hash: str, *, cost: int = 1) -> dict[str, Any]:
    """Return what ADMISSION binds. ``cost``: tokens that the call takes, at least 1."""
    return {"key_hash": key_hash, "cost": cost}


def admitted(row: Sequence[Any] | None) -> Client:
    """Return the client of a row that begins with the columns of ``admission``.

    None is the answer to an unknown key. Raises DomainError: ``unknown_key``, ``key_expired``,
    ``key_revoked``, ``client_closed`` (401); ``rate_limited`` (429, with ``retry_after`` in whole
    seconds).
    """
    if row is None:
        raise _unknown_key()
    found = _Row(*row[:WIDTH])
    if found.refusal:
        raise _refused(found)
    return Client(
        code=found.code,
        key=found.prefix,
        operations=frozenset(found.operations).intersection(OPERATIONS),
        organisation=Place(found.organisation, found.level, found.path),
        cities=None if found.level == Level.PROVINCE else frozenset({found.city}),
    )


def _unknown_key() -> DomainError:
    return DomainError(
        "unknown_key",
        _("No such key is known. A key begins with jz_ and is sent whole, as it was handed over."),
        status=401,
    )


def _refused(row: _Row) -> DomainError:
    if row.refusal == "rate_limited":
        return _rate_limited(row)
    messages = {
        "key_expired": _("The key %(key)s has expired; an administrator can issue a new one."),
        "key_revoked": _("The key %(key)s has been revoked; an administrator can issue a new one."),
        "client_closed": _("The client %(client)s is closed; an administrator can reopen it."),
    }
    message = messages[row.refusal] % {"key": f"jz_{row.prefix}_…", "client": row.code}
    return DomainError(row.refusal, message, status=401)


def _rate_limited(row: _Row) -> DomainError:
    seconds = max(1, math.ceil(row.wait))
    return DomainError(
        "rate_limited",
        _(
            "The client %(client)s may make %(rate)g calls a second, %(burst)d at once. "
            "This was one too many; come back in %(seconds)d s."
        )
        % {"client": row.code, "rate": row.rate, "burst": row.burst, "seconds": seconds},
        status=429,
        retry_after=seconds,
    )
