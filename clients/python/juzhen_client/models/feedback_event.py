from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define

from ..models.channel_enum import ChannelEnum
from ..models.outcome_enum import OutcomeEnum
from ..types import UNSET, Unset

T = TypeVar("T", bound="FeedbackEvent")


@_attrs_define
class FeedbackEvent:
    """What a customer did about one policy of an answer."""

    decision: UUID
    """ of the answer """
    policy: str
    """ one that the answer offered """
    outcome: OutcomeEnum
    reason: str | Unset = UNSET
    """ why the customer declined: needed with declined """
    channel: ChannelEnum | Unset = UNSET
    at: datetime.datetime | Unset = UNSET
    """ when it was; now if left out """

    def to_dict(self) -> dict[str, Any]:
        decision = str(self.decision)

        policy = self.policy

        outcome = self.outcome.value

        reason = self.reason

        channel: str | Unset = UNSET
        if not isinstance(self.channel, Unset):
            channel = self.channel.value

        at: str | Unset = UNSET
        if not isinstance(self.at, Unset):
            at = self.at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "decision": decision,
                "policy": policy,
                "outcome": outcome,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason
        if channel is not UNSET:
            field_dict["channel"] = channel
        if at is not UNSET:
            field_dict["at"] = at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        decision = UUID(d.pop("decision"))

        policy = d.pop("policy")

        outcome = OutcomeEnum(d.pop("outcome"))

        reason = d.pop("reason", UNSET)

        _channel = d.pop("channel", UNSET)
        channel: ChannelEnum | Unset
        if isinstance(_channel, Unset):
            channel = UNSET
        else:
            channel = ChannelEnum(_channel)

        _at = d.pop("at", UNSET)
        at: datetime.datetime | Unset
        if isinstance(_at, Unset):
            at = UNSET
        else:
            at = datetime.datetime.fromisoformat(_at)

        feedback_event = cls(
            decision=decision,
            policy=policy,
            outcome=outcome,
            reason=reason,
            channel=channel,
            at=at,
        )

        return feedback_event
