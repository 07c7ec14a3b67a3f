"""The cities of the province, its brands and its plans."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class City:
    """``raw``: the area code that source files carry. ``people``: in 10,000, of the 2020 census."""

    code: str
    raw: str
    people: int
    brands: tuple[float, float, float] = (0.24, 0.31, 0.45)


# The shares of the cities follow the 2020 census. The brands (GoTone, M-Zone, Easyown) of the
# richer and the student cities differ from the rest.
CITIES = (
    City("hangzhou", "0571", 1194, (0.32, 0.34, 0.34)),
    City("ningbo", "0574", 940, (0.30, 0.29, 0.41)),
    City("wenzhou", "0577", 957, (0.26, 0.28, 0.46)),
    City("jiaxing", "0573", 540),
    City("huzhou", "0572", 337),
    City("shaoxing", "0575", 527),
    City("jinhua", "0579", 705, (0.24, 0.35, 0.41)),
    City("quzhou", "0570", 228, (0.16, 0.30, 0.54)),
    City("zhoushan", "0580", 116),
    City("taizhou", "0576", 662),
    City("lishui", "0578", 251, (0.16, 0.30, 0.54)),
)
CITY_SHARES = np.array([c.people for c in CITIES]) / sum(c.people for c in CITIES)

BRANDS = ("gotone", "mzone", "easyown")
GOTONE, MZONE, EASYOWN = range(3)
BRAND_SHARES = CITY_SHARES @ np.array([c.brands for c in CITIES])


@dataclass(frozen=True)
class Plan:
    code: str
    fee: int


# In order of their fee, yuan a month.
PLANS = (
    Plan("4G-8", 8),
    Plan("4G-18", 18),
    Plan("4G-28", 28),
    Plan("4G-38", 38),
    Plan("4G-58", 58),
    Plan("5G-69", 69),
    Plan("4G-88", 88),
    Plan("5G-99", 99),
    Plan("5G-128", 128),
    Plan("5G-169", 169),
    Plan("5G-239", 239),
    Plan("5G-339", 339),
    Plan("5G-599", 599),
)
