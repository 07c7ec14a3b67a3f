from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Ranking")


@_attrs_define
class Ranking:
    """How the rank came about."""

    tier: int
    """ of the priority rule that named it; 255: none did """
    take_up: float
    margin: float
    """ yuan per taker """
    lever: float
    worth: float
    """ yuan """
    text: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tier = self.tier

        take_up = self.take_up

        margin = self.margin

        lever = self.lever

        worth = self.worth

        text = self.text

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tier": tier,
                "take_up": take_up,
                "margin": margin,
                "lever": lever,
                "worth": worth,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        tier = d.pop("tier")

        take_up = d.pop("take_up")

        margin = d.pop("margin")

        lever = d.pop("lever")

        worth = d.pop("worth")

        text = d.pop("text")

        ranking = cls(
            tier=tier,
            take_up=take_up,
            margin=margin,
            lever=lever,
            worth=worth,
            text=text,
        )

        ranking.additional_properties = d
        return ranking

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
