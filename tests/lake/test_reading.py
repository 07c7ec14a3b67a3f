from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.partitions import writing
from lake.parts import part_of
from lake.reading import rows_of

pytestmark = pytest.mark.django_db


def test_a_customers_rows_are_read_from_the_part_he_is_in() -> None:
    numbers = [str(n) for n in range(20)]
    with writing("things", date(2026, 7, 1), "k", parts=3) as draft:
        for part in range(3):
            inside = [n for n in numbers if part_of(n, 3) == part]
            pq.write_table(pa.table({"customer_no": inside, "twice": inside}), draft.file(part))
    for number in numbers:
        assert rows_of(draft.partition, number) == [{"customer_no": number, "twice": number}]
    assert rows_of(draft.partition, "20") == []
