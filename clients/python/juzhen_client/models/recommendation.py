from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.cell import Cell
    from ..models.considered import Considered
    from ..models.fact import Fact
    from ..models.item import Item
    from ..models.recommendation_versions import RecommendationVersions


T = TypeVar("T", bound="Recommendation")


@_attrs_define
class Recommendation:
    """The answer about one customer."""

    decision: UUID
    """ names this answer in feedback; ids follow time """
    at: datetime.datetime
    expires_at: datetime.datetime
    """ until then feedback is taken """
    customer_no: str
    """ masked unless the caller may see it whole """
    city: str
    channel: str
    """ as asked; empty: none was named """
    personalised: bool
    """ false: the customer opted out; the items are everybody's """
    profile: list[Fact]
    cells: list[Cell]
    items: list[Item]
    considered: list[Considered] | None
    """ null unless explain """
    business_date: datetime.date
    published_at: datetime.datetime
    publication: int
    versions: RecommendationVersions
    """ snapshot, matrices, models and plan by version """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        decision = str(self.decision)

        at = self.at.isoformat()

        expires_at = self.expires_at.isoformat()

        customer_no = self.customer_no

        city = self.city

        channel = self.channel

        personalised = self.personalised

        profile = []
        for profile_item_data in self.profile:
            profile_item = profile_item_data.to_dict()
            profile.append(profile_item)

        cells = []
        for cells_item_data in self.cells:
            cells_item = cells_item_data.to_dict()
            cells.append(cells_item)

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        considered: list[dict[str, Any]] | None
        if isinstance(self.considered, list):
            considered = []
            for considered_type_0_item_data in self.considered:
                considered_type_0_item = considered_type_0_item_data.to_dict()
                considered.append(considered_type_0_item)

        else:
            considered = self.considered

        business_date = self.business_date.isoformat()

        published_at = self.published_at.isoformat()

        publication = self.publication

        versions = self.versions.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "decision": decision,
                "at": at,
                "expires_at": expires_at,
                "customer_no": customer_no,
                "city": city,
                "channel": channel,
                "personalised": personalised,
                "profile": profile,
                "cells": cells,
                "items": items,
                "considered": considered,
                "business_date": business_date,
                "published_at": published_at,
                "publication": publication,
                "versions": versions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.cell import Cell  # noqa: PLC0415
        from ..models.considered import Considered  # noqa: PLC0415
        from ..models.fact import Fact  # noqa: PLC0415
        from ..models.item import Item  # noqa: PLC0415
        from ..models.recommendation_versions import RecommendationVersions  # noqa: PLC0415

        d = dict(src_dict)
        decision = UUID(d.pop("decision"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        customer_no = d.pop("customer_no")

        city = d.pop("city")

        channel = d.pop("channel")

        personalised = d.pop("personalised")

        profile = []
        _profile = d.pop("profile")
        for profile_item_data in _profile:
            profile_item = Fact.from_dict(profile_item_data)

            profile.append(profile_item)

        cells = []
        _cells = d.pop("cells")
        for cells_item_data in _cells:
            cells_item = Cell.from_dict(cells_item_data)

            cells.append(cells_item)

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = Item.from_dict(items_item_data)

            items.append(items_item)

        def _parse_considered(data: object) -> list[Considered] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                considered_type_0 = []
                _considered_type_0 = data
                for considered_type_0_item_data in _considered_type_0:
                    considered_type_0_item = Considered.from_dict(considered_type_0_item_data)

                    considered_type_0.append(considered_type_0_item)

                return considered_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Considered] | None, data)

        considered = _parse_considered(d.pop("considered"))

        business_date = datetime.date.fromisoformat(d.pop("business_date"))

        published_at = datetime.datetime.fromisoformat(d.pop("published_at"))

        publication = d.pop("publication")

        versions = RecommendationVersions.from_dict(d.pop("versions"))

        recommendation = cls(
            decision=decision,
            at=at,
            expires_at=expires_at,
            customer_no=customer_no,
            city=city,
            channel=channel,
            personalised=personalised,
            profile=profile,
            cells=cells,
            items=items,
            considered=considered,
            business_date=business_date,
            published_at=published_at,
            publication=publication,
            versions=versions,
        )

        recommendation.additional_properties = d
        return recommendation

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
