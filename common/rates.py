"""A share of n, with its interval: for a single count and for whole columns of them. Pure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.959963984540054  # the normal's 97.5 % point: every interval is of 95 %


def wilson(hits: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the low and high limits of Wilson's score interval (1927) of ``hits`` in ``n``.

    Both may be arrays, and need not be whole (a tie counted by share). NaN where ``n`` is 0.
    """
    hits, n = np.broadcast_arrays(np.asarray(hits, np.float64), np.asarray(n, np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        share, z2 = np.clip(hits / n, 0.0, 1.0), Z * Z / n
        centre = (share + z2 / 2) / (1 + z2)
        half = Z / (1 + z2) * np.sqrt(share * (1 - share) / n + z2 / (4 * n))
    # At an end the interval ends there: rounding must not carry it beyond or keep it from it.
    low = np.where(share == 0, 0.0, np.maximum(0.0, centre - half))
    high = np.where(share == 1, 1.0, np.minimum(1.0, centre + half))
    unknown = n <= 0
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)
