from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.opt_out_enum import OptOutEnum

T = TypeVar("T", bound="OptOutsReply")


@_attrs_define
class OptOutsReply:
    """All that the customer does not want to hear from, as it is now."""

    opted_out: list[OptOutEnum]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        opted_out = []
        for opted_out_item_data in self.opted_out:
            opted_out_item = opted_out_item_data.value
            opted_out.append(opted_out_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "opted_out": opted_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        opted_out = []
        _opted_out = d.pop("opted_out")
        for opted_out_item_data in _opted_out:
            opted_out_item = OptOutEnum(opted_out_item_data)

            opted_out.append(opted_out_item)

        opt_outs_reply = cls(
            opted_out=opted_out,
        )

        opt_outs_reply.additional_properties = d
        return opt_outs_reply

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
