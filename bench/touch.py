"""The touch point under load: a granian as production runs it, PostgreSQL and the load tool, all
on the cores of this machine.

The answers are those of a real day. Throughput is held against a bare view of the same server
(bench.urls) that fetches the same row, taken in turns; latency is that of an open loop with
feedback mixed in; and two small provinces tell whether policies that a customer isn't offered cost
anything.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.load import Plan, Report
from bench.measure import Row
from bench.province import DAYS, Province
from deploy.children import end_group, spawn
from deploy.places import CHECKOUT
from deploy.run import answers, portal_command

# What is promised is promised of so many; CUSTOMERS may ask for fewer.
MOST_CUSTOMERS = 2_000_000
POLICIES, FEW, MANY = 200, 20, 2_000
# The two provinces that are held against each other are of this size.
SMALL = 20_000
ASKED = 20_000
CALLERS, RATE, FEEDBACK = 16, 150.0, 0.1
ROUNDS, SECONDS, LONG = 12, 2.0, 60.0
SAME = 3  # offers of an answer, where answers of unlike provinces are compared
START_SECONDS, WARM_SECONDS = 60.0, 5.0


def prepare(work: Path, customers: int) -> None:
    """Run a day in each of three provinces, and make a client for the load in each."""
    sizes = {POLICIES: customers, FEW: min(SMALL, customers), MANY: min(SMALL, customers)}
    for policies, size in sizes.items():
        province = _province(work, policies)
        with province.up():
            province.make(size, policies, DAYS[:1])
            command = [sys.executable, "-m", "bench.client"]
            key = subprocess.check_output(command, env=province.environment, text=True)
            (province.home / "key").write_text(key.strip())


def _province(work: Path, policies: int) -> Province:
    return Province(work / str(policies), parts=16 if policies == POLICIES else 1)


class Served:
    """A province behind a running server."""

    def __init__(self, province: Province, port: int) -> None:
        self.province = province
        self.port = port
        self.key = (province.home / "key").read_text()

    def numbers(self, least_offers: int = 0) -> list[str]:
        """Customers with so many offers, in an order that has nothing to do with anything."""
        query = """
            SELECT customer_no FROM campaigns_answer WHERE cardinality(offers) >= %s
            ORDER BY md5(customer_no) LIMIT %s
        """
        with psycopg.connect(self.province.url) as connection:
            rows = connection.execute(query, [least_offers, ASKED])
            return [number for (number,) in rows]

    def bare(self, numbers: Sequence[str], **plan: Any) -> Report:
        return self._load([f"/bare/{number}" for number in numbers], {}, **plan)

    def asked(self, numbers: Sequence[str], query: str = "", **plan: Any) -> Report:
        paths = [f"/api/v1/customers/{number}/recommendations{query}" for number in numbers]
        return self._load(paths, {"Authorization": f"Bearer {self.key}"}, **plan)

    def _load(self, paths: list[str], headers: dict[str, str], **plan: Any) -> Report:
        """Run the load tool; a call that isn't answered as it should be spoils the figure."""
        asked = Plan(port=self.port, paths=paths, headers=headers, **plan)
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=json.dumps(asdict(asked)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        report = Report(**json.loads(done.stdout))
        print(f"{paths[0]} {plan}: {report}", file=sys.stderr, flush=True)
        if report.first_error or not report.n:
            raise RuntimeError(f"every call must succeed; {report.statuses}: {report.first_error}")
        return report


@contextmanager
def _served(work: Path, policies: int) -> Iterator[Served]:
    province = _province(work, policies)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with province.up(), _server(province, port):
        served = Served(province, port)
        # Each process of the server reads the definitions once, at its first answer.
        served.asked(served.numbers(), seconds=1, warm_up=WARM_SECONDS, callers=CALLERS)
        yield served


@contextmanager
def _server(province: Province, port: int) -> Iterator[None]:
    environment = province.environment | {"DJANGO_SETTINGS_MODULE": "bench.settings"}
    command = ["env", *(f"{k}={v}" for k, v in environment.items() if os.environ.get(k) != v)]
    log = province.home / "server.log"
    process = spawn([*command, *portal_command(port)], CHECKOUT, log)
    try:
        end = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}/api/v1/"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server must answer; it said:\n{log.read_text()[-2_000:]}")
            time.sleep(0.2)
        yield
    finally:
        end_group(process, grace=10)


# --- the rows ---


def _throughput(work: Path, customers: int) -> float:
    """The median of the rounds' ratios: the two sides of a round have the same neighbours."""
    with _served(work, POLICIES) as served:
        numbers = served.numbers()
        load = {"seconds": SECONDS, "warm_up": 0.5, "callers": CALLERS}
        rounds = [
            (served.asked(numbers, **load).per_second, served.bare(numbers, **load).per_second)
            for _round in range(ROUNDS)
        ]
    return statistics.median(asked / bare for asked, bare in rounds)


def _open_loop(figure: str, work: Path, customers: int) -> float:
    """Measured once; what the rows tell of it is one run's."""
    kept = work / "open_loop.json"
    if not kept.exists():
        with _served(work, POLICIES) as served:
            report = served.asked(served.numbers(), seconds=LONG, rate=RATE, feedback=FEEDBACK)
        kept.write_text(json.dumps(asdict(report)))
    return float(json.loads(kept.read_text())[figure])


def _growth(query: str, least_offers: int, work: Path, customers: int) -> float:
    """Median latency of one caller at 2,000 policies against that at 20, taken in turns."""
    latencies: dict[int, list[float]] = {FEW: [], MANY: []}
    with ExitStack() as stack:
        served = {policies: stack.enter_context(_served(work, policies)) for policies in latencies}
        asked = {policies: one.numbers(least_offers) for policies, one in served.items()}
        least = min(len(numbers) for numbers in asked.values())
        for _round in range(ROUNDS):
            for policies, one in served.items():
                report = one.asked(
                    asked[policies][:least], query, seconds=SECONDS, warm_up=0.5, callers=1
                )
                latencies[policies].append(report.p50)
    return statistics.median(latencies[MANY]) / statistics.median(latencies[FEW])


ROWS = (
    Row(
        "touch_throughput",
        "recommendations a second against a bare view of the same row",
        _throughput,
        0.5,
        at_least=True,
    ),
    Row(
        "touch_p99",
        "150 calls a second, open loop, a tenth feedback: p99",
        partial(_open_loop, "p99"),
        85,
        "ms",
    ),
    Row("touch_p50", "the same: p50", partial(_open_loop, "p50"), None, "ms"),
    Row(
        "touch_policies",
        "latency at 2,000 policies against 20, answers of three offers",
        partial(_growth, f"?limit={SAME}", SAME),
        1.5,
    ),
    Row(
        "touch_policies_all",
        "the same, whoever comes: more policies, more offers",
        partial(_growth, "", 0),
        None,
    ),
)
