"""The load tool: HTTP/1.1 over kept-alive connections, in a process of its own.

Closed loop: so many callers, each of which asks again as soon as it is answered; says how much a
server can do. Open loop: calls arrive by the clock whether or not earlier ones are answered, and a
call's latency counts from the moment it was due, so a server that stalls pays for all who waited.
The gaps between arrivals are exponential: callers know nothing of each other.

``python -m bench.load`` reads a Plan as JSON and prints a Report as JSON. Standard library only,
and little of it: the tool shares two cores with what it measures.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from uuid import uuid4

FEEDBACK = "/api/v1/feedback"
OUTCOMES = ("shown", "accepted", "declined")
# How many connections an open loop may use; who finds none free waits, and his clock runs.
CONNECTIONS = 64
LONGEST_WAIT = 30.0
KEPT_DECISIONS = 8


@dataclass(frozen=True)
class Plan:
    """What to ask for: ``paths`` in turn, from one of a few ``callers`` or at ``rate`` a second.

    Seconds of ``warm_up`` are not counted. ``feedback``: the share of calls that say what became
    of an earlier answer instead.
    """

    port: int
    paths: list[str]
    seconds: float
    warm_up: float = 2.0
    headers: dict[str, str] = field(default_factory=dict)
    callers: int = 0
    rate: float = 0.0
    feedback: float = 0.0


@dataclass(frozen=True)
class Report:
    """``statuses``: how many calls ended with which one; 0: the connection broke, or no answer.

    Latencies are in milliseconds; ``worst`` is the longest. ``cpu``: of this tool, share of a core.
    """

    n: int
    posts: int
    statuses: dict[str, int]
    per_second: float
    p50: float
    p95: float
    p99: float
    worst: float
    cpu: float
    first_error: str


class Traffic:
    """The calls of a plan, one after the other, and what was answered to them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(1)
        head = "".join(f"{name}: {value}\r\n" for name, value in plan.headers.items())
        self.head = f"Host: 127.0.0.1:{plan.port}\r\n{head}"
        self.asked = 0
        self.decisions: deque[dict[str, str]] = deque(maxlen=KEPT_DECISIONS)
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.posts = 0
        self.first_error = ""

    def next(self) -> tuple[bytes, bool]:
        """The next call, and whether it is feedback."""
        if self.decisions and self.random.random() < self.plan.feedback:
            return self._feedback(self.decisions.popleft()), True
        path = self.plan.paths[self.asked % len(self.plan.paths)]
        self.asked += 1
        return f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode(), False

    def _feedback(self, offered: dict[str, str]) -> bytes:
        event = offered | {"outcome": self.random.choice(OUTCOMES)}
        if event["outcome"] == "declined":
            event["reason"] = "too expensive"
        body = json.dumps({"events": [event]}).encode()
        head = (
            f"POST {FEEDBACK} HTTP/1.1\r\n{self.head}Content-Type: application/json\r\n"
            f"Idempotency-Key: {uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def answered(self, due: float, posted: bool, counted: bool, status: int, body: bytes) -> None:
        """Note an answer; its decision may be what feedback is about later on."""
        if counted:
            self.latencies.append(time.perf_counter() - due)
            self.statuses[str(status)] += 1
            self.posts += posted
        if not 200 <= status < 300:
            self.first_error = (
                self.first_error or f"{status}: {body[:500].decode(errors='replace')}"
            )
        elif self.plan.feedback and not posted and len(self.decisions) < KEPT_DECISIONS:
            answer = json.loads(body)
            for item in answer["items"][:1]:
                offered = {"decision": answer["decision"], "policy": item["policy"]}
                self.decisions.append(offered | {"channel": item["channels"][0]})

    def report(self, seconds: float, cpu: float) -> Report:
        ordered = sorted(self.latencies) or [0.0]
        p50, p95, p99, worst = (
            round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
            for share in (0.5, 0.95, 0.99, 1.0)
        )
        n = len(self.latencies)
        return Report(
            n=n,
            posts=self.posts,
            statuses=dict(self.statuses),
            per_second=round(n / seconds, 1),
            p50=p50,
            p95=p95,
            p99=p99,
            worst=worst,
            cpu=round(cpu / seconds, 2),
            first_error=self.first_error,
        )


Done = Callable[[int, bytes], None]


class Connection(asyncio.Protocol):
    """One kept-alive connection with at most one call on its way.

    Answers must say their length: what comes without one is taken for a broken connection.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.done: Done | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, call: bytes, done: Done) -> None:
        self.done, self.buffer = done, b""
        if self.transport is None or self.transport.is_closing():
            self._finish(0, b"the connection is closed")
        else:
            self.transport.write(call)

    def close(self) -> None:
        if self.transport:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            assert self.transport is not None
            self.transport.abort()
            return
        length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        if len(self.buffer) >= end + 4 + length:
            self._finish(int(head[9:12]), self.buffer[end + 4 :])

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.done:
            self._finish(0, f"the connection broke: {error}".encode())

    def _finish(self, status: int, body: bytes) -> None:
        done, self.done = self.done, None
        if done:
            done(status, body)


async def connect(port: int) -> Connection:
    loop = asyncio.get_running_loop()
    _transport, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection


async def closed_loop(plan: Plan, traffic: Traffic) -> None:
    start = time.perf_counter() + plan.warm_up
    end = start + plan.seconds

    async def caller() -> None:
        connection = await connect(plan.port)
        while (now := time.perf_counter()) < end:
            answer: asyncio.Future[tuple[int, bytes]] = asyncio.Future()
            call, posted = traffic.next()
            connection.ask(call, lambda *got, answer=answer: answer.set_result(got))
            status, body = await asyncio.wait_for(answer, LONGEST_WAIT)
            traffic.answered(now, posted, now >= start, status, body)
            if not status:
                connection = await connect(plan.port)
        connection.close()

    await asyncio.gather(*(caller() for _ in range(plan.callers)))


class OpenLoop:
    """Arrivals by the clock. ``free``: connections; ``due``: calls that wait for one."""

    def __init__(self, plan: Plan, traffic: Traffic, free: deque[Connection]) -> None:
        self.plan = plan
        self.traffic = traffic
        self.free = free
        self.due: deque[float] = deque()
        self.open = 0
        self.gaps = random.Random(2)
        self.start = time.perf_counter() + plan.warm_up
        self.end = self.start + plan.seconds

    async def run(self) -> None:
        arrival = time.perf_counter()
        while arrival < self.end:
            if (wait := arrival - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.open += 1
            self.due.append(arrival)
            self._serve()
            arrival += self.gaps.expovariate(self.plan.rate)
        last = time.perf_counter() + LONGEST_WAIT
        while self.open and time.perf_counter() < last:
            await asyncio.sleep(0.01)
        for _ in range(self.open):
            self.traffic.answered(self.end, False, True, 0, b"never answered")

    def _serve(self) -> None:
        while self.due and self.free:
            self._ask(self.free.popleft(), self.due.popleft())

    def _ask(self, connection: Connection, due: float) -> None:
        call, posted = self.traffic.next()

        def done(status: int, body: bytes) -> None:
            self.open -= 1
            self.traffic.answered(due, posted, due >= self.start, status, body)
            if status:  # a broken connection is not used again
                self.free.append(connection)
            self._serve()

        connection.ask(call, done)


async def run(plan: Plan) -> Report:
    traffic = Traffic(plan)
    cpu = time.process_time()
    started = time.perf_counter()
    if plan.rate:
        free = deque([await connect(plan.port) for _ in range(CONNECTIONS)])
        await OpenLoop(plan, traffic, free).run()
        for connection in free:
            connection.close()
    else:
        await closed_loop(plan, traffic)
    share = (time.process_time() - cpu) / (time.perf_counter() - started)
    return traffic.report(plan.seconds, share * plan.seconds)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(Plan(**json.load(sys.stdin)))))))
