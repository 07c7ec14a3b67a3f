from tests.accounts.conftest import province as province
from tests.portal.settings import page_settings as page_settings
