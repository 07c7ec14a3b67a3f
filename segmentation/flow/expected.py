"""Expected against observed: the cells that lose unusually many or few customers today.

The baseline of a matrix is a Markov chain on its cells, learned from the flows of the last days.
For day t and cell i let N_ijt be the customers who went from i to j (to no cell: departed),
n_it = Σ_j N_ijt the size of i the day before, and x_it = n_it - N_iit its outflow. A sum over the
days is written without t, today has t = 0.

Pure: pandas tables in, pandas tables out; nothing here knows of the lake or of Django.
"""

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Reason = Literal["small_cell", "short_history", "no_variance"]
Floats = NDArray[np.float64]

DAYS = 28
PSEUDO = 1.0
LEAST_DAYS = 5
LEAST_SIZE = 50
LEVEL = 0.05
# Below this a probability is a figure of speech, and its normal score is no number.
LEAST_P = 1e-300
# Days that differ more than a rate between 0 and 1 can: all leave or none do.
LEAST_WEIGHT = 1e-3


class MarkovChain:
    """How likely a customer of one cell is in another the day after.

    Parameters
    ----------
    pseudo : additive smoothing, in customers per cell of origin: ``a`` in (1).

    The ``a`` customers are spread evenly over the J places that a customer can go to (all cells,
    and departure)::

        p_ij = (N_ij + a / J) / (n_i + a)                                                    (1)

    This is the posterior mean under a Dirichlet prior of total weight ``a``. One customer per
    *place*, as Laplace has it, would drown a small cell of a matrix with thousands of them.

    ``fit`` learns ``transitions_`` (from_cell, to_cell, customers, probability; only what was
    seen), ``sizes_`` (n_i by cell) and ``places_`` (J).
    """

    def __init__(self, pseudo: float = PSEUDO) -> None:
        self.pseudo = pseudo

    def fit(self, flows: pd.DataFrame, places: int | None = None) -> Self:
        """Fit on rows (from_cell, to_cell, customers) of any number of days.

        Rows without ``from_cell`` (new customers) say nothing of leaving and are left out.
        ``places``: J; without it the cells that the rows name, and departure.
        """
        seen = flows[flows["from_cell"].notna()]
        by_pair = seen.groupby(["from_cell", "to_cell"], dropna=False)["customers"].sum()
        self.transitions_ = by_pair.reset_index()
        self.sizes_ = self.transitions_.groupby("from_cell")["customers"].sum()
        named = set(seen["from_cell"]) | set(seen["to_cell"].dropna())
        self.places_ = places or len(named) + 1
        sizes = self.sizes_.reindex(self.transitions_["from_cell"]).to_numpy(np.float64)
        customers = self.transitions_["customers"].to_numpy(np.float64)
        self.transitions_["probability"] = self._smoothed(customers, sizes)
        pairs = zip(self.transitions_["from_cell"], self.transitions_["to_cell"], strict=True)
        self._customers = {
            (int(i), None if pd.isna(j) else int(j)): n
            for (i, j), n in zip(pairs, customers, strict=True)
        }
        return self

    def probability(self, from_cell: int, to_cell: int | None) -> float | None:
        """p_ij, ``to_cell`` None: of departing. None for a cell that nobody was seen in."""
        if from_cell not in self.sizes_.index:
            return None
        customers = self._customers.get((from_cell, to_cell), 0.0)
        return float(self._smoothed(customers, float(self.sizes_[from_cell])))

    def _smoothed(self, customers: Any, sizes: Any) -> Any:
        return (customers + self.pseudo / self.places_) / (sizes + self.pseudo)


