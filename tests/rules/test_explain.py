"""A rule as a sentence: natural, in the catalogue's words, and saying no less than the rule."""

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings

from rules import Language, RuleError, compile_condition, compile_number
from rules.catalogue import Attribute
from rules.explain import Sentence, explain_tree
from rules.nodes import Node, Read, attributes_of, walk
from rules.phrases import PHRASES, say
from tests.rules.catalogue import CATALOGUE, ROW
from tests.rules.engines import Row
from tests.rules.strategies import rows, trees

SENTENCES = [
    (
        "arpu >= 80 and brand in ('gotone', 'mzone') and not is_campus",
        "ARPU is at least 80 yuan and brand is GoTone or M-Zone and not a campus customer",
        "ARPU 不低于 80 元，且品牌为全球通或动感地带，且不是校园客户",
    ),
    (
        "is_campus and not opted_out",
        "is a campus customer and “opted out of marketing” does not apply",
        "是校园客户，且不符合“已退订营销”",
    ),
    (
        "is_campus and (arpu < 30.5 or calls = 0)",
        "is a campus customer and (ARPU is below 30.5 yuan or calls is 0)",
        "是校园客户，且（ARPU 低于 30.5 元，或通话次数为 0 次）",
    ),
    (
        "is_campus or arpu < 30 and calls = 0",
        "is a campus customer or (ARPU is below 30 yuan and calls is 0)",
        "是校园客户，或（ARPU 低于 30 元，且通话次数为 0 次）",
    ),
    (
        "brand in ('gotone', 'mzone') or is_campus",
        "(brand is GoTone or M-Zone) or is a campus customer",
        "品牌为全球通或动感地带，或是校园客户",
    ),
    (
        "not (is_campus or arpu > 80)",
        "not (is a campus customer or ARPU is above 80 yuan)",
        "并非（是校园客户，或 ARPU 高于 80 元）",
    ),
    ("not arpu >= 80", "ARPU is below 80 yuan", "ARPU 低于 80 元"),
    ("80 <= arpu", "ARPU is at least 80 yuan", "ARPU 不低于 80 元"),
    ("data_share > 40", "data share is above 40%", "流量占比高于 40%"),
    ("brand not in ('gotone')", "brand is not GoTone", "品牌不为全球通"),
    (
        "brand not in ('gotone', 'mzone')",
        "brand is neither GoTone nor M-Zone",
        "品牌既不为全球通也不为动感地带",
    ),
    (
        "calls not in (1, 2, 3)",
        "calls is none of 1, 2, 3",
        "通话次数不为 1 次、2 次、3 次中的任何一个",
    ),
    (
        "arpu between 80 and 120",
        "ARPU is from 80 yuan to 120 yuan",
        "ARPU 在 80 元至 120 元之间（含两端）",
    ),
    (
        "join_date not between date '2025-01-01' and date '2025-12-31'",
        "join date is not from 2025-01-01 to 2025-12-31",
        "入网日期不在 2025-01-01 至 2025-12-31 之间（含两端）",
    ),
    (
        "join_date <= date '2025-01-01'",
        "join date is on or before 2025-01-01",
        "入网日期不晚于 2025-01-01",
    ),
    (
        "days_since(join_date) >= 365",
        "the time since join date is at least 365 days",
        "距入网日期的天数不低于 365 天",
    ),
    ("handset like 'Nokia%'", "handset begins with “Nokia”", "终端型号以“Nokia”开头"),
    ("handset not like '中%'", "handset does not begin with “中”", "终端型号不以“中”开头"),
    ("handset = ''", "handset is an empty text", "终端型号为空文本"),
    ("last_order is null", "last order date is unknown", "最近订购日期未知"),
    ("last_order is not null", "last order date is known", "最近订购日期已知"),
    (
        "coalesce(arpu, 0) < 30",
        "ARPU (0 yuan if unknown) is below 30 yuan",
        "ARPU（未知时取 0 元）低于 30 元",
    ),
    (
        "coalesce(is_campus, false)",
        "(is a campus customer, unknown counting as no)",
        "（是校园客户，未知时视为否）",
    ),
    (
        "brand = brand_before",
        "brand is last month's brand",
        "品牌为上月品牌",
    ),
    (
        "is_campus = (arpu > 80)",
        "(is a campus customer) exactly when (ARPU is above 80 yuan)",
        "（是校园客户）当且仅当（ARPU 高于 80 元）",
    ),
    ("is_campus = false", "not a campus customer", "不是校园客户"),
    (
        "(arpu + calls) * 2 / (calls - 1) > 3",
        "(ARPU + calls) × 2 ÷ (calls − 1) is above 3",
        "(ARPU + 通话次数) × 2 ÷ (通话次数 − 1) 高于 3",
    ),
    ("true", "always", "始终成立"),
]


