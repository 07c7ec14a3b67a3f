"""Behaviour groups (S2, S3): customers who use the network alike, one model per brand."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from customers.models import Type

from ..learning.features import Feature, to_float
from ..learning.group_profiles import profile
from ..learning.groups import BehaviourGroups
from ..reporting import parameters, plain
from ..rows import Rows, features_of
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress, number
from .outcome import ATTRIBUTES


class GroupsKind(Kind):
    """Publishes each customer's group (g1, g2 …) and, if asked for, how clearly he is in it."""

    code: ClassVar[str] = "behaviour_groups"
    name: ClassVar[str | Promise] = _("behaviour groups")
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "certainty": ATTRIBUTE,
        "features": ATTRIBUTES,
        "demographics": ATTRIBUTES,
        "value": ATTRIBUTES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "features")

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        written = [(Output(definition["output"], Type.CATEGORY), ["output"])]
        if "certainty" in definition:
            written.append((Output(definition["certainty"], Type.NUMBER), ["certainty"]))
        if "reasons" in definition:
            written.append((Output(definition["reasons"], Type.TEXT), ["reasons"]))
        return written

    def beside(self, definition: Definition) -> list[str]:
        """What the profile of a group shows beside the behaviour that makes it."""
        return [*definition.get("demographics", []), *definition.get("value", [])]

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> BehaviourGroups:
        return BehaviourGroups(features).fit(rows.x, progress=progress)

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
        [chosen] = [c for c in fitted.curve_ if c.groups == fitted.choice_.groups]
        return {
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
            columns[definition["certainty"]] = number(fitted.certainty(x))
        return columns

    def score_of(
        self, definition: Definition, fitted: Any, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        places = pc.index_in(made[definition["output"]], pa.array(fitted.codes_, pa.string()))
        return to_float(places)
