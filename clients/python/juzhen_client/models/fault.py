from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Fault")


@_attrs_define
class Fault:
    """One fault of the input."""

    where: list[int | str]
    """ the path to the field: events, 2, policy """
    code: str
    """ stable, untranslated """
    message: str
    """ for a person, in the language asked for """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        where = []
        for where_item_data in self.where:
            where_item: int | str
            where_item = where_item_data
            where.append(where_item)

        code = self.code

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "where": where,
                "code": code,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        where = []
        _where = d.pop("where")
        for where_item_data in _where:

            def _parse_where_item(data: object) -> int | str:
                return cast(int | str, data)

            where_item = _parse_where_item(where_item_data)

            where.append(where_item)

        code = d.pop("code")

        message = d.pop("message")

        fault = cls(
            where=where,
            code=code,
            message=message,
        )

        fault.additional_properties = d
        return fault

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
