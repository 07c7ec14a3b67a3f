"""Any table of one's own: what the models reach on it with their defaults, in the same folds.

    TABLE=calls.csv OUTCOME=y=yes WITHOUT=duration make bench-models ONLY=table

TABLE    a file of CSV, Parquet or XLSX, one row per customer
OUTCOME  the column of the outcome, and which of its values means that it happened: ``churn=Yes``;
         without a value: true, yes, 1
WITHOUT  columns that are not candidates, by comma; what the leak detector refuses is left out too
TREATED  who was contacted, by lot, written as OUTCOME: then the uplift is measured as well
"""

import os
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.figures import Figure, Found, index_tree, propensity, uplift
from bench.public_data import Outcomes, outcomes
from scoring.learning.curves import ladder
from scoring.learning.estimates import auc, limits
from scoring.learning.evaluation import tenths
from scoring.learning.leaks import LeakDetector
from scoring.learning.propensity import Propensity
from scoring.learning.qini import measure, qini

NUMERIC_SHARE = 0.95  # of a text column's values that read as numbers: it is one
DISTINCT_SHARE = 0.5  # of a text column's values that differ: it names customers
TOP = 10
TRUE = {"true", "t", "yes", "y", "1", "1.0"}
READERS = {".parquet": pd.read_parquet, ".xlsx": pd.read_excel}


def read(path: Path) -> pd.DataFrame:
    """The table as it is; of CSV the delimiter is found out."""
    reader = READERS.get(path.suffix.lower(), partial(pd.read_csv, sep=None, engine="python"))
    return reader(path)


def happened(frame: pd.DataFrame, written: str) -> pd.Series:
    """Where ``column=value`` holds, or where ``column`` is true."""
    column, _, value = written.partition("=")
    if column not in frame:
        raise SystemExit(f"{column!r} must be a column of the table; it has {list(frame.columns)}.")
    found = frame[column].astype(str).str.strip()
    chosen = found == value if value else found.str.lower().isin(TRUE)
    if not 0 < chosen.sum() < len(frame):
        values = sorted(found.unique())[:TOP]
        raise SystemExit(
            f"{written!r} must hold of some rows and not of others; it holds of {chosen.sum()} of "
            f"{len(frame)}. Name the value that counts, as in {column}={values[0]}."
        )
    return chosen


def candidates(frame: pd.DataFrame, without: set[str]) -> pd.DataFrame:
    """Numbers written as texts are numbers; texts that differ from row to row are no candidates."""
    kept = {}
    for name in frame.columns.difference(list(without), sort=False):
        column = frame[name]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            text = column.astype("string").str.strip().replace("", pd.NA)
            numbers = pd.to_numeric(text, errors="coerce")
            known = max(1, text.notna().sum())
            if numbers.notna().sum() >= NUMERIC_SHARE * known:
                column = numbers.astype("float64")
            elif text.nunique() > DISTINCT_SHARE * known:
                continue
            else:
                column = text.astype(object).where(text.notna(), None)
        kept[name] = column
    return pd.DataFrame(kept, index=frame.index)


@cache
def _told() -> tuple[Outcomes, NDArray[np.bool_] | None]:
    """The table with its outcome, and who was treated."""
    frame = read(Path(os.environ["TABLE"]))
    outcome, treated = os.environ["OUTCOME"], os.environ.get("TREATED", "")
    without = {name.strip() for name in os.environ.get("WITHOUT", "").split(",")}
    without |= {outcome.partition("=")[0], treated.partition("=")[0]}
    inputs = candidates(frame, without)
    data = outcomes("table", inputs, happened(frame, outcome), frame.index.to_series())
    return data, happened(frame, treated).to_numpy(dtype=bool) if treated else None


@cache
def _leaks() -> tuple[str, ...]:
    data, _ = _told()
    return tuple(LeakDetector(data.features).fit(data.x, data.y).leaks_)


@cache
def honest() -> Outcomes:
    """The table without what knows its outcome."""
    return _told()[0].without(*_leaks())


def leaks() -> Found:
    return Found(float(len(_leaks())), len(_told()[0].features), named=_leaks())


@cache
def _scored() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return propensity.ours(honest()), propensity.plain(honest())


def propensity_auc() -> Found:
    ours, plain = (auc(honest().y, scores) for scores in _scored())
    value, low, high = limits(ours)
    return Found(value, len(honest().y), low, high, limits(plain)[0])


def propensity_lift() -> Found:
    ours, plain = (tenths(ladder(honest().y, scores))[0].lift for scores in _scored())
    value, low, high = limits(ours)
    return Found(value, len(honest().y), low, high, limits(plain)[0])


def drivers() -> Found:
    data = honest()
    kept = [d.attribute for d in Propensity(data.features).fit(data.x, data.y).drivers_]
    return Found(float(len(kept)), len(data.y), named=tuple(kept[:TOP]))


def uplift_qini() -> Found:
    """Outcomes gained per 1,000 treated, above random order."""
    data, treated = honest(), _told()[1]
    assert treated is not None
    trial = uplift.Trial(data.features, data.x, data.y, treated)
    base = qini(uplift.out_of_fold(trial, uplift.plain), trial.y, trial.treated)
    found = measure(uplift.out_of_fold(trial, uplift.ours), trial.y, trial.treated).qini
    return Found(1000 * found.value, len(data.y), 1000 * found.low, 1000 * found.high, 1000 * base)


FIGURES = (
    (
        Figure("table.leaks", "features that know the outcome, left out below", leaks),
        Figure("table.propensity.auc", "AUC out of fold", propensity_auc),
        Figure(
            "table.propensity.lift", "lift of the top tenth, out of fold", propensity_lift, unit="×"
        ),
        Figure("table.propensity.drivers", "features kept, the strongest named", drivers),
        Figure("table.tree.auc", "AUC out of fold", partial(index_tree.auc, honest)),
        Figure("table.tree.calibration", "mean error", partial(index_tree.calibration, honest)),
    )
    if os.environ.get("TABLE") and os.environ.get("OUTCOME")
    else ()
) + (
    (Figure("table.uplift.qini", "Qini, outcomes per 1,000 treated", uplift_qini),)
    if os.environ.get("TABLE") and os.environ.get("TREATED")
    else ()
)
