"""Eight models that score customers, as the product keeps them, and beside each the plain one.

They learn on generated customers of the sample province. The plain one of a kind is the quickest
that a data scientist would have taken on the same columns, a category as its code's position:

    propensity, lifetime value   LogisticRegression behind a SimpleImputer and a StandardScaler
    tree of an index             DecisionTreeClassifier of as many leaves at most
    uplift                       two such logistic regressions, one per arm (a T-learner)
"""

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sample.offers import PILOTS, response
from sample.people import Columns
from scoring.kinds import KINDS
from scoring.kinds.base import Definition, Kind
from scoring.learning.features import Feature
from scoring.models import Model, ModelVersion
from scoring.profile import profile_of
from scoring.registry import save
from scoring.rows import OUTCOME, TREATED, Rows, features_of

VERSIONS, PLAIN = "versions.json", "plain.joblib"
LEFT = "left_within_30d"
SEED = 11
MOST_LEAVES = 80
MODELS = Path(__file__).parent.parent / "definitions" / "sample_province" / "models.yaml"
UPLIFT = "data_pack_response"
DATA_PACK = next(offer for offer in PILOTS if offer.policy == "P0018")


def _propensity(code: str, label: str, cut: float) -> Definition:
    """A propensity with all that one can give: a score, its grade and its reasons."""
    bands = [{"code": "low", "to": cut}, {"code": "high", "from": cut}]
    return {
        "code": code,
        "kind": "propensity",
        "output": code,
        "grades": {"output": f"{code}_grade", "bands": bands},
        "reasons": f"{code}_why",
        "label": label,
    }


def _sample(code: str) -> Definition:
    """A model of the sample province; everybody is in its population."""
    models = yaml.safe_load(MODELS.read_text())["models"]
    found: Definition = next(model for model in models if model["code"] == code)
    return {k: v for k, v in found.items() if k != "population"} | {"reasons": f"{code}_why"}


def definitions() -> list[Definition]:
    """Four propensities over all attributes, and four models of the sample province."""
    return [
        _propensity("leaving", LEFT, 0.1),
        _propensity("broadband", "has_broadband", 0.3),
        _propensity("music", "has_music_channel", 0.2),
        _propensity("video", "has_video_pack", 0.2),
        *map(_sample, ("movement_index", "stickiness_index", UPLIFT, "lifetime_value")),
    ]


def train(table: pa.Table, people: Columns, categories: dict[str, list[str]], work: Path) -> None:
    """Fit the eight and their plain ones on ``table``; keep them under ``work``.

    ``people``: the same customers as the generator has them, who know how a contact moves them.
    """
    candidates = [n for n in table.column_names if n not in ("customer_no", "city", LEFT)]
    kept, plain = [], {}
    for asked in definitions():
        kind = KINDS[asked["kind"]]
        own = kind.features(asked, [name for name in candidates if name != asked.get("label")])
        rows = _rows(asked, table, people, features_of(own, categories))
        fitted = kind.fit(asked, rows.features, rows, _quiet)
        definition = kind.settled(asked | {"categories": categories}, fitted)
        rows = Rows(rows.table, fitted.features)
        kept.append(_version(kind, definition, fitted, rows))
        plain[asked["code"]] = _plain(kind, rows)
    (work / VERSIONS).write_text(json.dumps(kept))
    joblib.dump(plain, work / PLAIN)


def versions(work: Path, *, reasons: bool) -> list[ModelVersion]:
    """The versions as the registry would hand them over, with or without reasons to write."""
    found = []
    for one in json.loads((work / VERSIONS).read_text()):
        definition = {k: v for k, v in one["definition"].items() if reasons or k != "reasons"}
        model = Model(code=definition["code"], kind=definition["kind"])
        found.append(ModelVersion(**one | {"model": model, "definition": definition}))
    return found


def plain_ones(work: Path) -> dict[str, list[ClassifierMixin]]:
    """Per model the plain estimators that stand beside it."""
    found: dict[str, list[ClassifierMixin]] = joblib.load(work / PLAIN)
    return found


def _quiet(done: int, total: int) -> None:
    """Nobody waits for it."""


def _rows(
    definition: Definition, table: pa.Table, people: Columns, features: tuple[Feature, ...]
) -> Rows:
    rng = np.random.default_rng(SEED)
    if definition["kind"] == "uplift":
        treated = rng.random(table.num_rows) < 0.5
        alone, contacted = response(DATA_PACK, people)
        happened = rng.random(table.num_rows) < np.where(treated, contacted, alone)
        table = table.append_column(TREATED, pa.array(treated))
        return Rows(table.append_column(OUTCOME, pa.array(happened)), features)
    happened = table.column(definition["label"]).to_numpy(zero_copy_only=False)
    happened = ~happened if definition.get("opposite") else happened
    return Rows(table.append_column(OUTCOME, pa.array(happened)), features)


def _version(kind: Kind, definition: Definition, fitted: Any, rows: Rows) -> dict[str, Any]:
    file, signature = save(fitted, definition["code"])
    return {
        "number": 1,
        "definition": definition,
        "file": file,
        "signature": signature,
        "profile": profile_of(kind, fitted, rows),
    }


def _plain(kind: Kind, rows: Rows) -> list[ClassifierMixin]:
    if kind.code == "uplift":
        return [_logistic(rows.x[arm], rows.y[arm]) for arm in (rows.treated, ~rows.treated)]
    if kind.code == "index_tree":
        return [DecisionTreeClassifier(max_leaf_nodes=MOST_LEAVES).fit(rows.x, rows.y)]
    return [_logistic(rows.x, rows.y)]


def _logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> ClassifierMixin:
    steps = SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000)
    return make_pipeline(*steps).fit(x, y)


def predict_proba(ones: list[ClassifierMixin], x: NDArray[np.float64]) -> None:
    for one in ones:
        one.predict_proba(x)
