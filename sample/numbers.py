"""Customer numbers: 11 digits that look like mobile numbers and can be nobody's.

Mainland mobile numbers begin with 13 to 19; 12x is kept for short service codes (120 ambulance,
122 traffic accidents, 12306, 12345 …), so no subscriber's number begins with 12.
"""

import numpy as np
from numpy.typing import NDArray

PREFIX = 12
SPACE = 10**9
# Multiplying by a number that shares no factor with SPACE visits every number once.
MULTIPLIER = 618_033_989
OFFSET = 271_828_183
MOST_CUSTOMERS = 100_000_000
MOST_DAYS = 31

BASE = 0
RECRUITS = MOST_CUSTOMERS
JOINERS = 2 * MOST_CUSTOMERS


def customer_numbers(slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each slot (0 … SPACE - 1): unique, and in no visible order."""
    return PREFIX * SPACE + (slots.astype(np.int64) * MULTIPLIER + OFFSET) % SPACE
