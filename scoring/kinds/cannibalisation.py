"""Cannibalisation 新低价卡冲击 (S3): who must not be told of a cheaper plan, for how much."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Attribute, Type

from ..learning.cannibalisation import Assumptions, Cannibalisation, Effect, Plan
from ..learning.estimates import share
from ..learning.features import Feature, to_float
from ..models import Model, ModelVersion
from ..reporting import plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress, number
from .earlier import Earlier, read_by
from .index_tree import IndexTreeKind
from .propensity import PropensityKind

YUAN = {"type": "number", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
PLAN = {
    "type": "object",
    "properties": {
        "fee": YUAN,
        "minutes": YUAN,
        "megabytes": YUAN,
        "per_minute": YUAN,
        "per_megabyte": YUAN,
    },
    "required": ["fee"],
    "additionalProperties": False,
}
ASSUMPTIONS = {
    "type": "object",
    "properties": {
        "horizon_months": {"type": "integer", "minimum": 1, "maximum": 120},
        "take_up": SHARE,
        "less_leaving": SHARE,
        "tolerance": YUAN,
    },
    "additionalProperties": False,
}
USE = ("bill", "minutes", "megabytes")
SCORES = ("leaving", "switching")
# What a score is as a probability, by the kind of the model that writes it.
PER_UNIT = {kind.code: kind.per_unit for kind in (IndexTreeKind, PropensityKind)}
# The report tells what would be if leaving fell by so much.
LESS_LEAVING = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)


class CannibalisationKind(Kind):
    """Publishes the yuan that telling a customer is expected to bring, and who must not be told.

    plan               the cheaper plan
    bill, margin_share yuan a month now, of which so much is margin
    minutes, megabytes of use in a month
    leaving            probability of leaving within a month: a rate for everybody, or the score of
                       a model that stands before; switching: such a score, once told
    assumptions        see learning.cannibalisation.Assumptions
    """

    code: ClassVar[str] = "cannibalisation"
    name: ClassVar[str | Promise] = gettext_lazy("who must not be told of a cheaper plan")
    reads_scores: ClassVar[bool] = True
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "mark": ATTRIBUTE,
        "plan": PLAN,
        **dict.fromkeys(USE, ATTRIBUTE),
        "margin_share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "leaving": {"anyOf": [SHARE, ATTRIBUTE]},
        "switching": ATTRIBUTE,
        "assumptions": ASSUMPTIONS,
    }
    required: ClassVar[tuple[str, ...]] = (
        *("output", "mark", "plan", "margin_share", "leaving"),
        *USE,
    )

    def check(self, item: Definition, where: list[Any]) -> None:
        if "reasons" in item:
            raise DomainError(
                "no_reasons",
                _("Why somebody must not be told follows from the plan: there are no reasons."),
                where=[*where, "reasons"],
            )
        types = dict(Attribute.objects.values_list("code", "type"))
        for code, place in self.named(item):
            if code in types and types[code] not in (Type.NUMBER, Type.INTEGER):
                raise DomainError(
                    "wrong_type",
                    _("'%(code)s' must be a number here, it is of type '%(type)s'.")
                    % {"code": code, "type": types[code]},
                    where=[*where, *place],
                )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        mark = Output(definition["mark"], Type.BOOLEAN)
        return [*super().writes(definition), (mark, ["mark"])]

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        return [(definition[n], [n]) for n in USE] + [(s, [n]) for n, s in _scores(definition)]

    def asked(self, model: Model) -> Definition:
        """With the versions in use whose scores it reads, and what their unit is."""
        scored_by = {name: _writer(model, name, s) for name, s in _scores(model.definition)}
        return model.definition | {"scored_by": scored_by}

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return [definition[name] for name in USE]

    def needs(self, definition: Definition) -> list[str]:
        return [score for _name, score in _scores(definition)]

    def beside(self, definition: Definition) -> list[str]:
        """What the models before it and their populations read, for the report."""
        used = [one["version"] for one in definition["scored_by"].values()]
        return read_by(ModelVersion.objects.filter(pk__in=used))

    def settled(self, definition: Definition, fitted: Cannibalisation) -> Definition:
        return super().settled(definition, fitted) | {"scores": self.needs(definition)}

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> Cannibalisation:
        return Cannibalisation(
            features,
            plan=Plan(**definition["plan"]),
            share=definition["margin_share"],
            assumptions=Assumptions(**definition.get("assumptions", {})),
        ).fit(rows.x)

    def measure(
        self, definition: Definition, fitted: Cannibalisation, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """Whom it marks and what they are worth; arithmetic on what the definition assumes."""
        earlier = Earlier(rows)
        chances = {name: _foretold(definition, name, earlier) for name in SCORES}
        found = _effect(fitted, rows.x, chances)
        known = ~np.isnan(found.amount)
        marked = share(int(found.mark.sum()), int(known.sum()))
        return {
            "metrics": {
                "rows": len(rows),
                "known": int(known.sum()),
                "marked": marked.value,
                "marked_low": marked.low,
                "marked_high": marked.high,
                "at_stake": float(-found.amount[found.mark].sum()),
            },
            "plan": plain(fitted.plan),
            "margin_share": fitted.share,
            "assumptions": plain(fitted.assumptions),
            "leaving": plain(np.nanmean(chances["leaving"][known])) if known.any() else None,
            "sides": _sides(found),
            "sensitivity": [_if(fitted, rows.x, chances, less) for less in LESS_LEAVING],
        }

    def columns(
        self, definition: Definition, fitted: Cannibalisation, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        chances = {name: _given(definition, name, batch) for name in SCORES}
        found = _effect(fitted, x, chances)
        unknown = np.isnan(found.amount)
        return {
            definition["output"]: number(found.amount),
            definition["mark"]: pa.array(found.mark, pa.bool_(), mask=unknown),
        }

    def watched(self, fitted: Cannibalisation, x: Matrix) -> NDArray[np.float64]:
        """Nothing: bill and use are watched as features, a probability by its own model."""
        return np.full(len(x), np.nan)

    def score_of(
        self, definition: Definition, fitted: Cannibalisation, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        return np.full(len(made[definition["output"]]), np.nan)


Chances = dict[str, NDArray[np.float64]]


def _scores(definition: Definition) -> list[tuple[str, str]]:
    """The scores it reads: what for, and which attribute."""
    return [(n, definition[n]) for n in SCORES if isinstance(definition.get(n), str)]


def _effect(
    fitted: Cannibalisation, x: Matrix, chances: Chances, less_leaving: float | None = None
) -> Effect:
    return fitted.effect(x, chances["leaving"], chances["switching"], less_leaving=less_leaving)


def _writer(model: Model, name: str, score: str) -> dict[str, Any]:
    """The version in use that writes a score, and what one unit of it is as a probability."""
    writers = Model.objects.filter(kind__in=PER_UNIT, definition__output=score)
    for writer in writers.exclude(definition__has_key="opposite"):
        version = writer.versions.published().first()
        before = (writer.position, writer.code) < (model.position, model.code)
        if before and version is not None:
            return {"version": version.pk, "per_unit": PER_UNIT[writer.kind]}
    raise DomainError(
        "no_probability_before",
        _(
            "%(score)s must be the score of a model in use that stands before %(model)s and "
            "foretells a probability: publish that model first, or give a rate."
        )
        % {"score": score, "model": model.code},
        where=[name],
    )


def _foretold(definition: Definition, name: str, earlier: Earlier) -> NDArray[np.float64]:
    """A probability of the training's rows: by the version in use, computed anew, or the rate."""
    if name not in definition["scored_by"]:
        return _rate(definition, name, len(earlier.rows))
    used = definition["scored_by"][name]
    scores = earlier.scores(ModelVersion.objects.get(pk=used["version"]))
    return np.asarray(scores * used["per_unit"])


