"""The load tool tells the truth about a server that stalls."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.load import Plan, Report, run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[], Awaitable[bytes]]


def measured(answer: Answer, **plan: float) -> Report:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(await answer())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def both() -> Report:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        report = await run(Plan(port=port, paths=["/one"], seconds=1.0, warm_up=0.0, **plan))
        server.close()
        await asyncio.sleep(0.05)  # until its handlers have seen their callers go
        return report

    # In a thread of its own: where a browser was tested before, this one has a loop already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(both())).result()


async def at_once() -> bytes:
    return OK


def test_calls_arrive_at_the_rate_that_was_asked_for() -> None:
    report = measured(at_once, rate=200.0)
    assert 140 < report.n < 260
    assert report.statuses == {"200": report.n}


def test_who_waits_while_the_server_stalls_is_counted_from_when_he_was_due() -> None:
    stalled_until: list[float] = []

    async def stall() -> bytes:
        if not stalled_until:
            stalled_until.append(time.monotonic() + 0.6)
        await asyncio.sleep(max(0.0, stalled_until[0] - time.monotonic()))
        return OK

    report = measured(stall, rate=400.0)
    # Arrivals of 0.6 s waited, 0.3 s on average, though few connections were there to be stalled.
    assert report.n > 250
    assert report.p50 > 100
    assert report.worst > 500


@pytest.mark.parametrize("plan", [{"rate": 100.0}, {"callers": 2}])
def test_a_refusal_is_counted_and_shown(plan: dict[str, float]) -> None:
    async def refuse() -> bytes:
        return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"

    report = measured(refuse, **plan)
    assert report.statuses == {"503": report.n}
    assert report.first_error == "503: busy"
