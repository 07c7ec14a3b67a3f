"""Orders for tests: days of them in the lake, cut into parts as an ingest cuts them."""

from collections.abc import Sequence
from datetime import date
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq

from lake import partitions
from lake.models import Partition
from lake.parts import part_of

# order, customer, day of the order, yuan
Order = tuple[str, str, date, float]
_KEYS = count()


def delivered(day: date, orders: Sequence[Order], *, parts: int = 2) -> Partition:
    """What the source delivered for a business date."""
    with partitions.writing("orders", day, f"o{next(_KEYS)}", parts=parts) as draft:
        for part in range(parts):
            mine = [o for o in orders if part_of(o[1], parts) == part]
            columns = {
                "order_no": pa.array([o[0] for o in mine], pa.string()),
                "customer_no": pa.array([o[1] for o in mine], pa.string()),
                "ordered_on": pa.array([o[2] for o in mine], pa.date32()),
                "amount": pa.array([o[3] for o in mine], pa.float64()),
            }
            pq.write_table(pa.table(columns), draft.file(part))
    assert draft.partition is not None
    return draft.partition
