from enum import StrEnum


class ChannelEnum(StrEnum):
    APP = "app"
    FRONT_DESK = "front_desk"
    OUTBOUND_CALL = "outbound_call"
    SMS = "sms"
    WEB = "web"

    def __str__(self) -> str:
        return str(self.value)
