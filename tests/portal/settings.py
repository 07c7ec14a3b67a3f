"""Settings of tests that open pages: no collectstatic before, no slow password hash."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def page_settings(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
