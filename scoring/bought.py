"""What models read of what customers bought: which columns, of which orders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta

from django.conf import settings

from customers.purchases import ORDERS, days_of, delivered_of, is_bought, orders_of, purchases
from lake.models import Partition
from lake.services import Name

from .kinds import KINDS
from .models import Model, ModelVersion


def purchases_read(
    versions: Sequence[ModelVersion],
    orders: Sequence[Partition],
    snapshot: Partition,
    *,
    progress: Callable[[int, int], None],
) -> Partition | None:
    """Return what these versions read of purchases before the snapshot's day; None: nothing.

    It is cut as the snapshot is, so that the two join part by part.
    """
    codes = _codes(versions)
    if not codes:
        return None
    return purchases(
        orders, codes, as_of=snapshot.business_date, parts=snapshot.parts, progress=progress
    )


def earlier_orders(versions: Sequence[ModelVersion], day: date) -> list[Partition]:
    """Return the orders of the days before ``day`` that these versions read, as they stand now."""
    days = days_of(_codes(versions))
    return orders_of(day - timedelta(days), day - timedelta(1)) if days else []


def events_kept(today: date) -> Iterator[Name]:
    """Return the orders and contacts that a model may yet have to learn from, or read, later.

    As far back as what the definitions ask for, and what versions read that came into use once (a
    roll-back reads them again), of the oldest day whose customers are kept: it may be learnt from.
    """
    days = {ORDERS: days_of(_codes(ModelVersion.objects.exclude(published_at=None)))}
    for model in Model.objects.all():
        kind = KINDS[model.kind]
        for table in kind.tables(model.definition):
            days[table] = max(days.get(table, 0), kind.days_of_events(model.definition))
    for table, longest in days.items():
        first = today - timedelta(longest + settings.LAKE_KEEP_DAYS)
        for kept in delivered_of(table, first, today) if longest else []:
            yield kept.dataset, kept.business_date, kept.key


def _codes(versions: Iterable[ModelVersion]) -> list[str]:
    return [code for v in versions for code in v.definition["reads"] if is_bought(code)]
