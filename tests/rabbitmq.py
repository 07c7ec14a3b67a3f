"""A RabbitMQ for tests: Debian's package, run by us, on loopback, with its own name and ports."""

import os
import signal
import socket
from pathlib import Path

from deploy import processes

_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_SECONDS = 90
_STOP_SECONDS = 20
_ERLANG = {"beam.smp", "epmd"}


class RabbitMQ:
    """One node below `directory`; the machine's own RabbitMQ, if it has one, is not touched."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "rabbitmq.log"
        self.port, self._distribution_port, self._epmd_port = _free_ports(3)

    @property
    def url(self) -> str:
        """BROKER_URL. RabbitMQ lets its guest in from loopback only."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        if not _SCRIPT.exists():
            raise RuntimeError(
                f"{_SCRIPT} must exist for the broker tests: apt-get install rabbitmq-server"
                " (`make test` does it)."
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "enabled_plugins").write_text("[].\n")
        environment = os.environ | self._environment()
        # Our own name service, in the foreground: the node's would stay behind as a daemon.
        epmd = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        processes.start_detached(epmd, self.log, cwd=self.directory, env=environment)
        node = processes.start_detached([_SCRIPT], self.log, cwd=self.directory, env=environment)
        processes.wait_until(
            lambda: self.is_up() or not processes.is_alive(node), seconds=_START_SECONDS
        )
        if not self.is_up():
            self.stop()
            raise RuntimeError(f"RabbitMQ did not start:\n{processes.tail(self.log, 40)}")

    def is_up(self) -> bool:
        """Whether it answers a protocol header; it listens last of all when it starts."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """End the node, then its name service."""
        for name in sorted(_ERLANG):
            for pid in processes.running_in(self.directory, {name}):
                processes.end_process(pid, first=first, grace=_STOP_SECONDS)

    def _environment(self) -> dict[str, str]:
        base = str(self.directory)
        return {
            "HOME": base,  # the Erlang cookie is made there
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"juzhen-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ("-kernel inet_dist_use_interface {127,0,0,1}"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{base}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{base}/enabled_plugins",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": base,
            "RABBITMQ_MNESIA_BASE": f"{base}/mnesia",
            "RABBITMQ_PID_FILE": f"{base}/rabbitmq.pid",
        }


def _free_ports(how_many: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(how_many)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
