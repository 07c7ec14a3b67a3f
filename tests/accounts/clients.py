"""System clients for the tests of every app."""

from accounts.client_services import add_key, create_client
from accounts.clients import OPERATIONS
from accounts.models import Organisation, SystemClient


def make_client(
    code: str = "crm",
    organisation: str = "zhejiang",
    *,
    operations: tuple[str, ...] = OPERATIONS,
    rate: float = 1000,
    burst: int = 1000,
) -> SystemClient:
    """Return a client that is never too fast unless a test wants it so."""
    return create_client(
        code=code,
        name_zh="客户系统",
        name_en="A system",
        organisation=Organisation.objects.get(code=organisation),
        operations=operations,
        rate=rate,
        burst=burst,
        by="test",
    )


def make_key(code: str = "crm", organisation: str = "zhejiang", **values: object) -> str:
    """Return the key of a new client."""
    return add_key(make_client(code, organisation, **values), by="test")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
