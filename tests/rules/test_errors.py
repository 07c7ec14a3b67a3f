"""A rule that is refused says what is wrong, where, and what to do, in both languages."""

import re
import string

import pytest

from rules import RuleError, compile_condition, compile_number
from rules.messages import MESSAGES
from rules.parse import MAX_DEPTH, MAX_NODES, MAX_TEXT
from tests.rules.catalogue import CATALOGUE, ROW, TODAY

# rule, code, column, length
REFUSED = [
    ("", "empty", 1, 0),
    ("   \n ", "empty", 1, 5),
    ("arpuu >= 80", "unknown_attribute", 1, 5),
    ("is_campus and ARPU >= 80", "unknown_attribute", 15, 4),
    ("arpu = 'x'", "mismatch", 8, 3),
    ("arpu >= join_date", "mismatch", 9, 9),
    ("join_date > '2026-01-01'", "mismatch", 13, 12),
    ("arpu in (1, 'x')", "mismatch", 13, 3),
    ("arpu between 1 and 'x'", "mismatch", 20, 3),
    ("coalesce(arpu, 'x') = 1", "mismatch", 16, 3),
    ("brand > 3", "mismatch", 9, 1),
    ("brand > 'gotone'", "not_ordered", 1, 5),
    ("handset between 'a' and 'b'", "not_ordered", 1, 7),
    ("is_campus < opted_out", "not_ordered", 1, 9),
    ("is_campus + 1 > 2", "needs", 1, 9),
    ("-handset > 2", "needs", 2, 7),
    ("days_since(arpu) > 2", "needs", 12, 4),
    ("brand = 'gotne'", "unknown_value", 9, 7),
    ("brand in ('gotone', 'Mzone')", "unknown_value", 21, 7),
    ("'gotne' = brand", "unknown_value", 1, 7),
    ("coalesce(brand, 'none') = 'nun'", "unknown_value", 27, 5),
    ("brand like 'go%'", "like_needs_text", 1, 5),
    ("handset like '%N95'", "like_pattern", 14, 6),
    ("handset like 'Nokia'", "like_pattern", 14, 7),
    ("handset like 'N_kia%'", "like_pattern", 14, 8),
    ("handset like 'N%kia%'", "like_pattern", 14, 8),
    ("handset like handset", "like_pattern", 14, 7),
    ("arpu like 'a%'", "needs", 1, 4),
    ("arpu", "not_a_condition", 1, 4),
    ("not arpu", "not_a_condition", 5, 4),
    ("is_campus and arpu + 1", "not_a_condition", 15, 8),
    ("arpu = null", "null_place", 8, 4),
    ("brand in ('gotone', null)", "null_place", 21, 4),
    ("is_campus is true", "is_null", 11, 2),
    ("arpu is not 5", "is_null", 6, 2),
    ("arpu 80", "missing_operator", 6, 2),
    ("arpu contains 'x'", "missing_operator", 6, 8),
    ("arpu not 80", "missing_operator", 6, 3),
    ("arpu between 80", "between", 6, 7),
    ("arpu between 80 or is_campus", "between", 6, 7),
    ("arpu between - calls is null", "between", 6, 7),
    ("arpu is null * 2", "syntax", 14, 1),
    ("arpu > > 80", "missing_operand", 8, 1),
    ("arpu == 80", "missing_operand", 7, 1),
    ("> 80", "missing_operand", 1, 1),
    ("arpu >", "unfinished", 6, 1),
    ("is_campus and", "unfinished", 11, 3),
    ("(arpu > 80", "bracket", 1, 1),
    ("arpu > 80)", "bracket", 10, 1),
    ("()", "missing_operand", 2, 1),
    ("arpu > (1, 2)", "comma", 10, 1),
    ("arpu in ()", "missing_operand", 10, 1),
    ("arpu in 5", "list_place", 6, 2),
    ("arpu in (calls)", "list_value", 10, 5),
    ("arpu in (1 + 1)", "list_value", 10, 1),
    ("brand in (true)", "list_value", 11, 4),
    ("lower(handset) = 'a'", "unknown_function", 1, 5),
    ("days_since(join_date, last_order) > 1", "function_arguments", 1, 33),
    ("coalesce(arpu) > 1", "function_arguments", 1, 14),
    ("arpu < calls < 5", "ambiguous", 1, 12),
    ("is_campus = arpu is null", "ambiguous", 13, 4),
    ("is_campus = not opted_out", "ambiguous", 13, 3),
    ("arpu > 1e999", "bad_number", 8, 5),
    ("arpu > 1e-999", "bad_number", 8, 6),
    ("arpu > 9007199254740993", "bad_number", 8, 16),
    ("arpu > 12abc", "bad_number", 8, 5),
    ("arpu > .5", "character", 8, 1),
    ("join_date > date '2026-02-30'", "bad_date", 18, 12),
    ("join_date > date '20260101'", "bad_date", 18, 10),
    ("join_date > date", "bad_date", 13, 4),
    ("handset = 'abc", "unterminated_text", 11, 1),
    ("handset = 'a\tb'", "control_character", 11, 5),
    ('"arpu" > 80', "quoted_name", 1, 1),
    ("arpu > 80 -- high", "comment", 11, 2),
    ("arpu --1 > 0", "comment", 6, 2),
    ("arpu >= 80，is_campus", "full_width", 11, 1),
    ("arpu ≥ 80", "full_width", 6, 1),
    ("arpu > 80;", "character", 10, 1),
    ("(" * (MAX_DEPTH + 1) + "true" + ")" * (MAX_DEPTH + 1), "too_deep", MAX_DEPTH + 1, 1),
    ("not " * (MAX_DEPTH + 1) + "true", "too_deep", 4 * MAX_DEPTH + 1, 3),
]


