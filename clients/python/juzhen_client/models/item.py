from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.channel_enum import ChannelEnum

if TYPE_CHECKING:
    from ..models.ranking import Ranking
    from ..models.reason import Reason


T = TypeVar("T", bound="Item")


@_attrs_define
class Item:
    """One offer."""

    rank: int
    policy: str
    version: int
    name: str
    campaign: str
    campaign_name: str
    clauses: list[str]
    talking_points: list[str]
    channels: list[ChannelEnum]
    take_up: float | None
    """ probability, 0 to 1; null: offered to everybody """
    worth: float | None
    """ expected value: take-up × margin × lever, yuan; null likewise """
    valid_until: datetime.date
    reasons: list[Reason]
    ranking: None | Ranking
    """ null unless explain """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.ranking import Ranking  # noqa: PLC0415

        rank = self.rank

        policy = self.policy

        version = self.version

        name = self.name

        campaign = self.campaign

        campaign_name = self.campaign_name

        clauses = self.clauses

        talking_points = self.talking_points

        channels = []
        for channels_item_data in self.channels:
            channels_item = channels_item_data.value
            channels.append(channels_item)

        take_up: float | None
        take_up = self.take_up

        worth: float | None
        worth = self.worth

        valid_until = self.valid_until.isoformat()

        reasons = []
        for reasons_item_data in self.reasons:
            reasons_item = reasons_item_data.to_dict()
            reasons.append(reasons_item)

        ranking: dict[str, Any] | None
        if isinstance(self.ranking, Ranking):
            ranking = self.ranking.to_dict()
        else:
            ranking = self.ranking

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rank": rank,
                "policy": policy,
                "version": version,
                "name": name,
                "campaign": campaign,
                "campaign_name": campaign_name,
                "clauses": clauses,
                "talking_points": talking_points,
                "channels": channels,
                "take_up": take_up,
                "worth": worth,
                "valid_until": valid_until,
                "reasons": reasons,
                "ranking": ranking,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.ranking import Ranking  # noqa: PLC0415
        from ..models.reason import Reason  # noqa: PLC0415

        d = dict(src_dict)
        rank = d.pop("rank")

        policy = d.pop("policy")

        version = d.pop("version")

        name = d.pop("name")

        campaign = d.pop("campaign")

        campaign_name = d.pop("campaign_name")

        clauses = cast(list[str], d.pop("clauses"))

        talking_points = cast(list[str], d.pop("talking_points"))

        channels = []
        _channels = d.pop("channels")
        for channels_item_data in _channels:
            channels_item = ChannelEnum(channels_item_data)

            channels.append(channels_item)

        def _parse_take_up(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        take_up = _parse_take_up(d.pop("take_up"))

        def _parse_worth(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        worth = _parse_worth(d.pop("worth"))

        valid_until = datetime.date.fromisoformat(d.pop("valid_until"))

        reasons = []
        _reasons = d.pop("reasons")
        for reasons_item_data in _reasons:
            reasons_item = Reason.from_dict(reasons_item_data)

            reasons.append(reasons_item)

        def _parse_ranking(data: object) -> None | Ranking:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                ranking_type_0 = Ranking.from_dict(data)

                return ranking_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Ranking, data)

        ranking = _parse_ranking(d.pop("ranking"))

        item = cls(
            rank=rank,
            policy=policy,
            version=version,
            name=name,
            campaign=campaign,
            campaign_name=campaign_name,
            clauses=clauses,
            talking_points=talking_points,
            channels=channels,
            take_up=take_up,
            worth=worth,
            valid_until=valid_until,
            reasons=reasons,
            ranking=ranking,
        )

        item.additional_properties = d
        return item

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
