"""The province on a date, block by block: who is there, and what is known of them.

A block is 65,536 customers of the first day, made from the seed and its number alone. Thirty days
before, on the training day, other people sat in some of the seats: those who then left. They are
known by their label and gone on the first day, when recruits have taken their seats. From then on
2.5 % of a block change each day, one customer in two thousand leaves and one in a thousand joins.

Figures that come with a bill (tenure, months of contract) stay as of the first day, which is why a
province lasts one billing month at most.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .churn import (
    DAYS_WATCHED,
    draw_signs,
    leave_today,
    leave_within_month,
    leaving_probability,
    rounded,
)
from .draws import Stage, chance, normals, stream
from .numbers import BASE, JOINERS, MOST_CUSTOMERS, MOST_DAYS, RECRUITS
from .people import Columns, draw_people, select, stack
from .places import PLANS
from .use import FEES, MOST_YUAN, draw_use

BLOCK = 1 << 16
CHANGING_A_DAY = 0.025
JOINING_A_DAY = 0.001
_SOMETIMES = {"complaints_90d": 0.15, "competitor_calls": 0.10, "hall_visits_90d": 0.30}
_MOST = {"data_mb": 2_000_000, "voice_minutes": 44_640, "sms_count": 100_000}  # of a month
# Cohorts, as places of random streams: those of the training day, recruits since, later joiners.
FIRST, RECRUIT, JOINER = range(3)
TRAINING_MONTH, DAILY_MONTH = range(2)


@dataclass(frozen=True)
class Province:
    """What is made: so many customers on ``first_day``, and the days that follow it."""

    customers: int
    first_day: date
    days: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= MOST_CUSTOMERS:
            raise ValueError(f"customers must be 1 to {MOST_CUSTOMERS}, got {self.customers}")
        if not 1 <= self.days <= MOST_DAYS:
            raise ValueError(f"days must be 1 to {MOST_DAYS}, got {self.days}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")

    @property
    def training_day(self) -> date:
        return self.first_day - timedelta(days=DAYS_WATCHED)

    @property
    def blocks(self) -> int:
        return -(-self.customers // BLOCK)

    def size(self, block: int) -> int:
        return min(BLOCK, self.customers - block * BLOCK)

    def day(self, number: int) -> date:
        return self.first_day + timedelta(days=number)


def training_block(province: Province, block: int) -> Columns:
    """Return a block as it was thirty days before the first day, with who left since."""
    people, signs, left = _training_month(province, block)
    rng = stream(province.seed, Stage.USE, FIRST, TRAINING_MONTH, block)
    return people | signs | draw_use(rng, people, signs) | {"left_within_30d": left}


def daily_block(province: Province, block: int, number: int) -> Columns:
    """Return a block on the day ``number`` (0: the first), in the order of the seats."""
    month = _first_day(province, block)
    risk = leaving_probability(month)
    gone = np.zeros(len(risk), dtype=bool)
    cohorts = []
    for passed in range(1, number + 1):
        change(stream(province.seed, Stage.CHANGE, block, passed), month)
        gone |= leave_today(stream(province.seed, Stage.LEAVING, block, passed), risk)
        cohorts.append(_joiners(province, block, passed))
    return stack([select(month, ~gone) if number else month, *cohorts])


def change(rng: Generator, month: Columns) -> None:
    """Let a day pass for 2.5 % of the customers, in place: use, money and mood are others then."""
    rows = np.flatnonzero(chance(rng, CHANGING_A_DAY, len(month["city"])))
    n = len(rows)
    factor = np.exp(0.3 * normals(rng, n))
    month["app_logins_30d"][rows] += 1
    for name, most in _MOST.items():
        month[name][rows] = np.minimum(np.rint(month[name][rows] * factor), most)
    for name in ("data_change", "voice_change", "arpu_change"):
        moved = (month[name][rows] + 100) * factor - 100
        month[name][rows] = rounded(np.clip(moved, -100, 500), 1)
    for name in ("arpu", "arpu_3m"):
        month[name][rows] = rounded(np.minimum(month[name][rows] * factor, MOST_YUAN), 1)
    for name, share in _SOMETIMES.items():
        month[name][rows] += chance(rng, share, n)
    for product in ("has_mobile_paper", "has_cloud_drive"):
        month[product][rows] ^= chance(rng, 0.05, n)
    up = rows[chance(rng, 0.05, n)]
    month["plan"][up] = np.minimum(month["plan"][up] + 1, len(PLANS) - 1)
    month["plan_fee"][up] = FEES[month["plan"][up]]


def _training_month(province: Province, block: int) -> tuple[Columns, Columns, NDArray[np.bool_]]:
    """Who was there on the training day, their signs of leaving, and who left."""
    seed, day, n = province.seed, province.training_day, province.size(block)
    people = draw_people(stream(seed, Stage.PEOPLE, FIRST, block), n, day)
    signs = draw_signs(stream(seed, Stage.SIGNS, FIRST, TRAINING_MONTH, block), people, day)
    people["slot"] = BASE + block * BLOCK + np.arange(n)
    left = leave_within_month(stream(seed, Stage.LEAVING, block, 0), signs)
    return people, signs, left


def _first_day(province: Province, block: int) -> Columns:
    """Those who stayed and those recruited in the seats of those who left."""
    seed, day = province.seed, province.first_day
    people, _, left = _training_month(province, block)
    rng = stream(seed, Stage.PEOPLE, RECRUIT, block)
    recruits = draw_people(rng, int(left.sum()), day, recruited_within=DAYS_WATCHED)
    recruits["slot"] = RECRUITS + block * BLOCK + np.arange(len(recruits["city"]))
    people = stack([select(people, ~left), recruits])
    return _month(province, people, FIRST, block, 0, day)


def _joiners(province: Province, block: int, passed: int) -> Columns:
    """Those who joined on the day ``passed``."""
    n = round(province.size(block) * JOINING_A_DAY)
    day = province.day(passed)
    rng = stream(province.seed, Stage.PEOPLE, JOINER, block, passed)
    people = draw_people(rng, n, day, recruited_within=1)
    most = round(BLOCK * JOINING_A_DAY)
    seats = (passed * (MOST_CUSTOMERS // BLOCK + 1) + block) * most
    people["slot"] = JOINERS + seats + np.arange(n)
    return _month(province, people, JOINER, block, passed, day)


def _month(
    province: Province, people: Columns, cohort: int, block: int, passed: int, day: date
) -> Columns:
    place = (cohort, DAILY_MONTH, block, passed)
    signs = draw_signs(stream(province.seed, Stage.SIGNS, *place), people, day)
    return people | signs | draw_use(stream(province.seed, Stage.USE, *place), people, signs)
