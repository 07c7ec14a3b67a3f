"""Where it stands what a scored day's customers did, and how much of it is read."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlglot import exp

from lake.models import Partition

from .models import ModelDay

# Customers measured of a day: whole parts, which are cut by a hash of the number.
MOST = 500_000
SCORES, SNAPSHOT, ORDERS, TRIALS = "scores", "snapshot", "orders", "trials"


@dataclass(frozen=True)
class Known:
    """The labelled snapshot; or days of orders; or days of orders and those of a trial, beside
    the snapshot that the day was scored from.
    """

    scores: Partition
    snapshot: Partition | None
    orders: tuple[Partition, ...] = ()
    trials: tuple[Partition, ...] = ()

    @property
    def made_from(self) -> list[int]:
        snapshot = [self.snapshot] if self.snapshot else []
        return [p.pk for p in (self.scores, *snapshot, *self.orders, *self.trials)]

    @property
    def parts(self) -> range:
        """So many parts as hold no more than MOST customers; of a trial, those who took part."""
        rows = sum(p.rows for p in self.trials) if self.trials else self.scores.rows
        return sampled(self.scores, rows)

    def files(self, *partitions: Partition) -> list[Path]:
        """Where the same customers are; in all of its parts, if it was cut into more or fewer."""
        return [file for partition in partitions for file in self._files(partition)]

    def _files(self, partition: Partition) -> list[Path]:
        alike = partition.parts == self.scores.parts
        return [partition.file(n) for n in (self.parts if alike else range(partition.parts))]


def sampled(partition: Partition, rows: int) -> range:
    """The parts that are read where all of them hold so many rows that count."""
    whole = partition.parts * MOST // max(1, rows)
    return range(max(1, min(partition.parts, whole)))


def scores_of(day: ModelDay) -> Partition | None:
    """None where the lake has let them go."""
    return Partition.objects.filter(pk=day.scores).first()


def snapshot_of(day: ModelDay) -> Partition | None:
    """The day's customers as they were delivered last."""
    found = Partition.objects.of("customers").filter(business_date=day.business_date)
    return found.order_by("-pk").first()


def window_of(table: str, day: ModelDay, within_days: int) -> tuple[Partition, ...]:
    """What was delivered last of each day of the window that begins with the scored day."""
    end = day.business_date + timedelta(days=within_days - 1)
    found = Partition.objects.of(table).filter(business_date__range=(day.business_date, end))
    return tuple(found.order_by("business_date", "-pk").distinct("business_date"))


def orders_of(day: ModelDay, within_days: int) -> tuple[Partition, ...]:
    """The orders of a window; nothing while a day of it has not been delivered.

    Who ordered on a day that is missing would count as one who did not.
    """
    found = window_of(ORDERS, day, within_days)
    return found if len(found) == within_days else ()


def column(name: str, table: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def same_customer(table: str, other: str = SCORES) -> exp.EQ:
    return exp.EQ(this=column("customer_no", other), expression=column("customer_no", table))
