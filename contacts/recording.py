"""What customers did, written: events, records and counts, a batch in a fixed number of statements.

Rows are locked in one order, records by customer number and then counts by policy, so that any
number of batches may be written at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from accounts.services import By

from .models import ContactEvent, ContactRecord, met_of
from .record import Kind, Record, Visits

Records = Mapping[str, Record]
Once = tuple[UUID, str, str]


@dataclass(frozen=True)
class NewEvent:
    """One event to record: the fields of ``ContactEvent``; who asks has checked them.

    A decision's events are all of the customer it was made for.
    """

    customer_no: str
    kind: Kind
    at: datetime
    channel: str
    policy: str = ""
    policy_version: int | None = None
    campaign: str = ""
    group: str = ""
    held_days: int = 0
    city: str = ""
    decision: UUID | None = None
    reason: str = ""

    @property
    def once(self) -> Once | None:
        """What is recorded once only; None: however often it is told."""
        return None if self.decision is None else (self.decision, self.policy, self.kind)


@dataclass(frozen=True)
class Recorded:
    """``repeated``: the places of those that had been recorded before, and were left out."""

    recorded: tuple[ContactEvent, ...]
    repeated: tuple[int, ...]


def record_events(events: Sequence[NewEvent], *, by: By) -> Recorded:
    """Write the events, each customer's in the order of their times, and what follows from them.

    Inside the caller's transaction (RuntimeError outside one): records and counts are changed with
    it, so that the very next request obeys them. What was recorded already (one decision, policy
    and kind) is left out, within the batch too.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("record_events() belongs inside the transaction of what it tells of")
    if not events:
        return Recorded((), ())
    records = lock_records(dict.fromkeys(event.customer_no for event in events))
    earlier = _of_decisions({event.decision for event in events if event.decision is not None})
    new, repeated = _parted(events, earlier)
    recorded, _records = append(new, records, _visits(earlier), by)
    return Recorded(recorded, repeated)


# In the database's order of customers, in which the rows are then locked.
_MAKE = """
    INSERT INTO contacts_contactrecord (customer_no, version, times, held, opted_out)
    SELECT n, 0, '{}', '{}', '{}' FROM unnest(%s::text[]) AS n ORDER BY n
    ON CONFLICT DO NOTHING
"""


def lock_records(customers: Collection[str]) -> dict[str, Record]:
    """The records of these customers, locked until the transaction ends; made where there is none.

    A row that another transaction is just making is waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [list(customers)])
    rows = ContactRecord.objects.filter(pk__in=list(customers)).order_by("pk").select_for_update()
    return {row.pk: row.record for row in rows}


def append(
    events: Sequence[NewEvent], records: Records, visits: Visits, by: By
) -> tuple[tuple[ContactEvent, ...], Records]:
    """Write new events of customers whose ``records`` are locked; return them and the records."""
    after, rows = dict(records), []
    for event in sorted(events, key=lambda event: (event.customer_no, event.at)):
        met = met_of(event)
        record = after[event.customer_no].after(met, visits.news(met))
        after[event.customer_no] = record
        rows.append(ContactEvent(version=record.version, by=str(by), **vars(event)))
    if rows:
        ContactEvent.objects.bulk_create(rows)
        _write({row.customer_no: after[row.customer_no] for row in rows})
        _count_orders(rows)
    return tuple(rows), after


def _of_decisions(decisions: set[UUID]) -> list[ContactEvent]:
    events = ContactEvent.objects.filter(decision__in=decisions)
    return list(events.order_by("customer_no", "version"))


def _parted(
    events: Sequence[NewEvent], earlier: Iterable[ContactEvent]
) -> tuple[list[NewEvent], tuple[int, ...]]:
    """Those that are new, and the places of the others."""
    known = {(event.decision, event.policy, event.kind) for event in earlier}
    new, repeated = [], []
    for place, event in enumerate(events):
        if event.once in known:
            repeated.append(place)
            continue
        new.append(event)
        if event.once is not None:
            known.add(event.once)
    return new, tuple(repeated)


def _visits(earlier: Iterable[ContactEvent]) -> Visits:
    """What the decisions have counted, told by all that is known of them."""
    visits = Visits()
    for event in earlier:
        visits.news(event.met)
    return visits


_WRITE = """
    UPDATE contacts_contactrecord AS r
    SET version = n.version, times = n.times, held = n.held,
        opted_out = ARRAY(SELECT jsonb_array_elements_text(n.opted_out))
    FROM unnest(%s::text[], %s::int[], %s::jsonb[], %s::jsonb[], %s::jsonb[])
        AS n (customer_no, version, times, held, opted_out)
    WHERE r.customer_no = n.customer_no
"""
# In the order of policies: see above.
_COUNT = """
    INSERT INTO contacts_taken (policy, taken)
    SELECT * FROM unnest(%s::text[], %s::int[]) AS n (policy, orders) ORDER BY policy
    ON CONFLICT (policy) DO UPDATE SET taken = contacts_taken.taken + excluded.taken
"""


def _write(records: Records) -> None:
    values = records.values()
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                list(records),
                [record.version for record in values],
                [Jsonb(record.times) for record in values],
                [Jsonb(record.held) for record in values],
                [Jsonb(sorted(record.opted_out)) for record in values],
            ],
        )


def _count_orders(events: Iterable[ContactEvent]) -> None:
    orders: defaultdict[str, int] = defaultdict(int)
    for event in events:
        if event.kind == "ordered":
            orders[event.policy] += 1
    if orders:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [list(orders), list(orders.values())])
