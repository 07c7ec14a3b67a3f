from enum import StrEnum


class GateEnum(StrEnum):
    CAPACITY = "capacity"
    CELL = "cell"
    CHANNEL = "channel"
    CITY = "city"
    CONTACT_POLICY = "contact_policy"
    CONTROL_GROUP = "control_group"
    ELIGIBILITY = "eligibility"
    EXCLUSIVITY = "exclusivity"
    OPT_OUT = "opt_out"
    VALIDITY = "validity"

    def __str__(self) -> str:
        return str(self.value)
