from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.channel_enum import ChannelEnum
from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchQuestion")


@_attrs_define
class BatchQuestion:
    """What is asked about many customers."""

    customers: list[str]
    """ customer numbers """
    channel: ChannelEnum | Unset = UNSET
    limit: int | Unset = 10
    """ items at most """
    explain: bool | Unset = False
    """ also everything considered, and how each rank came about """
    at: datetime.datetime | Unset = UNSET
    """ when the customer is met, with its offset; now if it is left out """

    def to_dict(self) -> dict[str, Any]:
        customers = self.customers

        channel: str | Unset = UNSET
        if not isinstance(self.channel, Unset):
            channel = self.channel.value

        limit = self.limit

        explain = self.explain

        at: str | Unset = UNSET
        if not isinstance(self.at, Unset):
            at = self.at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "customers": customers,
            }
        )
        if channel is not UNSET:
            field_dict["channel"] = channel
        if limit is not UNSET:
            field_dict["limit"] = limit
        if explain is not UNSET:
            field_dict["explain"] = explain
        if at is not UNSET:
            field_dict["at"] = at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        customers = cast(list[str], d.pop("customers"))

        _channel = d.pop("channel", UNSET)
        channel: ChannelEnum | Unset
        if isinstance(_channel, Unset):
            channel = UNSET
        else:
            channel = ChannelEnum(_channel)

        limit = d.pop("limit", UNSET)

        explain = d.pop("explain", UNSET)

        _at = d.pop("at", UNSET)
        at: datetime.datetime | Unset
        if isinstance(_at, Unset):
            at = UNSET
        else:
            at = datetime.datetime.fromisoformat(_at)

        batch_question = cls(
            customers=customers,
            channel=channel,
            limit=limit,
            explain=explain,
            at=at,
        )

        return batch_question
