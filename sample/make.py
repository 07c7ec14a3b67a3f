"""Making the province: each day's files block by block, days side by side in processes.

A day's files depend on their recipe alone, so processes share nothing, a run that died goes on with
the days that are missing, and the number of processes changes no byte.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from . import tables, truth
from .days import Province, daily_block, training_block
from .events import draw_events
from .files import ParquetFile, is_made, write_text
from .purchases import delivered_purchases
from .workers import share_out

VERSION = 3
TRAINING = -1
# Below this a second process takes longer to start than it saves.
WORTH_A_PROCESS = 500_000

Report = Callable[[int], None]


@dataclass(frozen=True)
class Day:
    """The files of one day. ``number`` counts from the first day; TRAINING is a month before it."""

    province: Province
    number: int
    folder: Path

    @property
    def date(self) -> date:
        if self.number == TRAINING:
            return self.province.training_day
        return self.province.day(self.number)

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """The day's files by name: what the source systems hand over, and the truth beside it."""
        files = {
            "customers": tables.CUSTOMERS,
            "orders": tables.ORDERS,
            "contacts": tables.CONTACTS,
            "trials": tables.TRIALS,
            "breaches": tables.BREACH_TRUTH,
        }
        if self.number == TRAINING:
            files["churn"] = tables.CHURN_TRUTH
        if self.number == 0:
            files |= {"people": tables.PEOPLE_TRUTH, "pilots": tables.PILOT_TRUTH}
        return files

    def path(self, name: str) -> Path:
        if name in ("customers", "orders", "contacts", "trials"):
            return self.folder / self.date.isoformat() / f"{name}.parquet"
        return self.folder / "truth" / self.date.isoformat() / f"{name}.parquet"

    @property
    def recipe(self) -> str:
        """All that the content depends on; how many days follow is not part of it."""
        made_of = asdict(self.province) | {"version": VERSION, "number": self.number}
        del made_of["days"]
        return json.dumps(made_of, sort_keys=True, default=str)

    @property
    def is_made(self) -> bool:
        return all(is_made(self.path(name), self.recipe) for name in self.schemas)

    def make(self, report: Report) -> None:
        """Write all files; memory holds a few blocks, however many customers there are."""
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(ParquetFile(self.path(name), schema, self.recipe))
                for name, schema in self.schemas.items()
            }
            for block in range(self.province.blocks):
                for name, table in self._tables(block).items():
                    files[name].add(table)
                report(self.province.size(block))

    def _tables(self, block: int) -> dict[str, pa.Table]:
        made: dict[str, pa.Table] = {}
        if self.number == TRAINING:
            columns = training_block(self.province, block)
            made["churn"] = tables.churn_table(columns)
        else:
            columns = daily_block(self.province, block, self.number)
        events = draw_events(self.province, block, self.number, columns)
        if self.number == 0:
            made["people"] = tables.people_table(columns)
            made["pilots"] = tables.pilots_table(events.pilots)
        made["customers"] = tables.customers_table(columns)
        made["orders"] = tables.orders_table(events.orders, block, self.date)
        if self.number <= 0:
            past = delivered_purchases(self.province, block, self.number, columns)
            past_orders = tables.purchases_table(past, block, self.date)
            made["orders"] = pa.concat_tables([made["orders"], past_orders])
        made["contacts"] = tables.contacts_table(events.contacts, block, self.date)
        made["trials"] = tables.trials_table(events.pilots, block, self.date)
        made["breaches"] = tables.breaches_table(events.orders, block, self.date)
        return made


def make(province: Province, folder: Path, *, workers: int, report: Report) -> list[Day]:
    """Make what is missing of the province under ``folder``; return the days that were made.

    ``report`` is called with the number of customers done since its last call: all together
    ``province.customers`` for each day and for the training day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        days = [Day(province, number, folder) for number in range(TRAINING, province.days)]
        missing = [day for day in days if not day.is_made]
        report(province.customers * (len(days) - len(missing)))
        if workers == 1 or province.customers * len(missing) < WORTH_A_PROCESS:
            for day in missing:
                day.make(report)
        else:
            share_out([day.make for day in missing], workers, report)
        write_text(folder / "truth" / "truth.json", truth.as_json(province))
    return missing


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against a second maker, who would write the same part files."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"another process is making a sample province in {folder}") from None
        yield
