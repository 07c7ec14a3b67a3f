from enum import StrEnum


class ReasonEnum(StrEnum):
    CELL = "cell"
    ELIGIBILITY = "eligibility"
    GENERAL = "general"
    PRIORITY = "priority"

    def __str__(self) -> str:
        return str(self.value)
