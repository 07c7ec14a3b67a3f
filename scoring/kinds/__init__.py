"""The kinds of models, by code, in the order in which a list shows them."""

from .base import Kind
from .groups import GroupsKind
from .index_tree import IndexTreeKind
from .propensity import PropensityKind
from .value_index import ValueIndexKind

KINDS: dict[str, Kind] = {
    kind.code: kind for kind in (ValueIndexKind(), IndexTreeKind(), PropensityKind(), GroupsKind())
}
