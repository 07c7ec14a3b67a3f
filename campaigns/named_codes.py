"""What names a code of a category, as the room of models asks before a code ends."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from common.errors import DomainError
from customers.catalogue import rule_catalogue
from rules import Catalogue, RuleError, compile_condition, compile_number
from scoring.codes import Less, Place
from segmentation.audiences.models import Audience, Mark
from segmentation.audiences.selectors import url_of
from segmentation.audiences.sets import OfRule, leaves
from segmentation.definition import MatrixDefinition
from segmentation.models import MatrixVersion
from segmentation.proof import prove
from segmentation.services import cities

from .catalogue import campaign_catalogue
from .models import PolicyVersion, PriorityRule

Works = Callable[[Catalogue], Any]


def places(less: Less) -> Iterator[Place]:
    """Matrices, marks, audiences, policies and priorities that no longer work by less."""
    for known, asked in ((rule_catalogue(), _segmentation()), (campaign_catalogue(), _plan())):
        reduced = less(known)
        for place, works in asked:
            if _does(works, known) and not _does(works, reduced):
                yield place


def _segmentation() -> Iterable[tuple[Place, Works]]:
    known = cities()
    for version in MatrixVersion.objects.published().select_related("matrix"):
        definition = MatrixDefinition.from_json(version.body)
        place = Place(_("matrix %s") % version.matrix.name)
        yield place, lambda by, it=definition: prove(it, by, known)
    sets = [*Mark.objects.active().select_related("matrix"), *Audience.objects.active()]
    for row in sets:
        rules = [leaf.rule for leaf, _where in leaves(row.node) if isinstance(leaf, OfRule)]
        label = _("mark %s") if isinstance(row, Mark) else _("audience %s")
        place = Place(label % row.name, url_of(row.ref))
        yield place, lambda by, it=rules: [compile_condition(text, by) for text in it]


def _plan() -> Iterable[tuple[Place, Works]]:
    for version in PolicyVersion.objects.newest():
        place = Place(_("policy %(number)s %(name)s") % _told(version))
        yield place, lambda by, it=version: compile_number(it.take_up, by)
        if version.eligibility:
            yield place, lambda by, it=version: compile_condition(it.eligibility, by)
    for rule in PriorityRule.objects.all():
        place = Place(_("priority %s") % rule.name)
        yield place, lambda by, it=rule: compile_condition(it.condition, by)


def _told(version: PolicyVersion) -> dict[str, str]:
    return {"number": version.policy_id, "name": version.name}


def _does(works: Works, catalogue: Catalogue) -> bool:
    try:
        works(catalogue)
    except (DomainError, RuleError):
        return False
    return True
