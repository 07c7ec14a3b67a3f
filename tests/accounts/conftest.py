import pytest

from accounts.models import Organisation
from tests.accounts.people import make_province
from tests.portal.settings import page_settings as page_settings


@pytest.fixture
def province(db: None) -> dict[str, Organisation]:
    return make_province()
