from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fault import Fault
    from ..models.problem_extra import ProblemExtra


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """Every refusal has this form (RFC 9457)."""

    type_: str
    """ urn:juzhen:problem: and the code """
    title: str
    """ of the status """
    status: int
    code: str
    """ stable, untranslated: what a program goes by """
    detail: str
    """ for a person, in the language asked for: what must hold, what came, what to do """
    where: list[int | str] | Unset = UNSET
    """ the path to what is wrong: customer_no """
    errors: list[Fault] | Unset = UNSET
    """ where there are several faults """
    extra: ProblemExtra | Unset = UNSET
    """ what else a program can use """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        code = self.code

        detail = self.detail

        where: list[int | str] | Unset = UNSET
        if not isinstance(self.where, Unset):
            where = []
            for where_item_data in self.where:
                where_item: int | str
                where_item = where_item_data
                where.append(where_item)

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = errors_item_data.to_dict()
                errors.append(errors_item)

        extra: dict[str, Any] | Unset = UNSET
        if not isinstance(self.extra, Unset):
            extra = self.extra.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "code": code,
                "detail": detail,
            }
        )
        if where is not UNSET:
            field_dict["where"] = where
        if errors is not UNSET:
            field_dict["errors"] = errors
        if extra is not UNSET:
            field_dict["extra"] = extra

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fault import Fault  # noqa: PLC0415
        from ..models.problem_extra import ProblemExtra  # noqa: PLC0415

        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        code = d.pop("code")

        detail = d.pop("detail")

        _where = d.pop("where", UNSET)
        where: list[int | str] | Unset = UNSET
        if _where is not UNSET:
            where = []
            for where_item_data in _where:

                def _parse_where_item(data: object) -> int | str:
                    return cast(int | str, data)

                where_item = _parse_where_item(where_item_data)

                where.append(where_item)

        _errors = d.pop("errors", UNSET)
        errors: list[Fault] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = Fault.from_dict(errors_item_data)

                errors.append(errors_item)

        _extra = d.pop("extra", UNSET)
        extra: ProblemExtra | Unset
        if isinstance(_extra, Unset):
            extra = UNSET
        else:
            extra = ProblemExtra.from_dict(_extra)

        problem = cls(
            type_=type_,
            title=title,
            status=status,
            code=code,
            detail=detail,
            where=where,
            errors=errors,
            extra=extra,
        )

        problem.additional_properties = d
        return problem

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
