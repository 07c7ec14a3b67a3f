"""Answers made by hand, and what PostgreSQL shows of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import md5
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection

from campaigns.models import Plan, Publication
from campaigns.publish import publish
from lake import partitions
from lake.models import Partition
from lake.parts import part_of

SCHEMA = pa.schema(
    {
        "customer_no": pa.string(),
        "city": pa.string(),
        "profile": pa.string(),
        "cells": pa.list_(pa.int64()),
        "offers": pa.list_(pa.int64()),
        "tiers": pa.list_(pa.int16()),
        "take_ups": pa.list_(pa.float64()),
        "worths": pa.list_(pa.float64()),
        "row_hash": pa.uint64(),
    }
)


@dataclass(frozen=True)
class Row:
    """One customer's answer, without his number."""

    city: str = "hangzhou"
    profile: dict[str, Any] = field(default_factory=dict)
    cells: tuple[int | None, ...] = (1,)
    offers: tuple[int, ...] = ()
    tiers: tuple[int, ...] = ()
    take_ups: tuple[float, ...] = ()
    worths: tuple[float, ...] = ()

    def values(self) -> tuple[Any, ...]:
        arrays = (self.cells, self.offers, self.tiers, self.take_ups, self.worths)
        return (self.city, self.profile, *map(list, arrays))

    @property
    def row_hash(self) -> int:
        return int(md5(repr(self.values()).encode()).hexdigest()[:16], 16)


Answers = dict[str, Row]
RICH = Row(
    profile={"arpu": 12.5, "brand": 'go"tone, 全球通\n', "age": None},
    cells=(7, None, 12),
    offers=(3, 1),
    tiers=(1, 9),
    take_ups=(0.1, 1e-9),
    worths=(12.25, -3.0),
)


def write(day: date, key: str, answers: Answers | list[tuple[str, Row]]) -> Partition:
    """The partition of these answers, cut like any other."""
    pairs = answers if isinstance(answers, list) else sorted(answers.items())
    with partitions.writing("answers", day, key) as draft:
        for part in range(draft.parts):
            rows = [
                {
                    "customer_no": number,
                    **vars(row),
                    "profile": json.dumps(row.profile, ensure_ascii=False),
                    "row_hash": row.row_hash,
                }
                for number, row in pairs
                if part_of(number, draft.parts) == part
            ]
            pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), draft.file(part))
    return draft.partition


def publish_rows(
    day: date,
    answers: Answers | list[tuple[str, Row]],
    *,
    run_number: int = 1,
    key: str = "k",
    fence: Callable[[], None] = lambda: None,
) -> Publication:
    plan, _ = Plan.objects.get_or_create(key="plan", defaults={"body": {}})
    return publish(
        write(day, key, answers),
        business_date=day,
        run_number=run_number,
        plan=plan,
        versions={},
        fence=fence,
        progress=lambda done, total: None,
    )


def shown(publication: int | None = None) -> Answers:
    """What a reader sees now, or saw at ``publication``: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (customer_no) customer_no, departed,
                   city, profile, cells, offers, tiers, take_ups, worths
            FROM campaigns_answer
            WHERE publication_id <= coalesce(
                %s, (SELECT publication_id FROM campaigns_currentpublication))
            ORDER BY customer_no, publication_id DESC
            """,
            [publication],
        )
        rows = cursor.fetchall()
    return {
        number: Row(city, json.loads(profile), *map(tuple, arrays))
        for number, departed, city, profile, *arrays in rows
        if not departed
    }


def varied(number: int, **values: Any) -> Row:
    """A row that differs for each number."""
    return replace(RICH, worths=(float(number), 0.5), **values)
