"""What models read of what customers bought: which columns, of which orders."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from customers.purchases import days_of, is_bought, orders_of, purchases
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


def orders_kept(today: date) -> Iterator[Name]:
    """Return the orders that a model may yet have to learn from, or to read, after ``today``."""
    models = Model.objects.all()
    days = max((KINDS[m.kind].days_of_orders(m.definition) for m in models), default=0)
    for kept in orders_of(today - timedelta(days), today) if days else []:
        yield kept.dataset, kept.business_date, kept.key


def _codes(versions: Sequence[ModelVersion]) -> list[str]:
    return [code for v in versions for code in v.definition["reads"] if is_bought(code)]