@pytest.mark.parametrize(("text", "code", "column", "length"), REFUSED)
def test_a_refused_rule_names_the_place(text: str, code: str, column: int, length: int) -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition(text, CATALOGUE)
    error = caught.value
    assert (error.code, error.line, error.column, error.length) == (code, 1, column, length)
    assert error.message
    assert re.search("[\u4e00-\u9fff]", error.render("zh-hans"))


def test_lines_and_columns_count_from_one() -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition("arpu > 80\r\n  and\nnot  arpuu > 1", CATALOGUE)
    assert (caught.value.line, caught.value.column) == (3, 6)
    assert str(caught.value).startswith("line 3, column 6: There is no attribute arpuu.")
    assert caught.value.extra() == {
        "line": 3,
        "column": 6,
        "length": 5,
        "hint": "Nearest: arpu.",
    }


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition("movement_indx > 1", CATALOGUE)
    assert "movement_index" in caught.value.hint
    with pytest.raises(RuleError) as caught:
        compile_condition("brand = 'm-zone'", CATALOGUE)
    assert caught.value.render("zh-hans") == "brand 没有取值 'm-zone'。相近的有：mzone、gotone。"


def test_no_hint_is_better_than_an_empty_one() -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition("zzzzzz > 1", CATALOGUE)
    assert caught.value.hint == ""
    assert caught.value.render("zh-hans") == "没有属性 zzzzzz。"


def test_a_condition_is_not_taken_for_a_number() -> None:
    with pytest.raises(RuleError) as caught:
        compile_number("arpu > 80", CATALOGUE)
    assert (caught.value.code, caught.value.column, caught.value.length) == ("not_a_number", 1, 9)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("arpu > " + "1" * MAX_TEXT, "too_long"),
        (" or ".join(["true"] * (MAX_NODES + 1)).replace("true", "(1=1)"), "too_long"),
        (" or ".join(["1=1"] * 200), "too_many_nodes"),
        ("arpu in (" + ",".join(["1"] * 1001) + ")", "list_too_long"),
        ("not " * 41 + "true", "too_deep"),
        ("1" + "+1" * 45 + " > 0", "too_deep"),
        ("arpu" + "+arpu" * 700 + " > 0", "too_deep"),
        ("1 / (" * 13 + "arpu" + ")" * 13 + " > 0", "too_complex"),
    ],
)
def test_size_is_bounded(text: str, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition(text, CATALOGUE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(["true"] * (MAX_NODES - 1)),
        "arpu in (" + ",".join(["1"] * 1000) + ")",
        "not (" * (MAX_DEPTH - 2) + "arpu > 1" + ")" * (MAX_DEPTH - 2),
        "1" + "+1" * 38 + " > 0",
        "arpu > 1".ljust(MAX_TEXT),
    ],
)
def test_what_is_just_within_the_bounds_is_accepted(text: str) -> None:
    compile_condition(text, CATALOGUE).evaluate(ROW, TODAY)


def test_depth_does_not_hang_on_the_caller() -> None:
    """The deepest rule is read even where the caller has left few frames."""

    def far_down(frames: int) -> None:
        if frames:
            far_down(frames - 1)
        else:
            compile_condition("not (" * 38 + "arpu > 1" + ")" * 38, CATALOGUE)

    far_down(600)


@pytest.mark.parametrize("code", MESSAGES)
def test_both_languages_say_the_same_things(code: str) -> None:
    def places(*templates: str) -> set[str]:
        fields = [field for text in templates for _, field, _, _ in string.Formatter().parse(text)]
        return {field.removesuffix("_zh") for field in fields if field}

    wording = MESSAGES[code]
    assert places(wording.en) == places(wording.zh)
    assert places(wording.hint_en) == places(wording.hint_zh)
    assert bool(wording.hint_en) == bool(wording.hint_zh)
