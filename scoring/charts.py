"""Small charts as coordinates, drawn by the template scoring/chart.html. Pure.

Whatever a chart shows stands in a table beside it: it is an aid to reading, not the figure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, cos, floor, log10, radians, sin
from typing import Any

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 10, 38
TICKS = 5
# How wide a letter is about (a Chinese one twice as wide), and how names slant that are too long.
LETTER = 6
SLANT = radians(40)
Pair = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    at: str
    text: str


@dataclass(frozen=True)
class Dot:
    """A point with its interval, all in the chart's coordinates."""

    x: str
    y: str
    low: str
    high: str


@dataclass(frozen=True)
class Bar:
    x: str
    y: str
    width: str
    height: str


@dataclass
class Chart:
    """``x``, ``y``: the ranges of the axes; lines, areas, dots, bars are added in their units.

    shares   the axes ("x", "y" or "xy") whose units are shares: they are numbered in per cent
    slanted  whether the names along x are too long to stand upright
    """

    label: str
    x_name: str
    y_name: str
    x: Pair
    y: Pair
    shares: str = ""
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    guides: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM
    slanted: bool = False

    def __post_init__(self) -> None:
        """Give a range that is a point some width, and number the axes."""
        self.x, self.y = _wide(self.x), _wide(self.y)
        steps = round_steps(self.y, shares="y" in self.shares)
        self.left = max(self.left, LETTER * max((len(text) for _, text in steps), default=0) + 10)
        self.y_ticks = [Tick(self.down(value), text) for value, text in steps]
        if not self.x_ticks:
            steps = round_steps(self.x, shares="x" in self.shares)
            self.x_ticks = [Tick(self.across(value), text) for value, text in steps]

    def across(self, value: float) -> str:
        low, high = self.x
        return _short(self.left + (value - low) / (high - low) * (self.right - self.left))

    def down(self, value: float) -> str:
        low, high = self.y
        return _short(self.bottom - (value - low) / (high - low) * (self.bottom - self.top))

    def line(self, points: Iterable[Pair], *, guide: bool = False) -> None:
        """Join the points; a guide is what the line is held against."""
        (self.guides if guide else self.lines).append(self._path(points))

    def area(self, lows: Sequence[Pair], highs: Sequence[Pair]) -> None:
        self.areas.append(self._path([*lows, *reversed(highs)]))

    def dot(self, x: float, value: float, low: float, high: float) -> None:
        self.dots.append(Dot(self.across(x), self.down(value), self.down(low), self.down(high)))

    def columns(self, names: Sequence[str], values: Sequence[float], most: int = 10) -> None:
        """One bar per name, from 0; ``x`` must be (0, how many). At most so many are named."""
        step = (self.right - self.left) / len(names)
        zero = float(self.down(0))
        for place, value in enumerate(values):
            start, end = self.left + (place + 0.15) * step, float(self.down(value))
            top, height = _short(min(zero, end)), _short(abs(zero - end))
            self.bars.append(Bar(_short(start), top, _short(0.7 * step), height))
        self.name_steps(names, most)

    def name_steps(self, names: Sequence[str], most: int) -> None:
        """Name equal steps along x, at their middle; at most so many of them.

        Names wider than their step slant, and are cut where they would leave the chart.
        """
        step, each = (self.right - self.left) / len(names), ceil(len(names) / most)
        named = [(place, name) for place, name in enumerate(names) if place % each == 0]
        widest = LETTER * max(width(name) for _, name in named)
        if widest > each * step:
            room = (self.left + step / 2) / cos(SLANT)
            named = [(place, fitted(name, int(room / LETTER))) for place, name in named]
            self.slanted = True
            self.height = HEIGHT + ceil(min(widest, room) * sin(SLANT)) - LETTER
        self.x_ticks = [Tick(_short(self.left + (n + 0.5) * step), name) for n, name in named]

    def _path(self, points: Iterable[Pair]) -> str:
        return " ".join(f"{self.across(x)},{self.down(y)}" for x, y in points)


def roc(curve: Sequence[dict[str, Any]], label: str, x_name: str, y_name: str) -> Chart:
    chart = Chart(label, x_name, y_name, (0, 1), (0, 1), shares="xy")
    chart.line([(0, 0), (1, 1)], guide=True)
    chart.line([(p["alarms"], p["recall"]) for p in curve])
    return chart


