"""How far each bin stands from its neighbour, beside the other attributes.

WOE is taken of one attribute alone. Among others that share its news a step from one bin to the
next may be worth less, or more, and not each step alike. A number's steps have weights of their
own, not less than 0, so that an order of bins is never turned round. A category's groups have no
order to keep: each may leave the line of its WOE to either side, as may unknown values, and the
penalty holds them back.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .binning import Binning
from .propensity_logit import Coded, fitted

Floats = NDArray[np.float64]

# Log-odds: under the weakest penalty about as far as a group is believed to leave its line.
DEVIATION = 0.5
TOLERANCE = 1e-5  # of the loss: how far they all weigh together is fitted once more after it
FEW = 5  # a start is found on one row of so many
MOST_COLUMNS = 250  # that are summed up over all rows in little time


def shaped(data: Coded, binnings: Sequence[Binning], ridge: float) -> Floats:
    """Return tables like ``data.tables`` (columns × places), log-odds beside each other."""
    width = data.tables.shape[1]
    steps = [_groups(b, width) if b.groups else _steps(b, width) for b in binnings]
    owner = np.repeat(np.arange(len(binnings)), [len(s) for s in steps])
    design = np.concatenate(steps)
    own = Coded(data.codes[owner], design, data.y)
    # Most steps towards the minimum are as good on few rows.
    start = fitted(own.head(data.rows // FEW), ridge, tolerance=1e-3)
    point = fitted(own, ridge, start, tolerance=TOLERANCE)
    tables = np.zeros_like(data.tables)
    np.add.at(tables, owner, point.weights[:, None] * design)
    return tables


def sides(binnings: Sequence[Binning], tables: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return columns for weights that can't be less than 0, and whose each of them is.

    All have the line of their WOE; a category's groups may leave it to either side; and a number's
    steps weigh unlike where that makes few columns enough.
    """
    width = tables.shape[1]
    fine = sum(b.bins for b in binnings) <= MOST_COLUMNS
    columns = []
    for binning, line in zip(binnings, tables, strict=True):
        beside = np.zeros((0, width))
        if binning.bins > 1 and binning.groups:
            beside = _free(binning, width)
        elif binning.bins > 2 and fine:
            beside = _steps(binning, width)
        columns.append(np.concatenate([line[None], beside]))
    owner = np.repeat(np.arange(len(binnings)), [len(c) for c in columns])
    return owner, np.concatenate(columns)


def _steps(binning: Binning, width: int) -> Floats:
    """One row per step between neighbours: with weights 1 they add up to WOE.

    A step is centred on the rows with a known value, so that the average says 0, as does an unseen
    value.
    """
    woe, share = np.array(binning.woe), _shares(binning)
    steps = np.zeros((binning.bins - 1, width))
    for step, row in enumerate(steps, start=1):
        beyond = np.arange(binning.bins) >= step
        row[: binning.bins] = (woe[step] - woe[step - 1]) * (beyond - share[beyond].sum())
    return np.concatenate([steps, _unknown(binning, width)])


def _groups(binning: Binning, width: int) -> Floats:
    """A row for the line of WOE; per group one up and one down, none of which must weigh."""
    bins, share = binning.bins, _shares(binning)
    line = np.zeros((1, width))
    line[0, :bins] = binning.woe[:bins] - share @ binning.woe[:bins]
    return np.concatenate([line, _free(binning, width)])


def _free(binning: Binning, width: int) -> Floats:
    """Each group up, and down, the others the other way; the same of unknown values."""
    bins = binning.bins
    aside = np.zeros((bins, width))
    aside[:, :bins] = DEVIATION * (np.eye(bins) - _shares(binning))
    return np.concatenate([aside, -aside, _unknown(binning, width)])


def _unknown(binning: Binning, width: int) -> Floats:
    """Unknown values, towards their WOE and away from it; no row if there are none."""
    place = binning.bins
    if not binning.events[place] + binning.others[place]:
        return np.zeros((0, width))
    towards = np.zeros((1, width))
    towards[0, place] = binning.woe[place]
    return np.concatenate([towards, -towards])


def _shares(binning: Binning) -> Floats:
    """Of the rows with a known value, per bin."""
    rows = np.array(binning.events[: binning.bins]) + np.array(binning.others[: binning.bins])
    return np.asarray(rows / max(rows.sum(), 1), dtype=np.float64)
