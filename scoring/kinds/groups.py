"""Behaviour groups (S2, S3): customers who use the network alike, one model per brand.

What is built on a group names its code, so a code never comes to mean somebody else: a training
matches its groups to those of the version in use (``continues``), and gives to a new one a number
that no version in use ever had.
"""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Attribute, Origin, Type

from ..learning.features import Feature, to_float
from ..learning.group_matching import Positions, continuity, match
from ..learning.group_profiles import profile
from ..learning.groups import BehaviourGroups, number
from ..models import Model, ModelVersion
from ..registry import load
from ..reporting import parameters, plain
from ..rows import Rows, features_of
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress
from .base import number as number_column
from .outcome import ATTRIBUTES


class GroupsKind(Kind):
    """Publishes each customer's group (g1, g2 …) and, if asked for, how clearly he is in it."""

    code: ClassVar[str] = "behaviour_groups"
    name: ClassVar[str | Promise] = gettext_lazy("behaviour groups")
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "certainty": ATTRIBUTE,
        "features": ATTRIBUTES,
        "demographics": ATTRIBUTES,
        "value": ATTRIBUTES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "features")

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        codes = tuple(definition.get("codes", ()))
        written = [(Output(definition["output"], Type.CATEGORY, codes), ["output"])]
        if "certainty" in definition:
            written.append((Output(definition["certainty"], Type.NUMBER), ["certainty"]))
        if "reasons" in definition:
            written.append((Output(definition["reasons"], Type.TEXT), ["reasons"]))
        return written

    def asked(self, model: Model) -> Definition:
        """With the version whose groups it continues, and the last number that a group had."""
        used = [v for v in _ever_in_use(model) if codes_of(v)]
        if not used:
            return dict(model.definition)
        last = max(number(code) for version in used for code in codes_of(version))
        return model.definition | {"continues": used[0].pk, "last_number": last}

    def refuse_unfit(self, version: ModelVersion) -> None:
        """Its codes must be those of the version in use: else a group would change its meaning."""
        used = [v for v in _ever_in_use(version.model) if codes_of(v) and v.pk != version.pk]
        if used and version.definition.get("continues") != used[0].pk:
            raise DomainError(
                "groups_not_matched",
                _(
                    "The groups of %(version)s were not matched to those of %(before)s, which was "
                    "put to use since: the same code would name other customers. Train it again."
                )
                % {"version": version, "before": used[0]},
                status=409,
            )

    def beside(self, definition: Definition) -> list[str]:
        """What the profile of a group shows beside the behaviour that makes it.

        And what the version reads that is continued, so far as it is still known.
        """
        beside = [*definition.get("demographics", []), *definition.get("value", [])]
        if "continues" in definition:
            reads = _continued(definition).definition["reads"]
            known = Attribute.objects.filter(code__in=reads, origin=Origin.SOURCE)
            there = {*known.values_list("code", flat=True)}
            beside += [code for code in reads if code in there and code not in beside]
        return beside

    def settled(self, definition: Definition, fitted: BehaviourGroups) -> Definition:
        return super().settled(definition, fitted) | {"codes": fitted.codes_}

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> BehaviourGroups:
        """Fit, and let each group that is still there keep the code that it has in use."""
        fitted = BehaviourGroups(features).fit(rows.x, progress=progress)
        if "continues" not in definition:
            return fitted
        place, codes = _old_places(_continued(definition), rows)
        last = definition["last_number"]
        matched = match(place, fitted.predict(rows.x), codes, len(fitted.codes_), last)
        return fitted.renamed(matched.codes, matched.last_number)

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """The groups in three dimensions: who they are, what they do, what they are worth."""
        views = dict.fromkeys(definition.get("demographics", []), "demographics")
        views |= dict.fromkeys(definition.get("value", []), "value")
        views |= dict.fromkeys((f.attribute for f in fitted.features), "behaviour")
        shown = features_of(list(views), definition["categories"])
        worth = definition.get("value", [None])[0]
        seen = Rows(rows.table, shown)
        place = fitted.predict(rows.x)
        found = profile(place, fitted.codes_, seen.x, shown, views, worth)
        certainty = fitted.certainty(rows.x)
        told = {}
        if "continues" in definition:
            told["continuity"] = _continuity(_continued(definition), rows, place, fitted.codes_)
        [chosen] = [c for c in fitted.curve_ if c.groups == fitted.choice_.groups]
        return told | {
            "metrics": {
                "rows": len(rows),
                "groups": len(fitted.codes_),
                "stability": chosen.stability,
                "certainty": float(certainty.mean()),
            },
            "choice": plain(fitted.choice_),
            "curve": plain(fitted.curve_),
            "profiles": plain(found),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: Any, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        place = fitted.predict(x).astype(np.int32)
        codes = pa.array(fitted.codes_, pa.string())
        columns = {definition["output"]: codes.take(pa.array(place))}
        if "certainty" in definition:
            columns[definition["certainty"]] = number_column(fitted.certainty(x))
        return columns

    def score_of(
        self, definition: Definition, fitted: Any, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        places = pc.index_in(made[definition["output"]], pa.array(fitted.codes_, pa.string()))
        return to_float(places)


def codes_of(version: ModelVersion) -> list[str]:
    """The groups of a version; none where another kind of model made it."""
    profiles = version.report.get("profiles", {})
    return [group["code"] for group in profiles.get("groups", [])]


def _ever_in_use(model: Model) -> list[ModelVersion]:
    """The versions that are or were in use, the latest first."""
    used = model.versions.filter(published_at__isnull=False)
    return list(used.order_by("-published_at", "-number"))


def _continued(definition: Definition) -> ModelVersion:
    return ModelVersion.objects.get(pk=definition["continues"])


def _old_places(version: ModelVersion, rows: Rows) -> tuple[Positions, list[str]]:
    """Where the version puts these customers, and its codes.

    An attribute that is gone since is unknown of everybody, as on a day that lacks it.
    """
    fitted: BehaviourGroups = load(version.file, version.signature)
    table = rows.table
    for feature in fitted.features:
        if feature.attribute not in table.column_names:
            kind = pa.float64() if feature.categories is None else pa.string()
            table = table.append_column(feature.attribute, pa.nulls(len(rows), kind))
    return fitted.predict(Rows(table, fitted.features).x), fitted.codes_


def _continuity(
    version: ModelVersion, rows: Rows, place: Positions, codes: list[str]
) -> dict[str, Any]:
    """What became of the groups of the version that is continued, and what those were called."""
    old, old_codes = _old_places(version, rows)
    return {
        "version": version.number,
        "groups": plain(continuity(old, place, old_codes, codes)),
        "names": {g["code"]: g["name"] for g in version.report["profiles"]["groups"]},
    }
