"""Small charts: every number and name within the drawing, every bar drawn."""

import re

import pytest
from django.template.loader import render_to_string

from scoring.charts import LETTER, Chart, fitted, round_steps, width


def chart(names: list[str], values: list[float]) -> Chart:
    ends = (min(0.0, *values), max(0.0, *values))
    made = Chart("chart", "name", "yuan", (0, len(names)), ends)
    made.columns(names, values)
    return made


def test_a_loss_is_a_bar_below_the_line() -> None:
    gain, loss = chart(["app", "desk"], [10.0, -30.0]).bars
    assert float(gain.y) + float(gain.height) == pytest.approx(float(loss.y))
    assert float(loss.height) == pytest.approx(3 * float(gain.height), abs=0.2)


@pytest.mark.parametrize("most", [1.0, 12_000_000.0])
def test_the_numbers_of_the_upward_axis_have_room(most: float) -> None:
    made = chart(["a"], [most])
    assert made.left >= LETTER * max(width(tick.text) for tick in made.y_ticks)
    assert float(made.bars[0].x) > made.left


def test_names_too_long_to_stand_side_by_side_slant_and_stay_in_the_chart() -> None:
    short, long = chart(["a", "b"], [1.0, 2.0]), chart(["流量加油包月度促销"] * 8, [1.0] * 8)
    assert (short.slanted, long.slanted) == (False, True)
    assert long.height > short.height
    assert all(tick.text.endswith("…") for tick in long.x_ticks)
    assert "rotate(-40" in render_to_string("scoring/chart.html", {"chart": long})
    assert "rotate" not in render_to_string("scoring/chart.html", {"chart": short})


def test_shares_are_numbered_in_per_cent_and_what_is_below_zero_with_a_minus() -> None:
    assert [text for _, text in round_steps((0, 1), shares=True)][-1] == "100\u202f%"
    assert [text for _, text in round_steps((0, 0.03), shares=True)][1] == "1\u202f%"
    assert next(text for _, text in round_steps((-2, 0))) == "−2.0"
    drawn = Chart("chart", "x", "y", (0, 1), (0, 1), shares="y")
    assert "%" in drawn.y_ticks[1].text
    assert "%" not in drawn.x_ticks[1].text


def test_a_text_that_fits_is_whole() -> None:
    assert fitted("mailbox", 7) == "mailbox"
    assert not re.search(r"\s…", fitted("mobile newspaper", 8))
