"""What a matrix says in words, in both languages."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from rules import Attribute, Catalogue
from segmentation.definition import MatrixDefinition, Merge, Split
from segmentation.matrix_words import MatrixWords, number

from .matrices import Json, boolean, matrix, named, thresholds

CATALOGUE = Catalogue(
    [
        Attribute("arpu", "number", "月消费", "monthly spend", unit_zh="元", unit_en="yuan"),
        Attribute("is_campus", "boolean", "校园", "campus"),
        Attribute("brand", "category", "品牌", "brand", values=(("go", "全球通", "GoTone"),)),
    ]
)
BRAND = named(
    "brand",
    kind="categories",
    attribute="brand",
    bands=[named("go", values=["go", "new"]), named("rest", other=True)],
    null_band=named("unknown"),
)
RANK = named(
    "rank",
    kind="quantiles",
    attribute="arpu",
    bands=[named("top", share=0.2), named("rest", share=0.8)],
    null_band=named("unknown"),
)
RULES = named(
    "rules",
    kind="rules",
    bands=[named("big", rule="arpu > 80"), named("others", **{"else": True})],
)


@pytest.fixture(params=["en", "zh-hans"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def words(*dimensions: Json, **says: Json) -> MatrixWords:
    return MatrixWords(MatrixDefinition.from_json(matrix(*dimensions, **says)), CATALOGUE)


def rules_of(dimension: Json) -> list[str]:
    said = words(dimension)
    (one,) = said.definition.dimensions
    return [said.band_rule(one, band) for band in one.all_bands]


@pytest.mark.parametrize(
    ("dimension", "rules"),
    [
        (
            thresholds("arpu", 50, 1000.5),
            [
                "monthly spend < 50 yuan",
                "50 ≤ monthly spend < 1,000.5 yuan",
                "monthly spend ≥ 1,000.5 yuan",
                "monthly spend is unknown",
            ],
        ),
        (boolean("is_campus"), ["campus: yes", "campus: no", "campus is unknown"]),
        (BRAND, ["brand: GoTone or new", "brand: any other value", "brand is unknown"]),
        (
            RANK,
            [
                "monthly spend: ranks 0–20 % from the top",
                "monthly spend: ranks 20–100 % from the top",
                "monthly spend is unknown",
            ],
        ),
        (RULES, ["monthly spend is above 80 yuan", "all others"]),
    ],
)
def test_a_band_says_who_is_in_it(dimension: Json, rules: list[str]) -> None:
    assert rules_of(dimension) == rules


def test_both_languages_have_a_sentence_for_every_band(language: str) -> None:
    for dimension in (thresholds("arpu", 50), boolean("is_campus"), BRAND, RANK, RULES):
        said = rules_of(dimension)
        assert all(said)
        assert len(set(said)) == len(said)
        assert ("月消费" in said[0]) == (language == "zh-hans" and dimension is not BRAND
                                         and dimension["code"] != "is_campus")  # fmt: skip


def test_cells_and_edits_are_told_by_the_names_of_their_bands() -> None:
    said = words(thresholds("arpu", 50), boolean("is_campus"))
    assert said.names({"arpu": ["b0", "b1"], "is_campus": "on"}) == "B0 or B1, On"
    assert said.names({}) == "everybody"
    assert said.rule({"is_campus": "on"}) == "campus: yes"
    assert said.edit(Merge({"arpu": ("b0",)})) == "B0: merged into one cell"
    assert said.edit(Split({}, "arpu")) == "everybody: split by Arpu"


def test_a_rule_that_the_catalogue_left_behind_is_shown_as_it_is_written() -> None:
    assert words(boolean("is_campus"), scope="gone > 5").scope() == "gone > 5"
    assert words(boolean("is_campus")).scope() == ""


def test_numbers_are_written_as_people_write_them() -> None:
    assert [number(n) for n in (0, 50.0, 1234567, 0.125, -2.5)] == [
        "0",
        "50",
        "1,234,567",
        "0.125",
        "-2.5",
    ]
