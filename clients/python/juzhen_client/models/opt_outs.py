from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.opt_out_enum import OptOutEnum

T = TypeVar("T", bound="OptOuts")


@_attrs_define
class OptOuts:
    """All that the customer does not want to hear from."""

    opted_out: list[OptOutEnum]
    """ channels, and “personalised” for personalised marketing as a whole; all of them """

    def to_dict(self) -> dict[str, Any]:
        opted_out = []
        for opted_out_item_data in self.opted_out:
            opted_out_item = opted_out_item_data.value
            opted_out.append(opted_out_item)

        field_dict: dict[str, Any] = {}

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

        opt_outs = cls(
            opted_out=opted_out,
        )

        return opt_outs
