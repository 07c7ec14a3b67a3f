"""The set language: its shape, its words, and rings that are refused by name."""

from typing import Any

import jsonschema
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DomainError
from rules import Attribute, Catalogue
from segmentation.audiences.sets import (
    MOST_DEPTH,
    MOST_NODES,
    SET,
    from_json,
    in_order,
    leaves,
    references,
)
from segmentation.audiences.words import Words, sentence
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Name

from .matrices import matrix, thresholds

Json = dict[str, Any]

CODES = st.sampled_from(["a", "b1", "c_2"])
BOXES = st.dictionaries(CODES, st.lists(CODES, min_size=1, unique=True), max_size=2)
LEAVES = st.one_of(
    st.sampled_from(["arpu > 1", "is_campus"]).map(lambda rule: {"rule": rule}),
    st.tuples(CODES, BOXES).map(lambda it: {"cells": {"matrix": it[0], "box": it[1]}}),
    st.tuples(st.sampled_from(["mark", "audience", "list"]), CODES).map(lambda it: dict([it])),
)
SETS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda sets: {"any": sets}),
        st.lists(inner, min_size=1, max_size=3).map(lambda sets: {"all": sets}),
        st.lists(inner, min_size=2, max_size=3).map(lambda sets: {"but": sets}),
    ),
    max_leaves=8,
)


@given(SETS)
def test_what_is_read_is_written_the_same(body: Json) -> None:
    node = from_json(body)
    assert from_json(node.to_json()) == node
    jsonschema.Draft202012Validator(SET).validate(node.to_json())


def test_bands_and_dimensions_in_another_order_say_the_same() -> None:
    one = {"cells": {"matrix": "m", "box": {"b": ["y", "x"], "a": ["z"]}}}
    other = {"cells": {"matrix": "m", "box": {"a": ["z"], "b": ["x", "y"]}}}
    assert from_json(one) == from_json(other)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, []),
        ([], []),
        ("arpu > 1", []),
        ({"anny": []}, []),
        ({"rule": "a", "mark": "b"}, []),
        ({"any": []}, ["any"]),
        ({"but": [{"rule": "a"}]}, ["but"]),
        ({"all": [{"rule": "a"}, {"any": [{"rule": 5}]}]}, ["all", 1, "any", 0, "rule"]),
        ({"rule": " "}, ["rule"]),
        ({"mark": "with-hyphen"}, ["mark"]),
        ({"cells": {"box": {}}}, ["cells"]),
        ({"cells": {"matrix": "m", "box": {"d": []}}}, ["cells", "box", "d"]),
    ],
)
def test_another_shape_is_refused_at_its_place(body: Any, where: list[Any]) -> None:
    with pytest.raises(DomainError) as refused:
        from_json(body)
    assert (refused.value.code, refused.value.extra["where"]) == ("bad_set", where)


def test_an_unknown_word_is_told_the_words_there_are() -> None:
    with pytest.raises(DomainError, match=r"any, all, but.*'anny'"):
        from_json({"any": [{"anny": []}]})


def nested(depth: int) -> Any:
    body: Any = {"rule": "a"}
    for _level in range(depth):
        body = {"any": [body]}
    return body


def test_deep_and_long_sets_are_refused_before_they_hurt() -> None:
    from_json(nested(MOST_DEPTH))
    bracketed: Any = []
    for _level in range(100_000):
        bracketed = [bracketed]
    halves = [{"all": [{"rule": "a"}] * 300}] * 2
    try:
        for body in (nested(MOST_DEPTH + 1), bracketed, {"any": halves}):
            with pytest.raises(DomainError, match=r"20 levels|500 parts"):
                from_json(body)
    finally:
        while bracketed:  # its own end would recurse as deep as it is
            bracketed = bracketed[0]
    assert MOST_NODES == 500


def test_leaves_are_found_with_their_paths() -> None:
    node = from_json({"but": [{"audience": "a"}, {"any": [{"mark": "m"}, {"list": "l"}]}]})
    assert [where for _leaf, where in leaves(node)] == [
        ("but", 0, "audience"), ("but", 1, "any", 0, "mark"), ("but", 1, "any", 1, "list"),
    ]  # fmt: skip
    assert references(node) == {("audience", "a"), ("mark", "m"), ("list", "l")}


