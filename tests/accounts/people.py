"""A small province and people in it, for the tests of every app.

zhejiang ── hangzhou ── hangzhou-front
         └─ ningbo
"""

from django.contrib.auth.hashers import make_password

from accounts.models import Organisation, User
from accounts.services import create_organisation

PASSWORD = "correct horse battery"
_TREE = (
    ("zhejiang", "浙江", "Zhejiang", None),
    ("hangzhou", "杭州", "Hangzhou", "zhejiang"),
    ("ningbo", "宁波", "Ningbo", "zhejiang"),
    ("hangzhou-front", "杭州前台", "Hangzhou front desk", "hangzhou"),
)


def make_province() -> dict[str, Organisation]:
    """Return the organisations by code; a second call finds them."""
    for code, zh, en, above in _TREE:
        if not Organisation.objects.filter(code=code).exists():
            parent = Organisation.objects.get(code=above) if above else None
            create_organisation(code=code, name_zh=zh, name_en=en, parent=parent, by="test")
    return {o.code: o for o in Organisation.objects.all()}


def make_user(role: str, organisation: str = "zhejiang", *, username: str = "") -> User:
    """Return a user with one role; who it is does not depend on the rules for giving roles."""
    place = Organisation.objects.get(code=organisation)
    return User.objects.create(
        username=username or f"{organisation}-{role}",
        password=make_password(PASSWORD),
        organisation=place,
        roles=[role],
    )
