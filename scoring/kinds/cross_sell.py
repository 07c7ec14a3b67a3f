"""Cross- and up-sell 交叉销售、升级销售 (S3): the next best product from earlier models."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from common.rates import Z
from customers.models import Attribute, Type

from ..learning.cross_sell import ASSOCIATION, NONE, NextProducts, Product
from ..learning.estimates import Estimate, share, unknown
from ..learning.features import Feature, to_float
from ..learning.next_product import NextProduct
from ..models import Model, ModelVersion
from ..reporting import plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress, number
from .cold_start import associated, association_of, lifts_of, told_cold_start
from .earlier import Earlier, read_by

MOST_TOLD = 3
CODE = {"type": "string", "minLength": 1, "maxLength": 40}
PRODUCT = {
    "type": "object",
    "properties": {
        "code": CODE,
        "holds": ATTRIBUTE,
        "propensity": {"anyOf": [ATTRIBUTE, {"type": "null"}]},
        "margin": {"type": "number", "exclusiveMinimum": 0},
        "base_rate": {"type": "number", "minimum": 0, "maximum": 1},
        "ladder": CODE,
        "tier": {"type": "integer", "minimum": 0},
    },
    "required": ["code", "holds", "margin"],
    "additionalProperties": False,
}


class CrossSellKind(Kind):
    """Publishes the product to offer next and the yuan that offering it is expected to bring.

    products  what can be sold: who ``holds`` it, whose ``propensity`` (a score of a model that
              stands before) is multiplied by which ``margin`` in yuan. Without a propensity a
              product starts from its ``base_rate`` times the lift of what the customer holds.
    association  the association model whose version in use says these lifts: of the pairs that it
              found to go together or apart; without one they are counted of the training's rows
    """

    code: ClassVar[str] = "cross_sell"
    name: ClassVar[str | Promise] = gettext_lazy("next best product")
    reads_scores: ClassVar[bool] = True
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "value": ATTRIBUTE,
        "products": {"type": "array", "minItems": 1, "items": PRODUCT},
        "association": ATTRIBUTE,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "value", "products")

    def check(self, item: Definition, where: list[Any]) -> None:
        if "reasons" in item:
            raise DomainError(
                "no_reasons",
                _("Why a product is next is said by its propensity: it has no reasons to write."),
                where=[*where, "reasons"],
            )
        types = dict(Attribute.objects.values_list("code", "type"))
        codes: list[str] = []
        rungs: list[tuple[str, int]] = []
        for place, product in enumerate(item["products"]):
            at = [*where, "products", place]
            _check_once(product, codes, rungs, at)
            _check_type(product["holds"], Type.BOOLEAN, types, [*at, "holds"])
            if product.get("propensity"):
                _check_type(product["propensity"], Type.NUMBER, types, [*at, "propensity"])
            elif "base_rate" not in product:
                raise DomainError(
                    "chance_missing",
                    _("Give %s a propensity, or a base rate to start from.") % product["code"],
                    where=at,
                )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        codes = tuple(product["code"] for product in definition["products"])
        return [
            (Output(definition["output"], Type.CATEGORY, codes), ["output"]),
            (Output(definition["value"], Type.NUMBER), ["value"]),
        ]

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        return [
            (product[name], ["products", place, name])
            for place, product in enumerate(definition["products"])
            for name in ("holds", "propensity")
            if product.get(name)
        ]

    def asked(self, model: Model) -> Definition:
        """With the versions in use whose scores it reads, so that the report can tell of them."""
        writers = _writers()
        used: dict[str, int] = {}
        for place, product in enumerate(model.definition["products"]):
            score = product.get("propensity")
            if not score:
                continue
            writer = writers.get(score)
            if writer is None or (writer.position, writer.code) >= (model.position, model.code):
                raise DomainError(
                    "no_propensity_before",
                    _(
                        "%(score)s must be the score of a propensity model that stands before "
                        "%(model)s."
                    )
                    % {"score": score, "model": model.code},
                    where=["products", place, "propensity"],
                )
            version = writer.versions.published().first()
            if version is not None:
                used[score] = version.pk
        return model.definition | {"scored_by": used} | associated(model)

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return list(dict.fromkeys(product["holds"] for product in definition["products"]))

    def beside(self, definition: Definition) -> list[str]:
        """What the propensities and their populations read, for the report."""
        return read_by(ModelVersion.objects.filter(pk__in=definition["scored_by"].values()))

    def settled(self, definition: Definition, fitted: NextProduct) -> Definition:
        scores = [p["propensity"] for p in definition["products"] if p.get("propensity")]
        return super().settled(definition, fitted) | {"scores": scores}

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> NextProduct:
        products = [
            Product(
                one["code"],
                float(one["margin"]),
                one.get("base_rate"),
                one.get("ladder"),
                one.get("tier", 0),
            )
            for one in definition["products"]
        ]
        holds = [one["holds"] for one in definition["products"]]
        fitted = NextProduct(features, products=products, holds=holds)
        if "associated_by" in definition:
            return fitted.fit_to(lifts_of(association_of(definition)))
        return fitted.fit(rows.table, progress)

    def measure(
        self, definition: Definition, fitted: NextProduct, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """Who would be offered what, by the propensities in use, each to its population."""
        scores = _scores_of(definition["scored_by"], rows)
        found = fitted.predict(rows.x, _propensities(definition, scores, len(rows)))
        offered = found.product != NONE
        known = found.value[offered]
        return {
            "metrics": {
                "rows": len(rows),
                "offered": int(offered.sum()),
                "mean_yuan": float(known.mean()) if len(known) else None,
                "upsell": int(found.upsell.sum()),
            },
            "value": plain(_mean(known)),
            "products": [
                _told(one, place, found, definition["products"])
                for place, one in enumerate(definition["products"])
            ],
            "association": told_cold_start(definition, fitted),
        }

    def columns(
        self, definition: Definition, fitted: NextProduct, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        names = {p["propensity"] for p in definition["products"] if p.get("propensity")}
        scores = {name: to_float(batch.column(name)) for name in names & {*batch.schema.names}}
        found = fitted.predict(x, _propensities(definition, scores, len(x)))
        codes = pa.array([product.code for product in fitted.products], pa.string())
        place = pa.array(found.product, mask=found.product == NONE)
        return {definition["output"]: codes.take(place), definition["value"]: number(found.value)}

    def watched(self, fitted: NextProduct, x: Matrix) -> NDArray[np.float64]:
        """Nothing: who holds what is watched by its features, a propensity by its own model."""
        return np.full(len(x), np.nan)

    def score_of(
        self, definition: Definition, fitted: NextProduct, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        return np.full(len(made[definition["output"]]), np.nan)


def _writers() -> dict[str, Model]:
    """Score → the propensity model that writes it."""
    models = Model.objects.filter(kind="propensity")
    return {model.definition["output"]: model for model in models}


def _scores_of(used: dict[str, int], rows: Rows) -> dict[str, NDArray[np.float64]]:
    """Each score by the version in use, computed anew of the training's rows."""
    versions, earlier = ModelVersion.objects.in_bulk(used.values()), Earlier(rows)
    return {score: earlier.scores(versions[pk]) for score, pk in used.items()}


