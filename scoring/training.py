"""Training: from a labelled snapshot to a published version with measured quality."""

import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import sqlglot
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from numpy.typing import NDArray
from sqlglot import exp

from accounts.services import log
from common.errors import DomainError
from customers.models import Attribute, Type
from lake.engine import DuckDB
from lake.models import Partition

from .fitted import encoder_of
from .learning.encoding import to_float
from .learning.movement import MovementTree, NotEstimable, Reason, quality
from .models import Model, ModelVersion
from .registry import save

MOST_TRAINING_ROWS = 1_000_000
HELD_OUT_QUARTERS = 4
# Why a model can't be estimated, in words: the learning methods give the code and the figures.
REASONS: dict[Reason, str] = {
    "too_few_outcomes": gettext_noop(
        "at least %(least)d leavers and as many stayers are needed; of %(rows)d customers "
        "%(leavers)d left"
    ),
    "one_class": gettext_noop("the %(rows)d held-out customers have one outcome only"),
}


def train_model(model: Model, *, by: str, snapshot: Partition | None = None) -> ModelVersion:
    """Return the version fitted to the model's definition and this snapshot, new only if needed.

    A value index needs no snapshot. A tree is fitted on three quarters of the labelled customers,
    measured on the fourth (by a hash of the number, so that the split never moves), and kept as
    measured.
    """
    trained_on = str(snapshot) if model.kind == "movement_tree" else ""
    definition = _frozen(model.definition)
    known = model.versions.filter(definition=definition, trained_on=trained_on).first()
    if known is not None:
        return known
    if model.kind == "value_index":
        return _record(model, definition, by=by)
    if snapshot is None:
        raise DomainError(
            "training_snapshot_missing",
            _(
                "Model %(model)s learns from outcomes: "
                "name the business date of a labelled snapshot."
            )
            % {"model": model.code},
        )
    return _train_tree(model, definition, snapshot, by=by)


def _train_tree(
    model: Model, definition: dict[str, Any], snapshot: Partition, *, by: str
) -> ModelVersion:
    rows = _labelled_rows(snapshot, [*definition["features"], definition["label"]])
    x = encoder_of(definition).transform(rows)
    y = to_float(rows.column(definition["label"])) > 0
    held_out = _held_out(rows)
    tree = MovementTree(definition["max_depth"], definition["min_leaf"])
    try:
        tree.fit(x[~held_out], y[~held_out])
        measured = quality(y[held_out], tree.predict(x[held_out]))
    except NotEstimable as error:
        why = _(REASONS[error.code]) % error.figures
        raise DomainError(
            error.code,
            _("Model %(model)s can't be estimated on %(snapshot)s: %(why)s.")
            % {"model": model.code, "snapshot": snapshot, "why": why},
        ) from error
    return _record(
        model,
        definition,
        by=by,
        trained_on=str(snapshot),
        estimator=tree.tree_,
        metrics=measured.as_dict() | {"trained_rows": int((~held_out).sum())},
    )


def _labelled_rows(snapshot: Partition, columns: list[str]) -> pa.Table:
    """Return the labelled customers of as many whole parts as the row limit allows."""
    parts = max(
        1,
        min(snapshot.parts, snapshot.parts * MOST_TRAINING_ROWS // max(1, snapshot.rows)),
    )
    with DuckDB() as engine:
        engine.register("snapshot", [snapshot.file(part) for part in range(parts)])
        query = sqlglot.select(*[exp.column(c, quoted=True) for c in ["customer_no", *columns]])
        labelled = exp.column(columns[-1], quoted=True).is_(exp.null()).not_()
        return engine.arrow(query.from_("snapshot").where(labelled))


def _held_out(rows: pa.Table) -> NDArray[np.bool_]:
    numbers = rows.column("customer_no").to_pylist()
    return np.array([zlib.crc32(n.encode()) % HELD_OUT_QUARTERS == 0 for n in numbers], dtype=bool)


def _frozen(definition: dict[str, Any]) -> dict[str, Any]:
    """Add the category codes as the catalogue has them now: scoring never shifts columns."""
    codes = {
        a.code: [v["code"] for v in a.values]
        for a in Attribute.objects.filter(
            code__in=definition.get("features", []), type=Type.CATEGORY
        )
    }
    return definition | {"categories": codes} if codes else definition


@transaction.atomic
def _record(
    model: Model,
    definition: dict[str, Any],
    *,
    by: str,
    trained_on: str = "",
    estimator: Any = None,
    metrics: dict[str, Any] | None = None,
) -> ModelVersion:
    Model.objects.select_for_update().get(pk=model.pk)
    number = (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    file, signature = (
        save(estimator, f"{model.code}-{number}") if estimator is not None else ("", "")
    )
    version = ModelVersion.objects.create(
        model=model,
        number=number,
        definition=definition,
        trained_on=trained_on,
        file=file,
        signature=signature,
        metrics=metrics or {},
        published_at=timezone.now(),
    )
    log(
        by=by,
        action="train_model",
        target=("model", model.code, model.name_en),
        after={"version": number, "trained_on": trained_on, "metrics": version.metrics},
    )
    return version
