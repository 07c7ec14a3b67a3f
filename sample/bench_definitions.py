"""Definitions of a stated size for benchmarks: the sample's attributes, sources and models, with
as many policies, campaigns, marketing rows and cells as asked for.

Everything follows from the numbers given: the same call writes the same bytes.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

SAMPLE = Path(__file__).resolve().parent.parent / "definitions" / "sample_province"
COPIED = ("organisation", "attributes", "sources", "strategies", "models")
ROWS_PER_POLICY = 10
DIMENSIONS = 3
STARTS, ENDS = date(2026, 1, 1), date(2027, 12, 31)
NULL_BAND = {"code": "unknown", "name": {"zh": "未知", "en": "unknown"}}
CHANNELS = ("front_desk", "outbound_call", "sms", "app", "web")
# Matrix, its quantile attribute, its two threshold attributes with the span of their cuts.
MATRICES = (
    ("retention", "value_index", (("arpu", 20.0, 400.0), ("voice_minutes", 10.0, 1_500.0))),
    ("stimulation", "arpu_3m", (("voice_minutes", 10.0, 1_500.0), ("balance", -10.0, 400.0))),
    ("uplift", "data_mb", (("arpu", 20.0, 400.0), ("handset_price", 500.0, 8_000.0))),
)
CAPITAL, CAPITAL_MORE = "hangzhou", 0.25  # its cuts are a quarter higher
RULES = (
    "arpu >= {low} and not has_data_pack",
    "brand in ('gotone', 'mzone') and data_mb >= {low}",
    "tenure_months >= 12 and contract_months_left <= {few}",
    "voice_minutes between {low} and {high} and not is_campus",
    "data_change >= {few} or voice_change <= -{few}",
    "handset_age_months >= {few} and plan_fee >= {fee}",
)


class _Plain(yaml.SafeDumper):
    """Writes what stands in several places out each time: no anchors for a reader to follow."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_definitions(directory: Path, policies: int, campaigns: int, cells: int) -> None:
    """Write a definitions directory with three matrices of at least ``cells`` cells each.

    A matrix has one quantile dimension and two with thresholds of which one city has its own, all
    with a null band. Each policy stands in ten marketing rows; a row covers a box of about half a
    per cent of a matrix's cells, so that a customer meets a handful of 200 policies' offers.
    """
    if min(policies, campaigns) < 1 or cells < 8:
        raise ValueError(
            f"at least 1 policy, 1 campaign and 8 cells are needed, "
            f"got {policies}, {campaigns} and {cells}"
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        shutil.copy(SAMPLE / f"{name}.yaml", directory / f"{name}.yaml")
    bands = _bands_for(cells)
    rng = np.random.default_rng([policies, campaigns, cells])
    documents = {
        "matrices": [_matrix(*matrix, bands) for matrix in MATRICES],
        "policies": [_policy(number) for number in range(policies)],
        "campaigns": [_campaign(number) for number in range(campaigns)],
        "marketing": _marketing(rng, policies, campaigns, bands),
        "priority": _priority(),
    }
    for name, content in documents.items():
        text = yaml.dump({name: content}, Dumper=_Plain, allow_unicode=True, sort_keys=False)
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")


def _bands_for(cells: int) -> int:
    """Return the number of bands, null band apart, that three dimensions need for so many cells."""
    bands = 1
    while (bands + 1) ** DIMENSIONS < cells:
        bands += 1
    return max(bands, 2)


def _matrix(
    code: str, ranked: str, cut: tuple[tuple[str, float, float], ...], bands: int
) -> dict[str, Any]:
    return {
        "code": code,
        "strategy": code,
        "name": _name("基准矩阵", "benchmark matrix", code),
        "dimensions": [
            _quantiles(ranked, bands),
            *(_thresholds(attribute, low, high, bands) for attribute, low, high in cut),
        ],
    }


def _quantiles(attribute: str, bands: int) -> dict[str, Any]:
    """Equal shares to six places; the lowest band takes what rounding leaves."""
    share = round(1 / bands, 6)
    shares = [*([share] * (bands - 1)), round(1 - share * (bands - 1), 6)]
    return {
        "code": f"by_{attribute}",
        "name": _name("分位", "quantile of", attribute),
        "kind": "quantiles",
        "attribute": attribute,
        "bands": [_band(place) | {"share": share} for place, share in enumerate(shares)],
        "null_band": NULL_BAND,
    }


def _thresholds(attribute: str, low: float, high: float, bands: int) -> dict[str, Any]:
    cuts = [round(float(c), 2) for c in np.linspace(low, high, bands - 1)]
    limits = [{}, *({"from": cut} for cut in cuts)]
    for limit, cut in zip(limits, cuts, strict=False):
        limit["to"] = cut
    return {
        "code": f"on_{attribute}",
        "name": _name("门限", "thresholds on", attribute),
        "kind": "thresholds",
        "attribute": attribute,
        "bands": [_band(place) | limit for place, limit in enumerate(limits)],
        "city_cuts": {CAPITAL: [round(cut + CAPITAL_MORE * abs(cut), 2) for cut in cuts]},
        "null_band": NULL_BAND,
    }


def _band(place: int) -> dict[str, Any]:
    return {"code": f"b{place}", "name": _name("第", "band", str(place + 1))}


def _name(zh: str, en: str, what: str) -> dict[str, str]:
    return {"zh": f"{zh} {what}", "en": f"{en} {what}"}


def _policy(number: int) -> dict[str, Any]:
    rule = RULES[number % len(RULES)].format(
        low=20 + number % 50, high=600 + number, few=3 + number % 12, fee=18 + number % 40
    )
    return {
        "number": _policy_number(number),
        "name": _name("基准政策", "benchmark policy", str(number)),
        "clauses": {"zh": ["次月生效"], "en": ["In force from next month"]},
        "cost": 1 + number % 20,
        "reward": 5 + number % 50,
        "margin": 10 + (number * 37) % 300,
        "take_up": f"0.02 + 0.{10 + number % 20} * data_mb / (data_mb + {1000 + 100 * number})",
        "eligibility": rule,
        "exclusivity_group": f"group{number % 25}",
        "channels": [CHANNELS[number % 5], CHANNELS[(number + 2) % 5]],
        "talking_points": {"zh": ["按您的使用情况更划算"], "en": ["Better value for your use"]},
        "valid": {"from": STARTS, "to": ENDS},
    }


def _policy_number(number: int) -> str:
    return f"P{number + 1:04d}"


def _campaign_code(number: int) -> str:
    return f"C{number + 1:03d}"


def _campaign(number: int) -> dict[str, Any]:
    """Every fifth campaign is the capital's own."""
    return {
        "code": _campaign_code(number),
        "name": _name("基准活动", "benchmark campaign", str(number + 1)),
        "organisation": CAPITAL if number % 5 == 4 else "zhejiang",
        "starts_on": STARTS,
        "ends_on": ENDS,
        "lever": 1.0 + (number % 5) / 10,
    }


def _marketing(
    rng: np.random.Generator, policies: int, campaigns: int, bands: int
) -> list[dict[str, Any]]:
    """Boxes of cells: in each dimension about a sixth of the bands, next to each other.

    A box drawn twice for the same policy and campaign is kept once.
    """
    rows: list[dict[str, Any]] = []
    width = max(1, round(bands * 0.17))
    for number in range(policies * ROWS_PER_POLICY):
        matrix, ranked, cut = MATRICES[number % len(MATRICES)]
        codes = [f"by_{ranked}", *(f"on_{attribute}" for attribute, _, _ in cut)]
        starts = rng.integers(0, bands - width + 1, DIMENSIONS)
        row = {
            "campaign": _campaign_code(number * 7 // ROWS_PER_POLICY % campaigns),
            "policy": _policy_number(number // ROWS_PER_POLICY),
            "matrix": matrix,
            "cells": {
                code: [f"b{place}" for place in range(start, start + width)]
                for code, start in zip(codes, starts, strict=True)
            },
        }
        if row not in rows[-ROWS_PER_POLICY:]:
            rows.append(row)
    return rows


def _priority() -> list[dict[str, Any]]:
    conditions = {
        "movement_grade = 'moving'": {"exclusivity_groups": ["group0", "group1"]},
        "complaints_90d >= 1": {"strategies": ["retention"]},
        "is_campus": {"policies": ["P0001"]},
        "data_change >= 30": {"campaigns": ["C001"]},
    }
    return [
        {"name": _name("优先", "priority", str(place)), "condition": condition, "prefer": prefer}
        for place, (condition, prefer) in enumerate(conditions.items(), start=1)
    ]
