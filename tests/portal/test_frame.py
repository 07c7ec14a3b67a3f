"""The frame of every page: menu, language, policy of scripts."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import reverse

from accounts.roles import ROLES
from portal.menu import MENU, menu_for
from tests.accounts.people import make_user

TEMPLATES = sorted(
    file
    for app in apps.get_app_configs()
    if Path(app.path).parent == settings.BASE_DIR
    for file in Path(app.path).glob("templates/**/*.html")
)


def test_the_menu_shows_each_role_only_what_it_can_open(province, client):
    client.cookies["django_language"] = "en"
    for code in ROLES:
        user = make_user(code)
        client.force_login(user)
        shown = {item.url_name for _, items in menu_for(user) for item in items}
        text = client.get(reverse("home")).content.decode()
        for group in MENU:
            for item in group.items:
                link = f'<a class="nav-link" href="{item.url}"'
                assert (link in text) == (item.url_name in shown), (code, item.url_name)
                may = any(user.can(p) for p in item.permissions) or not item.permissions
                assert may == (item.url_name in shown)


@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh-hans", "zh-hans")])
def test_the_language_switch_is_kept(province, client, language, lang):
    client.force_login(make_user("analyst"))
    answer = client.post(reverse("set_language"), {"language": language, "next": "/"})
    assert answer.url == "/"
    assert f'<html lang="{lang}">' in client.get("/").content.decode()


def test_chinese_is_the_language_of_the_house(db, client):
    assert '<html lang="zh-hans">' in client.get("/accounts/login/").content.decode()


def test_no_page_may_run_a_script_that_is_not_ours(db, client):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    (scripts,) = [p for p in policy.split("; ") if p.startswith("script-src")]
    assert "unsafe" not in scripts
    assert "http" not in scripts


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: str(f.relative_to(settings.BASE_DIR)))
def test_no_template_has_inline_script_handlers_or_foreign_addresses(file):
    text = file.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert not re.search(r"\b(src|href)=\"(https?:)?//", text)
    assert "javascript:" not in text


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: str(f.relative_to(settings.BASE_DIR)))
def test_every_text_goes_through_translation(file):
    """A word that stands in a template outside of tags is one nobody can translate."""
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", file.read_text(), flags=re.S)
    text = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", text, flags=re.S)
    text = re.sub(r"<(style|code)>.*?</\1>", "", text, flags=re.S)
    text = re.sub(r"{[{%].*?[%}]}", "", text, flags=re.S)
    text = re.sub(r"<[^>]*>", "", text)
    words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"&\w+;", "", text)))
    assert not words - {"English"}
