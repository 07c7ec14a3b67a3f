"""The movement index and the stickiness index (S1): one readable tree, 0 to 100, in grades."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import Attribute, Type

from ..learning import tree_rules
from ..learning.features import Feature
from ..learning.index_tree import IndexTree
from ..learning.tree_growth import counts
from ..reporting import plain
from ..rows import Rows
from .base import Definition, Progress
from .outcome import OutcomeKind


class IndexTreeKind(OutcomeKind):
    """Publishes 100 × the probability of the outcome, and its grade.

    A version reads the attributes that its tree splits by, and is watched by them; the report names
    the others that were looked at. It tells each node's rate among the rows that it was learnt from
    and, beside it, among those held out.
    """

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
        return IndexTree(features).fit(rows.x, rows.y, progress=progress).narrowed()

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        report = super().measure(definition, fitted, rows, progress)
        reads = definition["reads"]
        report["unused"] = [name for name in fitted.candidates_ if name not in reads]
        kinds = _kinds(reads)
        found = counts(fitted.tree_, fitted.apply(rows.x), rows.y)
        held_out = {node.id: _rate(node) for node in tree_rules.nodes(fitted, found)}
        report["tree"] = plain(
            [asdict(node) | {"held_out": held_out[node.id]} for node in tree_rules.nodes(fitted)]
        )
        report["leaves"] = plain(
            [
                asdict(rule) | {"held_out": held_out[rule.leaf]}
                for rule in tree_rules.rules(fitted, kinds)
            ]
        )
        return report


def _rate(node: tree_rules.TreeNode) -> dict[str, Any]:
    """How many of some rows came to a node, and which share of them had the outcome."""
    told = asdict(node)
    return {name: told[name] for name in ("n", "positives", "rate", "rate_low", "rate_high")}


def _kinds(attributes: list[str]) -> dict[str, tree_rules.Kind]:
    """Which of the attributes a rule compares otherwise than as numbers."""
    found = Attribute.objects.filter(code__in=attributes, type__in=[Type.BOOLEAN, Type.DATE])
    return dict(found.values_list("code", "type"))
