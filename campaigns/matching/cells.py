"""What each cell meets, from the plan's boxes: a small table that every customer's cells join."""

import numpy as np
import pyarrow as pa

from campaigns.planned import Planned, PlannedOffer

from .gates import Gates


def cell_offers(planned: Planned, gates: Gates) -> pa.Table:
    """cell BIGINT, offers LIST<INT>: what ``gates`` reads of each cell that meets any offer."""
    cells: list[np.ndarray] = [np.empty(0, np.int64)]
    entries: list[np.ndarray] = [np.empty(0, np.int32)]
    for index, offer in enumerate(planned.offers):
        met = _cells(planned, offer)
        cells.append(met)
        entries.append(np.full(len(met), gates.entry(index), np.int32))
    cell, entry = np.concatenate(cells), np.concatenate(entries)
    order = np.lexsort((entry, cell))
    numbers, starts = np.unique(cell[order], return_index=True)
    offsets = np.append(starts, len(cell)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(entry[order]))
    return pa.table({"cell": pa.array(numbers, pa.int64()), "offers": lists})


def _cells(planned: Planned, offer: PlannedOffer) -> np.ndarray:
    """The numbers of the cells that meet the offer, each once."""
    ranges = [r for index in offer.cell_sets for r in planned.cell_sets[index].cells]
    numbers = [np.arange(first, last + 1, dtype=np.int64) for first, last in ranges]
    return np.unique(np.concatenate([np.empty(0, np.int64), *numbers]))
