"""The whole day at full size: 200 policies, 20 campaigns, three matrices of 8,000 cells and more.

Two provinces are run for two days each, one a tenth of the other, on a PostgreSQL of their own;
what the rows of their steps say of time and memory is reported. Between the days 2.5 % of the
customers change, so the second publication is one by difference.
"""

import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.measure import Row
from bench.province import DAYS, Province

POLICIES = 200
STEPS = ("ingest", "score", "assign", "match", "publish")
RESULTS = "days.json"

Steps = dict[str, dict[str, float]]


def prepare(work: Path, customers: int) -> None:
    """Run both provinces; keep seconds and peak MiB per step and day."""
    results = {
        name: _run_province(work / name, size)
        for name, size in (("tenth", max(1, customers // 10)), ("whole", customers))
    }
    (work / RESULTS).write_text(json.dumps(results))


def _run_province(home: Path, customers: int) -> list[Steps]:
    province = Province(home)
    with province.up():
        province.make(customers, POLICIES, DAYS)
        return [_steps(province.url, day) for day in DAYS]


def _steps(url: str, day: date) -> Steps:
    query = """
        SELECT s.name, extract(epoch FROM s.finished_at - s.started_at)::float8, s.peak_mib
        FROM jobs_step s JOIN jobs_run r ON r.id = s.run_id WHERE r.business_date = %s
    """
    with psycopg.connect(url) as connection:
        rows = connection.execute(query, [day]).fetchall()
    return {name: {"seconds": seconds, "peak_mib": peak} for name, seconds, peak in rows}


# --- what the rows read from it ---


def _results(work: Path) -> Any:
    return json.loads((work / RESULTS).read_text())


def _seconds(step: str, work: Path, customers: int) -> float:
    return float(_results(work)["whole"][0][step]["seconds"])


def _peak(work: Path, customers: int) -> float:
    days = _results(work)["whole"]
    return max(float(s["peak_mib"]) for day in days for s in day.values()) / 1024


def _growth(work: Path, customers: int) -> float:
    tenth, whole = (
        sum(step["seconds"] for step in _results(work)[name][0].values())
        for name in ("tenth", "whole")
    )
    return float(whole / tenth)


def _publish_by_difference(work: Path, customers: int) -> float:
    full, difference = (day["publish"]["seconds"] for day in _results(work)["whole"])
    return float(difference / full)


ROWS = (
    Row("day_peak", "peak memory of the whole day, any step", _peak, 8, "GiB"),
    Row("day_growth", "the whole day against a tenth of the customers", _growth, 11),
    *(
        Row(f"day_{step}", f"{step}, first day", partial(_seconds, step), None, "s")
        for step in STEPS
    ),
    Row(
        "publish_difference",
        "publishing a day on which 2.5 % changed, against a full one",
        _publish_by_difference,
        0.25,
    ),
)
