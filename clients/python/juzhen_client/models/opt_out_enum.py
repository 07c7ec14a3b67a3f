from enum import StrEnum


class OptOutEnum(StrEnum):
    APP = "app"
    FRONT_DESK = "front_desk"
    OUTBOUND_CALL = "outbound_call"
    PERSONALISED = "personalised"
    SMS = "sms"
    WEB = "web"

    def __str__(self) -> str:
        return str(self.value)
