"""Which bands hold a customer, read off a matrix's JSON: one customer at a time, no SQL.

A customer is a row of attribute code → value. Whoever is in no band, or in two, gets a list that
says so; only a partition gives one code per dimension. Also the attributes that the tests use.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import ceil, inf, isfinite
from typing import Any

from rules import Attribute, Catalogue, compile_condition
from rules.reference import evaluate

Json = dict[str, Any]
Row = Mapping[str, Any]

DAY = date(2026, 6, 1)
CITIES = ("hangzhou", "ningbo", "wenzhou")
BRANDS = ("gotone", "mzone", "easyown")


def attribute(code: str, type_: Any, values: Sequence[str] = ()) -> Attribute:
    return Attribute(code, type_, code, code, tuple((v, v, v) for v in values))


CATALOGUE = Catalogue(
    [
        attribute("arpu", "number"),
        attribute("tenure", "integer"),
        attribute("movement_index", "number"),
        attribute("value_index", "number"),
        attribute("brand", "category", BRANDS),
        attribute("handset", "text"),
        attribute("is_campus", "boolean"),
        attribute("join_date", "date"),
        attribute("city", "category", CITIES),
    ]
)
# Computed by models: they come in the partition of scores, not in the snapshot.
SCORES = ("movement_index", "value_index")


def name_of(code: str) -> Json:
    return {"zh": code, "en": code}


def matrix(*dimensions: Json, code: str = "retention", **more: Any) -> Json:
    body = {"code": code, "strategy": "keep", "name": name_of(code), "dimensions": list(dimensions)}
    return body | more


def dimension(kind: str, bands: Sequence[Json], attribute: str = "", **more: Any) -> Json:
    """A dimension whose bands are b0, b1, …; one of an attribute has the null band ``unknown``."""
    body: Json = {
        "code": f"by_{attribute or kind}",
        "name": name_of(kind),
        "kind": kind,
        "bands": [{"code": f"b{n}", "name": name_of(f"b{n}")} | b for n, b in enumerate(bands)],
    }
    if attribute:
        unknown = {"code": "unknown", "name": name_of("unknown")}
        body |= {"attribute": attribute, "null_band": unknown}
    return body | more


# --- where a customer is ---


def cell(body: Json, row: Row, everybody: Sequence[Row]) -> dict[str, list[str]] | None:
    """Dimension → the bands that hold the customer; None when he is outside the scope."""
    if "scope" in body and not is_true(body["scope"], row):
        return None
    return {d["code"]: homes(d, row, everybody) for d in body["dimensions"]}


def homes(body: Json, row: Row, everybody: Sequence[Row] = ()) -> list[str]:
    """The codes of all the dimension's bands that hold the customer."""
    if body["kind"] == "rules":
        return first_true(body["bands"], row)
    value = row[body["attribute"]]
    if not is_known(value):
        return [body["null_band"]["code"]] if "null_band" in body else []
    match body["kind"]:
        case "thresholds":
            return between_limits(body, float(value), row.get("city"))
        case "quantiles":
            return by_rank(body, float(value), everybody)
        case "categories":
            return by_value(body["bands"], value)
    return [band["code"] for band in body["bands"] if band["value"] is value]


def is_known(value: Any) -> bool:
    return value is not None and (not isinstance(value, float) or isfinite(value))


def between_limits(body: Json, value: float, city: str | None) -> list[str]:
    limits = [(band.get("from", -inf), band.get("to", inf)) for band in body["bands"]]
    if city in body.get("city_cuts", {}):
        edges = [-inf, *body["city_cuts"][city], inf]
        limits = [(edges[p], edges[p + 1]) for p in (sorted(limits).index(it) for it in limits)]
    bands = zip(body["bands"], limits, strict=True)
    return [band["code"] for band, (low, high) in bands if low <= value < high]


def by_rank(body: Json, value: float, everybody: Sequence[Row]) -> list[str]:
    """The first band that reaches down to his value; the last band takes all who are left."""
    values = [row[body["attribute"]] for row in everybody]
    ranking = sorted((float(v) for v in values if is_known(v)), reverse=True)
    covered = Fraction(0)
    for band in body["bands"][:-1]:
        covered += Fraction(str(band["share"]))
        if value >= ranking[ceil(covered * len(ranking)) - 1]:
            return [band["code"]]
    return [body["bands"][-1]["code"]]


def by_value(bands: Sequence[Json], value: str) -> list[str]:
    named = [band["code"] for band in bands if value in band.get("values", ())]
    return named or [band["code"] for band in bands if band.get("other")]


def first_true(bands: Sequence[Json], row: Row) -> list[str]:
    for band in bands:
        if band.get("else") or is_true(band["rule"], row):
            return [band["code"]]
    return []


def is_true(text: str, row: Row) -> bool:
    return evaluate(compile_condition(text, CATALOGUE).tree, row, DAY) is True
