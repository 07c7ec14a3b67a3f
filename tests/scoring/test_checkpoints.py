"""What an interrupted fit had finished: whole or not at all, and gone when it is of no use."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Operation
from jobs.models import State
from jobs.services import cancel
from jobs.work import work_once, work_through
from scoring.checkpoints import KEPT_DAYS, Checkpoint
from scoring.learning.binning import Binner
from scoring.learning.selection import Selection
from scoring.models import Model, ModelVersion
from scoring.training import start_training, steps_of_training

from .conftest import DAY


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MODELS_DIR = tmp_path
    return tmp_path / "checkpoints"


def test_what_was_kept_last_is_read_and_forgotten(folder: Path) -> None:
    checkpoint = Checkpoint("leaving-1")
    assert checkpoint.read() is None
    checkpoint.keep({"value": 0.1 + 0.2})
    checkpoint.keep({"value": 0.1 + 0.7})
    assert Checkpoint("leaving-1").read() == {"value": 0.1 + 0.7}
    checkpoint.forget()
    assert checkpoint.read() is None
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("spoil", [lambda text: text[:-3], lambda text: text.replace(b"1", b"2")])
def test_what_was_cut_off_or_changed_counts_as_nothing(folder: Path, spoil: Any) -> None:
    checkpoint = Checkpoint("leaving-a")
    checkpoint.keep({"bins": [1, 11, 111]})
    (file,) = folder.iterdir()
    file.write_bytes(spoil(file.read_bytes()))
    assert checkpoint.read() is None


def test_a_writer_killed_amid_a_piece_leaves_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint("leaving-1")
    checkpoint.keep({"pieces": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.keep({"pieces": 2})
    assert checkpoint.read() == {"pieces": 1}
    checkpoint.forget()
    assert list(folder.iterdir()) == []


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_others_that_nobody_took_up_go_in_the_end(folder: Path) -> None:
    old, young = Checkpoint("old-1"), Checkpoint("young-1")
    old.keep({})
    young.keep({})
    then = time.time() - (KEPT_DAYS + 1) * 24 * 3600
    os.utime(folder / "old-1.json", (then, then))
    Checkpoint("other-1").forget()
    assert (old.read(), young.read()) == (None, {})


def test_one_that_another_forgets_meanwhile_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Checkpoint("gone-1").keep({})
    listed = list(folder.iterdir())
    for file in listed:
        file.unlink()
    monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))
    Checkpoint("other-1").forget()
    Checkpoint("gone-1").forget()


@pytest.mark.django_db
@pytest.mark.usefixtures("models", "snapshot")
def test_a_training_cancelled_amid_a_fit_stops_and_goes_on_when_it_is_asked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = Model.objects.get(code="leaving")
    run, _ = start_training(leaving, days=[DAY], by="analyst")
    pruned = Selection._prune
    steps = steps_of_training()

    def cancelled_before_pruning(self: Selection, *args: Any) -> None:
        cancel(run, by="analyst")
        claims[-1].renew()  # what the heartbeat does meanwhile
        pruned(self, *args)

    claims = []
    watched = {
        name: lambda claim, do=do: claims.append(claim) or do(claim) for name, do in steps.items()
    }
    with monkeypatch.context() as patch:
        patch.setattr(Selection, "_prune", cancelled_before_pruning)
        while run.steps.get(name="preparation").state != State.DONE:
            assert work_once(run, watched)
        work_once(run, watched)
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert run.steps.get(name="model").error["code"] == "cancelled"
    assert not ModelVersion.objects.exists()
    assert Operation.objects.filter(action="cancel_run").count() == 1

    again, _ = start_training(leaving, days=[DAY], by="analyst")
    assert again.pk == run.pk
    with monkeypatch.context() as patch:
        patch.setattr(Binner, "fit", _not_again)
        patch.setattr("scoring.learning.selection.twins", _not_again)
        assert work_through(again, steps).state == State.DONE
    assert list(folder.iterdir()) == []


def _not_again(*_: Any, **__: Any) -> None:
    """Binning is finished, and so is pruning: the file was written before the sign of life."""
    raise AssertionError("this was finished before the training was cancelled")
