"""Published days made by hand: cells written to the lake, flows counted, the run's rows."""

from collections.abc import Sequence
from datetime import date
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.models import Run, State
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from segmentation.flow.flows import flow
from segmentation.keys import cell_column
from segmentation.models import MatrixVersion

# One day: customer → (city, {matrix: cell, or None outside of its scope}).
Day = dict[str, tuple[str, dict[str, int | None]]]
_keys = count(1)


def write_cells(
    business_date: date, day: Day, versions: Sequence[MatrixVersion], *, parts: int = 2
) -> Partition:
    """Write the partition ``cells`` of a day, whatever a real day would have said."""
    codes = [version.matrix_id for version in versions]
    schema = pa.schema(
        {"customer_no": pa.string(), "city": pa.string()}
        | {cell_column(code): pa.int64() for code in codes}
    )
    with partitions.writing("cells", business_date, f"k{next(_keys)}", parts=parts) as draft:
        draft.facts = {
            "matrices": [
                {
                    "matrix": version.matrix_id,
                    "version": version.number,
                    "customers": sum(
                        cells[version.matrix_id] is not None for _city, cells in day.values()
                    ),
                }
                for version in versions
            ]
        }
        for part in range(parts):
            rows = [
                {"customer_no": number, "city": city}
                | {cell_column(code): cells[code] for code in codes}
                for number, (city, cells) in day.items()
                if part_of(number, parts) == part
            ]
            pq.write_table(pa.Table.from_pylist(rows, schema), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def publish_day(
    cells: Partition, yesterday: Partition | None, *, number: int = 1, state: str = State.DONE
) -> Partition:
    """Count the day's flows and write the rows of a run that ended so; return the flows."""
    flows = flow(cells, yesterday, progress=lambda done, total: None)
    run = Run.objects.create(
        kind="day",
        business_date=cells.business_date,
        number=number,
        key=cells.key,
        inputs={},
        state=state,
    )
    output = {"cells": cells.pk, "flows": flows.pk}
    run.steps.create(position=0, name="assign", state=State.DONE, output=output)
    run.steps.create(position=1, name="publish", state=state)
    return flows
