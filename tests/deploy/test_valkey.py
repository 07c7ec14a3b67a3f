import os
import signal
import time

import psutil
import pytest
import redis

from deploy import processes
from deploy.binaries import find_valkey
from deploy.errors import DeployError
from deploy.places import Place
from deploy.valkey import Valkey


def client(server: Valkey) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket))


def test_it_starts_stops_and_remembers(valkey: Valkey) -> None:
    assert valkey.start()
    with client(valkey) as connection:
        connection.lpush("celery", "ring")
    assert not valkey.start(), "it was up already"
    assert valkey.stop()
    assert not valkey.is_up()
    assert not valkey.place.valkey_sockets.exists()
    assert valkey.start()
    with client(valkey) as connection:
        assert connection.lrange("celery", 0, -1) == [b"ring"]


def test_killed_outright_it_has_what_it_was_told_a_second_ago(valkey: Valkey) -> None:
    valkey.start()
    with client(valkey) as connection:
        connection.lpush("celery", "ring")
    time.sleep(1.5)  # appendfsync everysec
    pid = valkey.pid()
    os.kill(pid, signal.SIGKILL)
    processes.wait_until(lambda: not processes.is_alive(pid), 5)
    assert valkey.start()
    with client(valkey) as connection:
        assert connection.llen("celery") == 1


def test_it_never_drops_what_it_holds_to_make_room(valkey: Valkey) -> None:
    valkey.start()
    with client(valkey) as connection:
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_it_listens_on_no_port(valkey: Valkey) -> None:
    valkey.start()
    connections = psutil.Process(valkey.pid()).net_connections("tcp")
    assert [c for c in connections if c.status == "LISTEN"] == []


def test_two_copies_work_side_by_side(place: Place, other_place: Place) -> None:
    one, other = Valkey(place), Valkey(other_place)
    one.start()
    other.start()
    one.stop()
    assert other.is_up()


def test_a_hanging_one_is_replaced(valkey: Valkey) -> None:
    valkey.start()
    hanging = valkey.pid()
    valkey.socket.unlink()
    assert not valkey.is_up()
    assert valkey.start()
    assert valkey.pid() != hanging
    assert not processes.is_alive(hanging)


def test_damaged_files_are_named_with_what_to_do(valkey: Valkey) -> None:
    valkey.start()
    with client(valkey) as connection:
        connection.lpush("celery", *("ring" * 100 for _ in range(100)))
    valkey.stop()
    for path in (valkey.data / "appendonlydir").glob("*.incr.aof"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"x" * 40 + content[-200:])
    with pytest.raises(DeployError) as refused:
        valkey.start()
    assert refused.value.code == "valkey_failed"
    assert str(valkey.data) in refused.value.message


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUZHEN_VALKEY_BIN", "/nowhere/valkey-server")
    with pytest.raises(DeployError) as refused:
        find_valkey()
    assert refused.value.code == "no_such_program"
