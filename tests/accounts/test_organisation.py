"""The tree province → cities → teams."""

import pytest
from jsonschema import Draft202012Validator

from accounts.definitions import DOCUMENTS, dump, load
from accounts.models import Level, Operation, Organisation
from accounts.services import create_organisation, rename_organisation
from common.errors import DomainError


def tree(**changes):
    hangzhou = {
        "code": "hangzhou",
        "name": {"zh": "杭州", "en": "Hangzhou"},
        "children": [{"code": "hangzhou-front", "name": {"zh": "杭州前台", "en": "Front desk"}}],
    }
    ningbo = {"code": "ningbo", "name": {"zh": "宁波", "en": "Ningbo"}}
    return {
        "code": "zhejiang",
        "name": {"zh": "浙江", "en": "Zhejiang"},
        "children": [hangzhou, ningbo | changes],
    }


def test_depth_says_province_city_or_team(province):
    levels = {code: node.level for code, node in province.items()}
    assert levels["zhejiang"] == Level.PROVINCE
    assert levels["ningbo"] == Level.CITY
    assert levels["hangzhou-front"] == Level.TEAM


def test_nothing_stands_below_a_team(province):
    with pytest.raises(DomainError, match="organisation_too_deep"):
        create_organisation(
            code="desk-1", name_zh="一", name_en="1", parent=province["hangzhou-front"], by="test"
        )


def test_there_is_one_province(province):
    with pytest.raises(DomainError, match="second_province"):
        create_organisation(code="jiangsu", name_zh="江苏", name_en="Jiangsu", by="test")


def test_a_code_is_used_once(province):
    with pytest.raises(DomainError, match="organisation_exists"):
        create_organisation(
            code="ningbo", name_zh="宁波", name_en="N", parent=province["zhejiang"], by="test"
        )


def test_cities_sort_by_pinyin_in_any_database(province):
    cities = Organisation.objects.filter(level=Level.CITY).order_by("sort_key")
    assert [c.sort_key for c in cities] == ["hang zhou", "ning bo"]


def test_renaming_is_logged_and_renaming_to_the_same_is_not(province):
    rename_organisation(province["ningbo"], name_zh="甬", name_en="Yong", by="test")
    rename_organisation(province["ningbo"], name_zh="甬", name_en="Yong", by="test")
    (line,) = Operation.objects.filter(action="rename")
    assert line.before == {"name_zh": "宁波", "name_en": "Ningbo"}
    assert line.after == {"name_zh": "甬", "name_en": "Yong"}


def test_loading_makes_the_tree_and_loading_it_again_changes_nothing(db):
    assert load(tree(), "test").added == ["zhejiang", "hangzhou", "hangzhou-front", "ningbo"]
    lines = Operation.objects.count()
    again = load(tree(), "test")
    assert not again.any
    assert len(again.unchanged) == 4
    assert Operation.objects.count() == lines


def test_what_is_dumped_is_what_was_loaded(db):
    load(tree(), "test")
    assert dump() == tree()
    assert Organisation.objects.find_problems() == ([], [], [], [], [])


def test_a_changed_name_is_a_change(db):
    load(tree(), "test")
    assert load(tree(name={"zh": "甬", "en": "Yong"}), "test").changed == ["ningbo"]


def test_a_code_never_moves(db):
    load(tree(), "test")
    moved = tree()
    moved["children"][1]["children"] = [moved["children"][0].pop("children")[0]]
    with pytest.raises(DomainError, match="organisation_moved") as caught:
        load(moved, "test")
    assert caught.value.extra["where"] == ["children", 1, "children", 0, "code"]


def test_one_code_twice_in_a_file_is_refused(db):
    twice = tree()
    twice["children"].append(twice["children"][1])
    with pytest.raises(DomainError, match="organisation_moved"):
        load(twice, "test")


@pytest.mark.parametrize(
    "wrong",
    [{"code": "Ning Bo"}, {"name": {"zh": "宁波"}}, {"extra": 1}, {"children": [{}]}],
)
def test_the_schema_refuses(wrong):
    validator = Draft202012Validator(DOCUMENTS[0].schema)
    assert validator.is_valid(tree())
    assert not validator.is_valid(tree(**wrong))
