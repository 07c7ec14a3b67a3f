from enum import StrEnum


class OutcomeEnum(StrEnum):
    ACCEPTED = "accepted"
    COMPLAINED = "complained"
    DECLINED = "declined"
    ORDERED = "ordered"
    SHOWN = "shown"

    def __str__(self) -> str:
        return str(self.value)
