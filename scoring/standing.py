"""Champion and challenger: the version in use and a new one, on rows that neither has seen."""

from typing import Any

import numpy as np

from .applied import applied
from .kinds.base import Kind
from .learning.comparison import compare
from .learning.qini import compare_rankings
from .learning.refusal import NotEstimable
from .models import ModelVersion
from .reporting import plain
from .rows import Rows


def compared(champion: int, kind: Kind, challenger: Any, testing: Rows) -> dict[str, Any]:
    """Return how the challenger does beside the champion, paired by customer: of an outcome in
    AUC and lift, of a trial in Qini.

    ``not_comparable`` where the champion is of another kind, outcome or population, or reads what
    the rows don't have.
    """
    version = ModelVersion.objects.select_related("model").get(pk=champion)
    told: dict[str, Any] = {"version": version.number}
    try:
        old = applied(version)
        theirs = Rows(testing.table, old.features)
        if not {f.attribute for f in old.features} <= set(testing.table.column_names):
            return told | {"not_comparable": "other_features"}
        scores = np.asarray(old.kind.watched(old.fitted, theirs.x), dtype=np.float64)
        ours = kind.watched(challenger, testing.x)
        if kind.outcome == "trial":
            return told | plain(compare_rankings(testing.y, testing.treated, scores, ours))
        found = compare(testing.y, scores, ours)
    except NotEstimable as error:
        return told | {"not_comparable": error.code}
    return told | plain(found)