@pytest.mark.parametrize(("text", "english", "chinese"), SENTENCES)
def test_a_rule_reads_naturally(text: str, english: str, chinese: str) -> None:
    rule = compile_condition(text, CATALOGUE)
    assert rule.explain("en") == english
    assert rule.explain("zh-hans") == chinese


def test_a_number_is_a_phrase() -> None:
    rule = compile_number("0.4 * movement_index / 100", CATALOGUE)
    assert rule.explain("en") == "0.4 × movement index ÷ 100"
    assert rule.explain_with(ROW, "zh-hans") == "0.4 × 异动指数 ÷ 100（实际：32）"


def test_the_customers_values_stand_beside_each_condition() -> None:
    rule = compile_condition(
        "arpu >= 80 and (brand in ('gotone', 'mzone') or not is_campus) and arpu > calls"
        " and last_order is null",
        CATALOGUE,
    )
    assert rule.explain_with(ROW, "en") == (
        "ARPU is at least 80 yuan (actual: 96.5 yuan)"
        " and ((brand is GoTone or M-Zone (actual: M-Zone))"
        " or not a campus customer (actual: no))"
        " and ARPU is above calls (actual: ARPU 96.5 yuan, calls 12)"
        " and last order date is unknown (actual: unknown)"
    )
    assert rule.explain_with(ROW, "zh-hans") == (
        "ARPU 不低于 80 元（实际：96.5 元），"
        "且（品牌为全球通或动感地带（实际：动感地带），或不是校园客户（实际：否）），"
        "且 ARPU 高于通话次数（实际：ARPU 96.5 元、通话次数 12 次），"
        "且最近订购日期未知（实际：未知）"
    )


def test_a_long_list_is_cut_and_says_so() -> None:
    values = ", ".join(map(str, range(30)))
    rule = compile_condition(f"calls in ({values})", CATALOGUE)
    assert rule.explain("en").endswith("18, 19 or 10 more values")


def test_a_customers_own_text_is_not_touched() -> None:
    rule = compile_condition("handset = '中a {b} 文'", CATALOGUE)
    assert rule.explain("zh-hans") == "终端型号为“中a {b} 文”"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'fr'"):
        compile_condition("is_campus", CATALOGUE).explain("fr")  # type: ignore[arg-type]


def test_a_row_without_the_attribute_is_refused() -> None:
    with pytest.raises(RuleError, match="arpu"):
        compile_condition("arpu > 1", CATALOGUE).explain_with({}, "en")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees(), rows())
def test_every_rule_has_a_sentence_that_names_all_it_reads(tree: Node, row: Row) -> None:
    for language in get_args(Language):
        sentence = explain_tree(tree, language)
        Sentence(tree, language).with_values(row)
        for attribute in attributes_of(tree):
            name = attribute.name_en if language == "en" else attribute.name_zh
            assert name in sentence
        assert "{" not in sentence or any("{" in repr(node) for node in walk(tree))


@pytest.mark.parametrize("name", ["campus customer", "Internet user"])
def test_articles_follow_the_sound(name: str) -> None:
    flag = Read(Attribute("x", "boolean", "校园客户", name))
    article = "an" if name[0] in "IU" else "a"
    assert explain_tree(flag, "en") == f"is {article} {name}"


@pytest.mark.parametrize("phrase", PHRASES)
def test_both_languages_fill_in_the_same_parts(phrase: str) -> None:
    parts = {name: f"<{name}>" for name in "abcn" if f"{{{name}}}" in PHRASES[phrase][0]}
    for language in get_args(Language):
        text = say(language, phrase, **parts)
        assert all(part in text for part in parts.values())
        assert "{" not in text
