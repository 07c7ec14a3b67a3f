"""kill -9 amid a fit: what it had finished is not done again, and the version is the same."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import servers
from tests.forks import Site

from .conftest import DAY, make_snapshot

ATTRIBUTES = tuple(f"candidate_{n}" for n in range(4))
PIECE = 2  # candidates binned between two checkpoints: two pieces of binning


# --- what children do ---


def prepare() -> None:
    from scoring import definitions

    from .kind_models import attribute

    rng = np.random.default_rng(2)
    columns = {name: rng.normal(size=3000) for name in ATTRIBUTES}
    eta = columns["candidate_0"] - 0.7 * columns["candidate_1"] - 2
    make_snapshot(left_within_30d=rng.random(3000) < 1 / (1 + np.exp(-eta)), **columns)
    for name in ATTRIBUTES:
        attribute(name, "number")
    attribute("left_within_30d", "boolean", origin="label")
    told = {"kind": "propensity", "name": {"zh": "模型", "en": "Model"}}
    told |= {"label": "left_within_30d", "features": list(ATTRIBUTES)}
    for code in ("killed", "undisturbed"):
        attribute(f"{code}_score", "number", origin="score")
        definitions.load([told | {"code": code, "output": f"{code}_score"}], "test")


def die_after_one_piece(code: str, log: Path) -> None:
    """Train; be killed when one more piece has been kept."""
    _train(code, log, after=lambda: os.kill(os.getpid(), signal.SIGKILL))


def train_to_the_end(code: str, log: Path) -> None:
    from scoring.models import ModelVersion
    from scoring.registry import load

    _train(code, log)
    version = ModelVersion.objects.get(model__code=code)
    fitted = load(version.file, version.signature)
    x = np.random.default_rng(3).normal(size=(50, len(fitted.features)))
    told = {name: version.report[name] for name in ("candidates", "metrics", "base_points")}
    told |= {"reads": version.definition["reads"], "predicted": fitted.predict(x).tolist()}
    log.with_suffix(".version").write_text(json.dumps(told))


def _train(code: str, log: Path, after: Any = int) -> None:
    """Every piece that is kept leaves a line in ``log``: what had been done by then."""
    from jobs.work import work_through
    from scoring.checkpoints import Checkpoint
    from scoring.learning import selection
    from scoring.models import Model
    from scoring.training import start_training, steps_of_training

    keep = Checkpoint.keep

    def logged(self: Checkpoint, state: dict[str, Any]) -> None:
        keep(self, state)
        line = [len(state["bins"]), "alike" in state, state["pairs"]]
        with log.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        after()

    Checkpoint.keep = logged
    selection.PIECE = PIECE
    run, _ = start_training(Model.objects.get(code=code), days=[DAY], by="analyst")
    work_through(run, steps_of_training())


# --- the test ---


@pytest.fixture
def site(
    database_server: str, database_template: str, test_session: Any, tmp_path: Path
) -> Iterator[Site]:
    name = f"juzhen_training_{test_session.controller}_{test_session.worker}"
    servers.drop_database(database_server, name)
    url = servers.create_database(database_server, name, template=database_template)
    quick = {"LAKE_PARTS": 2, "LEASE_SECONDS": 1, "STEP_ATTEMPTS": 50}
    yield Site(url, tmp_path, quick)
    servers.drop_database(database_server, name)


def test_a_fit_killed_after_every_piece_does_each_once_and_makes_the_same_version(
    site: Site, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert site.run(prepare) == 0
    assert site.run(train_to_the_end, "undisturbed", whole) == 0
    pieces = whole.read_text().splitlines()
    assert len(pieces) >= 5
    for _ in pieces:
        assert site.run(die_after_one_piece, "killed", killed) == -signal.SIGKILL
    assert len(list((tmp_path / "models" / "checkpoints").iterdir())) == 1
    assert site.run(train_to_the_end, "killed", killed) == 0
    assert killed.read_text().splitlines() == pieces
    versions = [json.loads(log.with_suffix(".version").read_text()) for log in (killed, whole)]
    assert versions[0] == versions[1]
    assert list((tmp_path / "models" / "checkpoints").iterdir()) == []
