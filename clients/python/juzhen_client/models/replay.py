from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.recommendation import Recommendation


T = TypeVar("T", bound="Replay")


@_attrs_define
class Replay:
    """A decision made again from its versions, and held against now."""

    decision: UUID
    by: str
    """ who asked """
    reproduced: bool | None
    """ whether its versions gave the same answer again; null: no longer kept """
    still_the_same: bool
    """ whether the question gets it now, too """
    gone: list[str]
    """ only then: P0012@2 """
    new: list[str]
    """ only now """
    reason: str
    """ why it could not be replayed; empty: it was """
    answer: None | Recommendation
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.recommendation import Recommendation  # noqa: PLC0415

        decision = str(self.decision)

        by = self.by

        reproduced: bool | None
        reproduced = self.reproduced

        still_the_same = self.still_the_same

        gone = self.gone

        new = self.new

        reason = self.reason

        answer: dict[str, Any] | None
        if isinstance(self.answer, Recommendation):
            answer = self.answer.to_dict()
        else:
            answer = self.answer

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "decision": decision,
                "by": by,
                "reproduced": reproduced,
                "still_the_same": still_the_same,
                "gone": gone,
                "new": new,
                "reason": reason,
                "answer": answer,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recommendation import Recommendation  # noqa: PLC0415

        d = dict(src_dict)
        decision = UUID(d.pop("decision"))

        by = d.pop("by")

        def _parse_reproduced(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        reproduced = _parse_reproduced(d.pop("reproduced"))

        still_the_same = d.pop("still_the_same")

        gone = cast(list[str], d.pop("gone"))

        new = cast(list[str], d.pop("new"))

        reason = d.pop("reason")

        def _parse_answer(data: object) -> None | Recommendation:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                answer_type_0 = Recommendation.from_dict(data)

                return answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Recommendation, data)

        answer = _parse_answer(d.pop("answer"))

        replay = cls(
            decision=decision,
            by=by,
            reproduced=reproduced,
            still_the_same=still_the_same,
            gone=gone,
            new=new,
            reason=reason,
            answer=answer,
        )

        replay.additional_properties = d
        return replay

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
