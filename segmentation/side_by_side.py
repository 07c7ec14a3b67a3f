"""Parts worked on side by side, as many at a time as the engine may use threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TypeVar

from django.conf import settings

from lake.engine import DuckDB

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[DuckDB, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield what ``work`` makes of each item, in order; an error begins no more of them.

    Each thread has an engine of its own, which keeps a query's text from part to part.
    """
    with ExitStack() as stack:
        free: SimpleQueue[DuckDB] = SimpleQueue()
        for _thread in range(settings.ENGINE_THREADS):
            free.put(stack.enter_context(DuckDB(threads=1)))

        def one(item: Item) -> Result:
            engine = free.get()
            try:
                return work(engine, item)
            finally:
                free.put(engine)

        pool = ThreadPoolExecutor(settings.ENGINE_THREADS)
        try:
            yield from pool.map(one, items)
        finally:
            pool.shutdown(cancel_futures=True)
