import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import embedded, places
from deploy.errors import DeployError
from deploy.places import CHECKOUT, Place


def test_two_checkouts_never_share_an_address(tmp_path: Path) -> None:
    one, other = (
        Place(tmp_path / "a" / "var").addresses(),
        Place(tmp_path / "b" / "var").addresses(),
    )
    assert not {one.database_url, one.broker_url} & {other.database_url, other.broker_url}


def test_two_users_of_a_checkout_never_share_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Place(tmp_path).addresses()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert Place(tmp_path).addresses() != one


def test_asking_for_addresses_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUZHEN_VAR", str(tmp_path / "var"))
    assert embedded.addresses() == Place(tmp_path / "var").addresses()
    assert list(tmp_path.iterdir()) == []


def test_a_relative_var_is_below_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUZHEN_VAR", "elsewhere")
    assert Place.of_checkout().var == CHECKOUT / "elsewhere"


def test_a_long_checkout_path_still_gives_a_short_socket_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUZHEN_SOCKETS")
    place = Place(tmp_path / ("deep/" * 100))
    assert len(str(place.postgres_sockets / places.POSTGRES_SOCKET)) < places.LONGEST_SOCKET_PATH


def test_a_socket_path_that_cannot_work_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUZHEN_SOCKETS", "/tmp/" + "x" * 90)
    with pytest.raises(DeployError) as refused:
        Place(tmp_path).addresses()
    assert refused.value.code == "socket_path_too_long"


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_socket_directory_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "sockets"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(DeployError) as refused:
        places.make_socket_directory(path, os.getuid(), os.getgid())
    assert refused.value.code == "socket_directory_unsafe"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_in_place_of_the_socket_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "sockets").symlink_to(tmp_path / "real")
    with pytest.raises(DeployError) as refused:
        places.make_socket_directory(tmp_path / "sockets", os.getuid(), os.getgid())
    assert refused.value.code == "socket_directory_unsafe"


def test_somebody_elses_socket_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir(mode=0o700)
    with pytest.raises(DeployError) as refused:
        places.make_socket_directory(tmp_path / "sockets", os.getuid() + 1, os.getgid())
    assert refused.value.code == "socket_directory_unsafe"


def test_a_directory_for_another_user_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "chown", killed)
    with pytest.raises(KeyboardInterrupt):
        places.make_private_directory(tmp_path / "data", os.geteuid() + 1, os.getegid())
    assert not (tmp_path / "data").exists()


def test_existing_directories_keep_their_modes(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    Place(tmp_path).make()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


def test_the_secret_key_is_made_once_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = embedded.secret_key(Place(tmp_path))
    assert len(key) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert embedded.secret_key(Place(tmp_path)) == key


def test_a_given_secret_key_is_used_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    assert embedded.secret_key(Place(tmp_path)) == "given"
    assert list(tmp_path.iterdir()) == []


def test_processes_that_race_for_the_secret_key_get_the_same(tmp_path: Path) -> None:
    environment = os.environ | {"JUZHEN_VAR": str(tmp_path)}
    environment.pop("SECRET_KEY", None)
    command = [sys.executable, "-c", "from deploy import embedded; print(embedded.secret_key())"]
    racers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT, env=environment)
        for _ in range(4)
    ]
    assert len({racer.communicate()[0] for racer in racers}) == 1
