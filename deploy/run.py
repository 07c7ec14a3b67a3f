"""`make run`: from a fresh checkout to a portal that answers, and back to nothing on Ctrl-C.

Runs in `.venv`; `python -m deploy run` makes that first. See docs/operations.md.
"""

import fcntl
import hashlib
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy import embedded
from deploy.children import Child, Supervisor, end_group, spawn
from deploy.errors import DeployError
from deploy.firstrun import SAMPLE_CUSTOMER, FirstRun, look_at
from deploy.places import CHECKOUT, Place
from deploy.progress import waiting

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PORTS = range(8000, 8100)
# A proxy that the environment names is for other hosts than our own.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PORTAL_SECONDS = 60
# Measured: 2 processes of 8 threads answer 1.3 times as much as 2 of 2. A pool lends 8 connections.
_PORTAL_PROCESSES, _PORTAL_THREADS = 4, 8
_WATCH_SECONDS = 0.5
_SERVERS_SECONDS = 5.0
_THINGS_TO_TRY = """
Three things to try:
  1. Sign in as province-marketer: the last day's run, each customer in exactly one cell of each
     matrix, counted, and what moved since the day before.
  2. Sign in as front-desk and look up customer {customer}: what to offer, in which order, and
     why, from which versions.
  3. With the key of crm-client:
     curl -H "Authorization: Bearer KEY" {url}/api/v1/customers/{customer}/recommendations
     (described at {url}/api/docs/)
"""


class Stop(BaseException):
    """Somebody asked us to end: Ctrl-C, or SIGTERM. Like KeyboardInterrupt, not an error."""


class Launcher:
    """One running `make run`: what it started, and how to end it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.supervisor = Supervisor(CHECKOUT, place.running / "children.json", say)
        self.servers = list(embedded.needed(place))
        self.url = ""

    def run(self) -> None:
        """Start everything, then watch it until `Stop`; leave nothing running."""
        with ExitStack() as stack:
            stack.enter_context(only_launcher(self.place))
            self.supervisor.end_leftovers()
            stack.enter_context(self._databases())
            first = self._prepare()
            stack.callback(self._stop_children)
            self._start_children()
            if first.has_sample:
                show_logins()
            self._wait_for_portal()
            if first.has_sample:
                print(_THINGS_TO_TRY.format(url=self.url, customer=SAMPLE_CUSTOMER))
            print(f"Portal: {self.url}\nCtrl-C stops everything.", flush=True)
            self._watch()

    @contextmanager
    def _databases(self) -> Iterator[None]:
        """The embedded servers, for as long as this lasts; one that `make up` started stays."""
        # The mark outlives a launcher that is killed: then its servers are ours to stop.
        ours = embedded.mark_of_run(self.place)
        try:
            for server in self.servers:
                with waiting(f"Starting {server.name}"):
                    if server.start():
                        ours.touch()
            yield
        finally:
            ignore_signals()
            if ours.exists():
                for server in reversed(self.servers):
                    say(f"Stopping {server.name}")
                    server.stop()
                ours.unlink(missing_ok=True)

    def _prepare(self) -> FirstRun:
        """Bring database and static files up to date; the first time, make the sample province."""
        url = os.environ.get("DATABASE_URL") or self.place.addresses().database_url
        first = FirstRun(self.place.var / "first_run.json", look_at(url))
        if not first.has_sample:
            say("The database is in use already: no sample province is made in it")
        say("Bringing the database up to date")
        manage("migrate", "--verbosity", "0")
        stamp, wanted = self.place.var / "static.stamp", static_fingerprint(self.place.var)
        if not stamp.exists() or stamp.read_text() != wanted:
            say("Collecting static files")
            manage("collectstatic", "--noinput", "--verbosity", "0")
            stamp.write_text(wanted)
        first.run(first_step)
        return first

    def _start_children(self) -> None:
        port = choose_port()
        self.url = f"http://127.0.0.1:{port}"
        for child in children(self.place, port):
            self.supervisor.start(child)

    def _wait_for_portal(self) -> None:
        end = time.monotonic() + _PORTAL_SECONDS
        with waiting("Waiting for the portal"):
            while not answers(self.url):
                self.supervisor.watch_once()
                if time.monotonic() > end:
                    raise DeployError(
                        "portal_silent",
                        f"The portal must answer at {self.url} within {_PORTAL_SECONDS} s; it"
                        f" does not. Its log is {self.place.logs / 'portal.log'}.",
                    )
                time.sleep(0.1)
        describe_run(self.place, self.url)

    def _stop_children(self) -> None:
        ignore_signals()
        say("Stopping beat, worker and portal")
        self.supervisor.stop()

    def _watch(self) -> NoReturn:
        looked = time.monotonic()
        while True:
            self.supervisor.watch_once()
            if time.monotonic() - looked > _SERVERS_SECONDS:
                self._revive_servers()
                looked = time.monotonic()
            time.sleep(_WATCH_SECONDS)

    def _revive_servers(self) -> None:
        """Start a server again whose process is gone; one that is merely busy is left alone."""
        for server in self.servers:
            if server.pid() is not None:
                continue
            try:
                server.start()
                say(f"{server.name} had ended and was started again. Its log is {server.log}.")
            except DeployError as error:  # a full disk, say: once that is put right, it goes on
                say(f"{server.name} has ended. {error.message}")


def main() -> int:
    place = Place.of_checkout()
    os.umask(0o077)  # customers' data, logs and keys are nobody else's
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup and `&` mean what they say
            signal.signal(number, _stop)
    try:
        place.make()
        Launcher(place).run()
    except Stop:
        say("Everything this run started has stopped.")
    except DeployError as error:
        print(f"\n{error.message}", file=sys.stderr)
        return 1
    return 0


def children(place: Place, port: int) -> list[Child]:
    """The portal, a worker, a trainer, and beat: in the order in which they start."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "config"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--hostname", f"worker-{place.key}@%h"]
    worker += ["--concurrency", os.environ.get("WORKERS") or "2", "--without-gossip"]
    # Models are trained beside the day, never before it: one at a time, and after everybody else.
    trainer = ["env", "OMP_NUM_THREADS=1", "nice", "-n", "15", *celery, "worker"]
    trainer += [
        "--loglevel",
        "INFO",
        "--queues",
        "training",
        "--hostname",
        f"trainer-{place.key}@%h",
    ]
    trainer += ["--concurrency", "1", "--without-gossip"]
    beat = [*celery, "beat", "--loglevel", "INFO", "--pidfile="]
    beat += ["--schedule", str(place.running / "beat-schedule")]
    return [
        Child("portal", portal_command(port), place.logs / "portal.log"),
        # A step in hand is lost when the grace is over, and is taken up again: its job row says so.
        Child("worker", worker, place.logs / "worker.log", grace=20),
        Child("trainer", trainer, place.logs / "trainer.log", grace=20),
        Child("beat", beat, place.logs / "beat.log"),
    ]


