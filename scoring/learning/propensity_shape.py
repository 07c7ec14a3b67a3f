"""How far each bin stands from its neighbour, beside the other attributes.

WOE is taken of one attribute alone. Among others that share its news a step from one bin to the
next may be worth less, or more, and not each step alike. Here every step has a weight of its own,
not less than 0, so that an order of bins is never turned round.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .binning import Binning
from .propensity_logit import Coded, fitted

Floats = NDArray[np.float64]


def shaped(data: Coded, binnings: Sequence[Binning], ridge: float) -> Floats:
    """Return tables like ``data.tables`` (columns × places), log-odds beside each other."""
    width = data.tables.shape[1]
    steps = [_steps(binning, width) for binning in binnings]
    owner = np.repeat(np.arange(len(binnings)), [len(s) for s in steps])
    design = np.concatenate(steps)
    point, _ = fitted(Coded(data.codes[owner], design, data.y), ridge)
    tables = np.zeros_like(data.tables)
    np.add.at(tables, owner, point.weights[:, None] * design)
    return tables


def _steps(binning: Binning, width: int) -> Floats:
    """One row per step between neighbours, and one for unknown: with weights 1 they add up to WOE.

    A step is centred on the rows with a known value, so that the average says 0, as does an unseen
    code.
    """
    bins, woe = binning.bins, np.array(binning.woe)
    rows = np.array(binning.events) + np.array(binning.others)
    steps = np.zeros((bins, width))
    for step in range(1, bins):
        beyond = np.arange(bins) >= step
        share = rows[:bins][beyond].sum() / rows[:bins].sum()
        steps[step - 1, :bins] = (woe[step] - woe[step - 1]) * (beyond - share)
    steps[-1, bins] = woe[bins]
    return steps if rows[bins] else steps[:-1]
