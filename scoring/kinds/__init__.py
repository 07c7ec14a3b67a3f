"""The kinds of models, by code, in the order in which a list shows them."""

from .association import AssociationKind
from .base import Kind
from .cannibalisation import CannibalisationKind
from .channel_profitability import ChannelProfitabilityKind
from .cross_sell import CrossSellKind
from .groups import GroupsKind
from .index_tree import IndexTreeKind
from .life_cycle import LifeCycleKind
from .lifetime_value import LifetimeValueKind
from .propensity import PropensityKind
from .purchase_value import PurchaseValueKind
from .rfm import RfmKind
from .second_sim import SecondSimKind
from .uplift import UpliftKind
from .value_index import ValueIndexKind

KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        ValueIndexKind(),
        IndexTreeKind(),
        PropensityKind(),
        UpliftKind(),
        GroupsKind(),
        AssociationKind(),
        RfmKind(),
        LifeCycleKind(),
        LifetimeValueKind(),
        PurchaseValueKind(),
        CrossSellKind(),
        SecondSimKind(),
        CannibalisationKind(),
        ChannelProfitabilityKind(),
    )
}