def gain(tenths: Sequence[dict[str, Any]], label: str, x_name: str, y_name: str) -> Chart:
    """Positives found when so many of the highest scores are called, with intervals."""
    chart = Chart(label, x_name, y_name, (0, 1), (0, 1), shares="xy")
    chart.line([(0, 0), (1, 1)], guide=True)
    told = [(t["tenth"] / 10, t["gain"]) for t in tenths if t["gain"]["value"] is not None]
    chart.area([(x, g["low"]) for x, g in told], [(x, g["high"]) for x, g in told])
    chart.line([(0, 0), *((x, g["value"]) for x, g in told)])
    return chart


def lift(tenths: Sequence[dict[str, Any]], label: str, x_name: str, y_name: str) -> Chart:
    values = [t["lift"]["value"] or 0.0 for t in tenths]
    most = max([1.0, *values, *(t["lift"]["high"] or 0.0 for t in tenths)])
    chart = Chart(label, x_name, y_name, (0, len(tenths)), (0, most))
    chart.line([(0, 1), (len(tenths), 1)], guide=True)
    chart.columns([str(t["tenth"]) for t in tenths], values)
    for place, tenth in enumerate(tenths):
        if tenth["lift"]["value"] is not None:
            chart.dot(place + 0.5, *(tenth["lift"][end] for end in ("value", "low", "high")))
    return chart


def calibration(tenths: Sequence[dict[str, Any]], label: str, x_name: str, y_name: str) -> Chart:
    """What came over what was foretold: a right score lies on the diagonal."""
    highs = [t["rate"]["high"] or 0.0 for t in tenths]
    most = min(1.0, max([t["foretold"] for t in tenths] + highs) * 1.05)
    chart = Chart(label, x_name, y_name, (0, most), (0, most), shares="xy")
    chart.line([(0, 0), (most, most)], guide=True)
    for tenth in tenths:
        rate = tenth["rate"]
        if rate["value"] is not None:
            chart.dot(tenth["foretold"], rate["value"], rate["low"], min(most, rate["high"]))
    return chart


def dependence(
    steps: Sequence[dict[str, Any]], names: Sequence[str], label: str, x_name: str, y_name: str
) -> Chart:
    """The mean score over a number's values, as a line; over codes, as bars. Unknown: bars only."""
    numbers = [s for s in steps if s["number"] is not None]
    low, high = min(s["low"] for s in steps), max(s["high"] for s in steps)
    if not numbers:
        chart = Chart(label, x_name, y_name, (0, len(steps)), (0, max(high, 1e-9)))
        chart.columns(names, [s["mean"] for s in steps], most=6)
        return chart
    at = [s["number"] for s in numbers]
    chart = Chart(label, x_name, y_name, (min(at), max(at)), (min(0.0, low), high))
    chart.area(
        [(s["number"], s["low"]) for s in numbers], [(s["number"], s["high"]) for s in numbers]
    )
    chart.line([(s["number"], s["mean"]) for s in numbers])
    return chart


def spark(values: Sequence[float | None], width: int = 120, height: int = 24) -> str:
    """A line of values in a box of this size, from 0; the days without one are left out."""
    known = [(place, v) for place, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return ""
    most = max([v for _place, v in known] + [1e-9])
    step = width / (len(values) - 1)
    return " ".join(f"{_short(p * step)},{_short(height - v / most * height)}" for p, v in known)


def round_steps(ends: Pair, *, shares: bool = False) -> list[tuple[float, str]]:
    """Round values within the range, about TICKS of them, each with its text."""
    low, high = ends
    rough = (high - low) / TICKS
    size = 10.0 ** floor(log10(rough))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= rough * (1 - 1e-9))
    digits = max(0, -floor(log10(step) + 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    form = f".{max(0, digits - 2)}%" if shares else f",.{digits}f"
    values = [n * step for n in range(first, last + 1)]
    return [(v, f"{v:{form}}".replace("%", "\u202f%").replace("-", "−")) for v in values]


def width(text: str) -> int:
    """In letters: a Chinese one takes the room of two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def fitted(text: str, columns: int) -> str:
    """The text, cut with … where it is wider than so many letters."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 2:
        text = text[:-1]
    return text.rstrip() + "…"


def _wide(ends: Pair) -> Pair:
    low, high = ends
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _short(value: float) -> str:
    return f"{value:.1f}"