def _given(definition: Definition, name: str, batch: pa.RecordBatch) -> NDArray[np.float64]:
    """The same of a day's batch, to which the models before have added their scores."""
    if name not in definition["scored_by"]:
        return _rate(definition, name, batch.num_rows)
    if definition[name] not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    per_unit = definition["scored_by"][name]["per_unit"]
    return np.asarray(to_float(batch.column(definition[name])) * per_unit)


def _rate(definition: Definition, name: str, rows: int) -> NDArray[np.float64]:
    """One rate for everybody; unknown where there is none."""
    return np.full(rows, definition.get(name, np.nan), dtype=np.float64)


def _sides(found: Effect) -> list[dict[str, Any]]:
    """Who must not be told, who may be, and who would not pay less; of those who are known."""
    known = ~np.isnan(found.amount)
    less = found.saves > 0
    sides = {
        "untold": known & found.mark,
        "told": known & ~found.mark & less,
        "no_gain": known & ~found.mark & ~less,
    }
    return [
        {
            "side": side,
            "customers": int(mine.sum()),
            "share": plain(share(int(mine.sum()), int(known.sum()))),
            **{
                name: float(getattr(found, name)[mine].mean()) if mine.any() else None
                for name in ("saves", "switches", "given_up", "retained", "amount")
            },
            "total": float(found.amount[mine].sum()),
        }
        for side, mine in sides.items()
    ]


def _if(
    fitted: Cannibalisation, x: Matrix, chances: Chances, less_leaving: float
) -> dict[str, Any]:
    """What would be marked if leaving fell by so much of itself."""
    found = _effect(fitted, x, chances, less_leaving)
    known = int((~np.isnan(found.amount)).sum())
    return {
        "less_leaving": less_leaving,
        "marked": plain(share(int(found.mark.sum()), known)),
        "at_stake": float(-found.amount[found.mark].sum()),
        "total": float(np.nansum(found.amount)),
        "each": float(np.nansum(found.amount)) / known if known else None,
    }
