from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.gate_enum import GateEnum

T = TypeVar("T", bound="Considered")


@_attrs_define
class Considered:
    """One policy that was looked at, and the gate that stopped it."""

    policy: str
    version: int
    name: str
    campaign: str
    """ empty: no campaign offers it """
    rank: int | None
    """ null: not in the answer """
    gate: GateEnum | None
    """ the first that is shut """
    passed: list[GateEnum]
    text: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        policy = self.policy

        version = self.version

        name = self.name

        campaign = self.campaign

        rank: int | None
        rank = self.rank

        gate: None | str
        if isinstance(self.gate, GateEnum):
            gate = self.gate.value
        else:
            gate = self.gate

        passed = []
        for passed_item_data in self.passed:
            passed_item = passed_item_data.value
            passed.append(passed_item)

        text = self.text

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "policy": policy,
                "version": version,
                "name": name,
                "campaign": campaign,
                "rank": rank,
                "gate": gate,
                "passed": passed,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        policy = d.pop("policy")

        version = d.pop("version")

        name = d.pop("name")

        campaign = d.pop("campaign")

        def _parse_rank(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rank = _parse_rank(d.pop("rank"))

        def _parse_gate(data: object) -> GateEnum | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gate_type_0 = GateEnum(data)

                return gate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(GateEnum | None, data)

        gate = _parse_gate(d.pop("gate"))

        passed = []
        _passed = d.pop("passed")
        for passed_item_data in _passed:
            passed_item = GateEnum(passed_item_data)

            passed.append(passed_item)

        text = d.pop("text")

        considered = cls(
            policy=policy,
            version=version,
            name=name,
            campaign=campaign,
            rank=rank,
            gate=gate,
            passed=passed,
            text=text,
        )

        considered.additional_properties = d
        return considered

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
