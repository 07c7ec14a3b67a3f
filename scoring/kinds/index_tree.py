"""The movement index and the stickiness index (S1): one readable tree, 0 to 100, in grades."""

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import Attribute, Type

from ..learning import tree_rules
from ..learning.features import Feature
from ..learning.index_tree import IndexTree
from ..reporting import plain
from ..rows import Rows
from .base import Definition, Progress
from .outcome import OutcomeKind


class IndexTreeKind(OutcomeKind):
    """Publishes 100 × the probability of the outcome, and its grade."""

    code: ClassVar[str] = "index_tree"
    name: ClassVar[str | Promise] = _("index by a decision tree")
    per_unit: ClassVar[float] = 0.01

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> IndexTree:
        return IndexTree(features).fit(rows.x, rows.y, progress=progress)

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        report = super().measure(definition, fitted, rows, progress)
        report["tree"] = plain(tree_rules.nodes(fitted))
        report["leaves"] = plain(tree_rules.rules(fitted, _kinds(definition["reads"])))
        return report


def _kinds(attributes: list[str]) -> dict[str, tree_rules.Kind]:
    """Which of the attributes a rule compares otherwise than as numbers."""
    found = Attribute.objects.filter(code__in=attributes, type__in=[Type.BOOLEAN, Type.DATE])
    return dict(found.values_list("code", "type"))