def portal_command(port: int) -> list[str]:
    """The portal's server: a process per core, since threads of one share its interpreter."""
    processes = min(os.cpu_count() or 1, _PORTAL_PROCESSES)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(processes)]
    return [*command, "--blocking-threads", str(_PORTAL_THREADS), "config.wsgi:application"]


def manage(*arguments: str) -> None:
    """Run one command of manage.py to its end, on our terminal."""
    process = spawn([sys.executable, "manage.py", *arguments], CHECKOUT, None)
    try:
        returncode = process.wait()
    except BaseException:
        end_group(process, grace=10)
        raise
    if returncode != 0:
        raise DeployError(
            "step_failed",
            f"`manage.py {' '.join(arguments)}` must succeed; it ended with {returncode} and said"
            " why above. Once that is put right, `make run` goes on from there.",
        )


def show_logins() -> None:
    """Print the demonstration's logins; where people have their own there may be none to print."""
    try:
        manage("demo_logins")
    except DeployError:
        say("Warning: there are no demonstration logins, for the reason above; use your own")


def first_step(title: str, command: Sequence[str]) -> None:
    started = time.monotonic()
    say(f"{title} (once)")
    manage(*command)
    say(f"{title}: done in {time.monotonic() - started:.1f} s")


@contextmanager
def only_launcher(place: Place) -> Iterator[None]:
    """Be the one launcher of this place, or say which one is."""
    with (place.running / "launcher.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeployError("already_running", _who_runs(place)) from None
        description = place.running / "launcher.json"
        description.write_text(json.dumps({"pid": os.getpid(), "url": None}))
        try:
            yield
        finally:
            description.unlink()


def describe_run(place: Place, url: str) -> None:
    """Tell a second launcher where the first one's portal is."""
    text = json.dumps({"pid": os.getpid(), "url": url})
    (place.running / "launcher.json").write_text(text)


def _who_runs(place: Place) -> str:
    try:
        found = json.loads((place.running / "launcher.json").read_text())
    except (FileNotFoundError, ValueError):
        return "This checkout already runs, and is just starting or stopping."
    where = f"Portal: {found['url']}" if found["url"] else "it is still starting"
    return (
        f"This checkout already runs, as process {found['pid']}: {where}\n"
        f"Stop it with Ctrl-C in its terminal, or kill {found['pid']}."
    )


def choose_port() -> int:
    """PORT, or the first free one from 8000."""
    if given := os.environ.get("PORT"):
        if not given.isdigit() or not is_free(int(given)):
            raise DeployError(
                "port_taken",
                f"PORT must be a free port on 127.0.0.1; {given} is not. Choose another, or"
                " leave PORT unset.",
            )
        return int(given)
    for port in _PORTS:
        if is_free(port):
            return port
    raise DeployError(
        "no_free_port",
        f"One port from {_PORTS[0]} to {_PORTS[-1]} must be free; none is. Set PORT.",
    )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def answers(url: str) -> bool:
    """Whether an HTTP server answers there, whatever it answers."""
    try:
        with _DIRECTLY.open(url, timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def static_fingerprint(collected: Path) -> str:
    """Changes when a static file or a package that brings some does; takes milliseconds."""
    digest = hashlib.sha256((CHECKOUT / "requirements.txt").read_bytes())
    for path in sorted(CHECKOUT.glob("*/static/**/*")):
        if path.is_relative_to(collected):
            continue
        found = path.stat()
        digest.update(f"{path}|{found.st_mtime_ns}|{found.st_size}\n".encode())
    return digest.hexdigest()


def say(text: str) -> None:
    """Print one line; a terminal that has gone must not keep us from clearing up."""
    with suppress(OSError):
        print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def ignore_signals() -> None:
    """While we clear up, a second Ctrl-C changes nothing: each part's grace is bounded."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _: FrameType | None) -> None:
    ignore_signals()
    raise Stop(signal.Signals(number).name)


if __name__ == "__main__":
    sys.exit(main())
