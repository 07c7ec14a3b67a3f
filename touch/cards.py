"""Offers with what became of them: one card per policy that a decision offered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contacts.models import ContactEvent

from .answers import Item
from .forms import fresh_key


@dataclass(frozen=True)
class Card:
    """What was reported of one offered policy, and the key of the form that reports more.

    item: as the answer put it into words; None where only its feedback is shown.
    """

    policy: str
    channels: list[str]
    reported: list[ContactEvent]
    item: Item | None = None
    key: str = field(default_factory=fresh_key)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(event.kind for event in self.reported)


def cards_of(items: Sequence[Item], reported: Mapping[str, list[ContactEvent]]) -> list[Card]:
    return [Card(i.policy, i.channels, reported.get(i.policy, []), i) for i in items]
