"""Which bands of two versions may hold the same customers, and who stands for whom."""

from dataclasses import replace

import pytest

from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Dimension, Name
from segmentation.lineage import bands_meet, heirs

from .matrices import boolean, matrix, named, thresholds


def dimension(body: dict) -> Dimension:
    return MatrixDefinition.from_json(matrix(body)).dimensions[0]


def rules(*texts: str) -> Dimension:
    bands = [named(f"r{n}", rule=text) for n, text in enumerate(texts)]
    return dimension(named("who", kind="rules", bands=[*bands, named("rest", **{"else": True})]))


def codes(old: Dimension, new: Dimension) -> dict[str, tuple[str, ...]]:
    return {band.code: heirs(old, band, new) for band in old.all_bands}


def itself(old: Dimension) -> dict[str, tuple[str, ...]]:
    return {band.code: (band.code,) for band in old.all_bands}


def renamed(old: Dimension) -> Dimension:
    bands = tuple(replace(band, name=Name("新", "new")) for band in old.bands)
    return replace(old, bands=bands)


@pytest.mark.parametrize(
    "old", [dimension(thresholds("arpu", 50)), dimension(boolean("is_campus")), rules("arpu > 5")]
)
def test_other_words_change_nobody(old: Dimension) -> None:
    assert codes(old, renamed(old)) == itself(old)
    both = [(one, two) for one in old.all_bands for two in renamed(old).all_bands]
    assert all(bands_meet(old, a, renamed(old), b) == (a.code == b.code) for a, b in both)


def test_a_moved_limit_leaves_each_band_its_own_heir() -> None:
    old, new = (dimension(thresholds("arpu", cut)) for cut in (50, 60))
    assert codes(old, new) == itself(old)


def test_a_band_more_shares_what_one_had() -> None:
    old, new = dimension(thresholds("arpu", 50)), dimension(thresholds("arpu", 20, 50))
    assert codes(old, new)["b0"] == ("b0", "b1")


def test_another_attribute_tells_nothing() -> None:
    old, new = dimension(thresholds("arpu", 50)), dimension(thresholds("data_mb", 50))
    assert all(bands_meet(old, a, new, b) for a in old.all_bands for b in new.all_bands)


def test_the_unknown_stay_among_themselves_under_whatever_code() -> None:
    old = dimension(thresholds("arpu", 50))
    new = replace(old, null_band=replace(old.null_band, code="nobody_knows"))
    assert codes(old, new) == itself(old) | {"unknown": ("nobody_knows",)}


def test_rules_decide_alike_as_far_as_they_begin_alike() -> None:
    old, new = rules("arpu > 5", "is_campus"), rules("arpu > 5", "not is_campus", "arpu > 1")
    assert codes(old, new)["r0"] == ("r0",)
    assert codes(old, new)["r1"] == ("r1", "r2", "rest")