def _propensities(
    definition: Definition, scores: dict[str, NDArray[np.float64]], rows: int
) -> NDArray[np.float64]:
    """Rows × products; NaN where there is no score."""
    out = np.full((rows, len(definition["products"])), np.nan, order="F")
    for place, product in enumerate(definition["products"]):
        score = scores.get(product.get("propensity") or "")
        if score is not None:
            out[:, place] = score
    return out


def _told(
    product: dict[str, Any], place: int, found: NextProducts, products: list[dict[str, Any]]
) -> dict[str, Any]:
    chosen = found.product == place
    value = found.value[chosen]
    cold = int((found.source[chosen] == ASSOCIATION).sum())
    because = np.bincount(found.because[chosen] + 1, minlength=len(products) + 1)[1:]
    strongest = sorted(zip(because.tolist(), products, strict=True), key=lambda one: -one[0])
    return {
        "code": product["code"],
        "customers": int(chosen.sum()),
        "share": plain(share(int(chosen.sum()), len(chosen))),
        "cold": cold,
        "cold_share": plain(share(cold, int(chosen.sum()))),
        "upsell": int(found.upsell[chosen].sum()),
        "mean": float(value.mean()) if len(value) else None,
        "value": plain(_mean(value)),
        "total": plain(value.sum()),
        "because": [[one["code"], n] for n, one in strongest[:MOST_TOLD] if n],
    }


def _mean(value: NDArray[np.float64]) -> Estimate:
    """The mean with its interval; of fewer than two there is none."""
    if len(value) < 2:
        return unknown("too_few_rows", len(value))
    mean, half = float(value.mean()), Z * float(value.std(ddof=1)) / len(value) ** 0.5
    return Estimate(mean, mean - half, mean + half, len(value))


def _check_once(
    product: dict[str, Any], codes: list[str], rungs: list[tuple[str, int]], where: list[Any]
) -> None:
    """A product's code, and its tier on a ladder, are its own."""
    if product["code"] in codes:
        raise DomainError(
            "repeated_code",
            _("%s is listed twice; each is listed once.") % product["code"],
            where=[*where, "code"],
        )
    codes.append(product["code"])
    if "ladder" not in product:
        return
    rung = (product["ladder"], product.get("tier", 0))
    if rung in rungs:
        raise DomainError(
            "repeated_tier",
            _("Two products stand on tier %(tier)s of %(ladder)s; give each its own.")
            % {"tier": rung[1], "ladder": rung[0]},
            where=[*where, "tier"] if "tier" in product else where,
        )
    rungs.append(rung)


def _check_type(code: str, wanted: Type, types: dict[str, str], where: list[Any]) -> None:
    if code in types and types[code] != wanted:
        raise DomainError(
            "wrong_type",
            _("'%(code)s' must be of type '%(wanted)s' here, it is of type '%(type)s'.")
            % {"code": code, "wanted": wanted.value, "type": types[code]},
            where=where,
        )