class OutflowBaseline:
    """What outflow each cell should have today, and how unusual the one it has is.

    Parameters
    ----------
    days : how many of the last days are learned from (weeks, so that weekdays weigh alike).
    pseudo : see MarkovChain.
    least_days, least_size : below these a cell is not estimable.
    level : the share of false alarms that is put up with among the cells called unusual.

    The expected outflow of a cell of size n_i0 is::

        E_i = n_i0 q_i,   q_i = 1 - p_ii                                                     (2)

    Customers of a cell do not leave independently: a bill or a campaign reaches many on one day.
    The variance is a binomial's times a factor estimated from the differences between the days
    (quasi-binomial; McCullagh and Nelder 1989, §4.5), with r_i = x_i / n_i and T_i days::

        φ_i = 1 / (T_i - 1)  Σ_t (x_it - n_it r_i)² / (n_it r_i (1 - r_i))                    (3)

    The outflow to come varies around E_i by that, and by the error of q_i::

        V_i = φ_i n_i0 r_i (1 - r_i) (1 + n_i0 / n_i)                                         (4)

    Few leave on most days and many on some, so the tails are not a normal curve's. A beta
    distribution of the rate with mean q_i and variance V_i / n_i0² gives the tail beyond x_i0
    (less half a customer), and its normal score u_i; that φ_i itself is estimated from T_i days
    makes it a score of Student's t. And no outflow is more unusual than it would be for customers
    who leave one by one, B ~ Binomial(n_i0, q_i)::

        p_i = max( 2 P(t[T_i - 1] > u_i),  2 min(P(B ≤ x_i0), P(B ≥ x_i0)) ),  at most 1      (5)

    z_i = ± Φ⁻¹(1 - p_i / 2) is the normal score that is as unusual. Over the estimable cells q
    values are Benjamini and Hochberg's (1995): a cell is unusual where its q is at most ``level``.

    ``fit`` learns, by cell in the order of ``cells_``: ``days_`` (T_i), ``sizes_`` (n_i),
    ``outflows_`` (x_i), ``leaving_`` (q_i) and ``dispersion_`` (φ_i; NaN where there is none).
    """

    def __init__(
        self,
        days: int = DAYS,
        pseudo: float = PSEUDO,
        least_days: int = LEAST_DAYS,
        least_size: int = LEAST_SIZE,
        level: float = LEVEL,
    ) -> None:
        self.days = days
        self.pseudo = pseudo
        self.least_days = least_days
        self.least_size = least_size
        self.level = level

    def fit(self, outflows: pd.DataFrame, places: int) -> Self:
        """Fit on rows (date, cell, size, stayed), one per day and cell, see ``outflows_of``.

        Only the last ``days`` dates are used; today's must not be among them. A day on which a
        cell was empty is none of its days. ``places``: J of (1).
        """
        dates = sorted(outflows["date"].unique())[-self.days :]
        history = outflows[outflows["date"].isin(dates) & (outflows["size"] > 0)]
        self.cells_, at = np.unique(history["cell"].to_numpy(np.int64), return_inverse=True)
        size = history["size"].to_numpy(np.float64)
        left = size - history["stayed"].to_numpy(np.float64)
        self.days_ = self._by_cell(at, np.ones_like(size)).astype(np.int64)
        self.sizes_, self.outflows_ = self._by_cell(at, size), self._by_cell(at, left)
        stayed = self.sizes_ - self.outflows_
        self.leaving_ = 1 - (stayed + self.pseudo / places) / (self.sizes_ + self.pseudo)
        self.dispersion_ = self._dispersion(at, size, left)
        return self

    def _by_cell(self, at: NDArray[np.intp], values: Floats) -> Floats:
        return np.bincount(at, values, minlength=len(self.cells_)).astype(np.float64)

    def _dispersion(self, at: NDArray[np.intp], size: Floats, left: Floats) -> Floats:
        """(3), NaN where no day differs from another or there is one day only."""
        rate = self.outflows_ / self.sizes_
        variance = size * (rate * (1 - rate))[at]
        squares = (left - size * rate[at]) ** 2
        each = np.divide(squares, variance, out=np.zeros_like(size), where=variance > 0)
        pearson = self._by_cell(at, each)
        # Equal rates leave a residue of the arithmetic.
        varies = (self.days_ > 1) & (pearson > 1e-9)
        free = np.maximum(self.days_ - 1, 1)
        return np.where(varies, pearson / free, np.nan)

    def score(self, today: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each row (cell, size, stayed) of ``today``, in its order.

        cell, size, observed   n_i0 and x_i0, customers
        days, dispersion       T_i and φ_i
        expected, low, high    E_i and the 95 % interval for x_i0, within 0 and n_i0
        z, p, q, unusual       (5), positive where more left than expected
        reason                 why there are none of these: a code of ``Reason``; "" where there are

        ``expected`` is given wherever the cell has a history; what is not estimable is NaN.
        """
        size = today["size"].to_numpy(np.float64)
        left = size - today["stayed"].to_numpy(np.float64)
        past = self._past_of(today["cell"].to_numpy(np.int64))
        reason = self._reasons(size, past)
        known = reason == ""
        scored = pd.DataFrame(
            {
                "cell": today["cell"].to_numpy(np.int64),
                "size": size.astype(np.int64),
                "observed": left.astype(np.int64),
                "days": past["days"].astype(np.int64),
                "expected": size * past["leaving"],
                "dispersion": past["dispersion"],
                "reason": reason,
            }
        )
        for name in ("low", "high", "z", "p", "q"):
            scored[name] = np.nan
        if known.any():
            figures = _figures(size[known], left[known], {k: v[known] for k, v in past.items()})
            for name, values in figures.items():
                scored.loc[known, name] = values
        scored["unusual"] = scored["q"] <= self.level
        return scored

    def _past_of(self, cells: NDArray[np.int64]) -> dict[str, Floats]:
        """What was learned of these cells; 0 days and NaN of who is new."""
        found = pd.Index(self.cells_).get_indexer(cells)
        learned = {
            "days": self.days_.astype(np.float64),
            "size": self.sizes_,
            "outflow": self.outflows_,
            "leaving": self.leaving_,
            "dispersion": self.dispersion_,
        }
        past = {
            k: np.where(found >= 0, np.append(v, np.nan)[found], np.nan) for k, v in learned.items()
        }
        past["days"] = np.nan_to_num(past["days"])
        return past

    def _reasons(self, size: Floats, past: dict[str, Floats]) -> NDArray[np.object_]:
        """The first that holds: too few customers, too few days, days that do not differ."""
        reason = np.full(len(size), "", dtype=object)
        reason[np.isnan(past["dispersion"])] = "no_variance"
        reason[past["days"] < self.least_days] = "short_history"
        reason[size < self.least_size] = "small_cell"
        return reason


def outflows_of(flows: pd.DataFrame) -> pd.DataFrame:
    """Rows (date, cell, size, stayed) from rows (date, from_cell, to_cell, customers).

    New customers, who have no ``from_cell``, are left out.
    """
    known = flows[flows["from_cell"].notna()]
    stays = known["from_cell"] == known["to_cell"]
    counted = pd.DataFrame(
        {
            "date": known["date"],
            "cell": known["from_cell"].astype(np.int64),
            "size": known["customers"],
            "stayed": known["customers"].where(stays, 0),
        }
    )
    return counted.groupby(["date", "cell"], as_index=False)[["size", "stayed"]].sum()


def _figures(size: Floats, left: Floats, past: dict[str, Floats]) -> dict[str, Floats]:
    """(4) and (5) of the cells that are estimable."""
    mean, rate = past["leaving"], past["outflow"] / past["size"]
    variance = past["dispersion"] * rate * (1 - rate) * (1 / size + 1 / past["size"])
    weight = np.maximum(mean * (1 - mean) / variance - 1, LEAST_WEIGHT)
    shape = stats.beta(mean * weight, (1 - mean) * weight)
    free = past["days"] - 1
    more = left > size * mean
    edge = np.clip((left + np.where(more, -0.5, 0.5)) / size, 0, 1)
    tail = np.clip(np.where(more, shape.sf(edge), shape.cdf(edge)), LEAST_P, 0.5)
    together = 2 * stats.t.sf(stats.norm.isf(tail), free)
    singly = 2 * np.minimum(stats.binom.cdf(left, size, mean), stats.binom.sf(left - 1, size, mean))
    p = np.clip(np.maximum(together, singly), LEAST_P, 1.0)
    beyond = stats.norm.sf(stats.t.ppf(0.975, free))
    return {
        "low": size * shape.ppf(beyond),
        "high": size * shape.isf(beyond),
        "z": np.where(more, 1.0, -1.0) * stats.norm.isf(p / 2),
        "p": p,
        "q": stats.false_discovery_control(p, method="bh"),
    }