# --- rings ---


def graph(**edges: str) -> dict[tuple[str, str], set[tuple[str, str]]]:
    return {("audience", a): {("audience", b) for b in more} for a, more in edges.items()}


def test_sets_stand_after_those_that_they_name() -> None:
    order = in_order(graph(a="cb", b="c", c="", d="a"))
    assert [code for _kind, code in order] == ["c", "b", "a", "d"]


@pytest.mark.parametrize("edges", [{"c": "a", "a": "b", "b": "c"}, {"b": "c", "c": "a", "a": "b"}])
def test_a_ring_is_named_from_its_least_member(edges: dict[str, str]) -> None:
    with pytest.raises(DomainError) as refused:
        in_order(graph(x="a", **edges))
    assert refused.value.code == "set_cycle"
    assert "audience a → audience b → audience c → audience a" in refused.value.message
    assert [code for _kind, code in refused.value.extra["cycle"]] == ["a", "b", "c", "a"]


def test_a_set_of_itself_is_a_ring() -> None:
    with pytest.raises(DomainError, match="audience a → audience a"):
        in_order(graph(a="a"))


# --- words ---

WORDS = Words(
    Catalogue(
        [
            Attribute("arpu", "number", "月均收入", "ARPU", unit_zh="元", unit_en="yuan"),
            Attribute("is_campus", "boolean", "校园客户", "campus customer"),
        ]
    ),
    {"care": MatrixDefinition.from_json(matrix(thresholds("arpu", 50, 90)))},
    {
        ("mark", "sim"): Name("双卡嫌疑", "Second SIM"),
        ("audience", "top"): Name("高端", "Top"),
        ("list", "vip"): Name("贵宾名单", "VIP"),
    },
)
BOX = {"cells": {"matrix": "care", "box": {"arpu": ["b0", "b1"]}}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"rule": "arpu >= 80"}, "ARPU is at least 80 yuan"),
        (BOX, "in the cells of “Care” where Arpu is B0 or B1"),
        ({"cells": {"matrix": "care"}}, "in any cell of “Care”"),
        ({"mark": "sim"}, "marked “Second SIM”"),
        ({"audience": "top"}, "in the audience “Top”"),
        ({"list": "vip"}, "on the list “VIP”"),
        (
            {"all": [{"mark": "sim"}, {"any": [{"list": "vip"}, {"audience": "top"}]}]},
            "marked “Second SIM” and (on the list “VIP” or in the audience “Top”)",
        ),
        (
            {"but": [{"audience": "top"}, {"mark": "sim"}, {"list": "vip"}]},
            "in the audience “Top”, but not (marked “Second SIM” or on the list “VIP”)",
        ),
        (
            {"any": [{"rule": "arpu > 1 and is_campus"}, {"mark": "sim"}]},
            "(ARPU is above 1 yuan and is a campus customer) or marked “Second SIM”",
        ),
    ],
)
def test_a_set_in_words(body: Json, words: str) -> None:
    with translation.override("en"):
        assert sentence(from_json(body), WORDS) == words


def test_what_is_gone_is_called_by_its_code() -> None:
    body = {"all": [{"mark": "m"}, {"cells": {"matrix": "x", "box": {"d": ["b"]}}}, {"rule": "y>"}]}
    with translation.override("en"):
        text = sentence(from_json(body), WORDS)
    assert text == "marked “m” and in the cells of “x” where d is b and “y>”"


def test_in_chinese_the_names_are_chinese() -> None:
    body = {"all": [BOX, {"rule": "arpu >= 80"}, {"mark": "sim"}]}
    with translation.override("zh-hans"):
        text = sentence(from_json(body), WORDS)
    for word in ("care中", "b0中", "月均收入不低于 80 元", "双卡嫌疑"):
        assert word in text


def test_a_set_that_stands_alone_twice_in_one_schema() -> None:
    both = {"type": "object", "properties": {"a": SET, "b": SET}}
    body = {"a": nested(2), "b": {"any": [{"any": [{"rule": 1}]}]}}
    [fault] = jsonschema.Draft202012Validator(both).iter_errors(body)
    assert list(fault.absolute_path) == ["b", "any", 0, "any", 0, "rule"]
