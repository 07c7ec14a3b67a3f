"""Audiences: what fifty in one pass cost beside one.

The input is that of the assignment, its cells, and a list of 1 % of the customers. The fifty are of
every kind: rules of one to three conditions, boxes of cells, the list, audiences of audiences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench import assign
from bench.assign import CATALOGUE, DAY, FIGURES, PARTS, three_matrices
from bench.measure import Row, in_turns
from lake.engine import ROW_GROUP, DuckDB
from segmentation.assign import assign_files
from segmentation.audiences.churn import MEMBERS, Sizes, member_facts, size_query
from segmentation.audiences.in_use import ListInUse, SetInUse, SetsInUse
from segmentation.audiences.members import Boxes, Inputs, write_members
from segmentation.audiences.query import box_column
from segmentation.audiences.sets import InCells, Json, from_json, in_order, leaves, references
from segmentation.definition import MatrixDefinition
from segmentation.keys import Grid
from segmentation.parts import Inputs as AssignInputs

ROUNDS = 3
FIFTY = 50
LISTED, MOVED = 0.01, 0.05


def prepare(work: Path, customers: int) -> None:
    """The assignment's input, the cells of one matrix of 9,375 cells, and the list."""
    assign.prepare(work, customers)
    files = _inputs(work)
    assign_files(
        AssignInputs(DAY, files.customers, files.scores),
        files.cells,
        work / "counts.parquet",
        [_grid()],
        CATALOGUE,
        lambda *_: None,
    )
    rng = np.random.default_rng(11)
    for part in range(PARTS):
        numbers = pq.read_table(_file(work, "customers", part), columns=["customer_no"])
        listed = numbers.filter(pa.array(rng.random(len(numbers)) < LISTED))
        pq.write_table(
            listed, _file(work, "list", part), compression="zstd", row_group_size=ROW_GROUP
        )


def _grid() -> Grid:
    return three_matrices()[0]


def _file(work: Path, name: str, part: int) -> Path:
    return work / f"{name}-{part:04d}.parquet"


def _inputs(work: Path) -> Inputs:
    files = {
        name: [_file(work, name, part) for part in range(PARTS)]
        for name in ("customers", "scores", "cells", "list")
    }
    return Inputs(DAY, files["customers"], files["scores"], files["cells"], {"vip": files["list"]})


# --- the audiences ---


def _fifty() -> list[Json]:
    """A third are rules alone, a third boxes with a rule, a third made of the others."""
    figures = cycle(FIGURES)
    bodies: list[Json] = []
    for place in range(FIFTY):
        one, two = next(figures), next(figures)
        limit = FIGURES[one] * (0.5 + place / FIFTY)
        rule = f"{one} >= {limit:.2f} and ({two} < {FIGURES[two]:.2f} or value_index > 70)"
        box = {"brand": ["gotone"], one: ["b1", "b2"]} if _in_matrix(one) else {"brand": ["mzone"]}
        cells = {"cells": {"matrix": "matrix0", "box": box}}
        if place % 3 == 0:
            bodies.append({"rule": rule})
        elif place % 3 == 1:
            bodies.append({"all": [cells, {"rule": f"tenure_months > {place} and {rule}"}]})
        else:
            before = {"audience": f"a{place - 1}"}
            bodies.append({"but": [{"any": [before, cells]}, {"list": "vip"}]})
    return bodies


def _in_matrix(attribute: str) -> bool:
    return attribute in [d.code for d in _grid().definition.dimensions]


def _used(bodies: list[Json]) -> SetsInUse:
    nodes = {("audience", f"a{place}"): from_json(body) for place, body in enumerate(bodies)}
    named = {
        ref: {r for r in references(node) if r[0] == "audience"} for ref, node in nodes.items()
    }
    sets = tuple(SetInUse(*ref, "", nodes[ref]) for ref in in_order(named))
    return SetsInUse(sets, (ListInUse("vip", "", DAY),))


def _one() -> SetsInUse:
    """One of the common kind: a box of cells and a rule of two conditions."""
    return _used([_fifty()[1]])


def _boxes(used: SetsInUse, grid: Grid) -> dict[str, Boxes]:
    """As ``members`` makes them from the database."""
    inside = {
        box_column(leaf): _inside(leaf, grid.definition)
        for it in used.sets
        for leaf, _where in leaves(it.node)
        if isinstance(leaf, InCells)
    }
    return {"matrix0": Boxes(grid.numbers, inside)} if inside else {}


def _inside(leaf: InCells, definition: MatrixDefinition) -> np.ndarray:
    box = leaf.named_box
    return np.array(
        [all(cell[code] in bands for code, bands in box.items()) for cell in definition.cells()]
    )


# --- the rows ---


@dataclass(frozen=True)
class Yesterday:
    """A day before, as the count reads a partition of members."""

    files: list[Path]
    facts: dict[str, Any]
    business_date = DAY

    @property
    def parts(self) -> int:
        return len(self.files)

    def file(self, part: int) -> Path:
        return self.files[part]


class Step:
    """The step without the database: every part written, then sizes and churn."""

    def __init__(self, work: Path, used: SetsInUse, grid: Grid) -> None:
        self._work, self._used, self._boxes = work, used, _boxes(used, grid)
        self._name = f"members{len(used.sets)}"
        self._yesterday = self._day_before()

    def run(self) -> None:
        files = [_file(self._work, self._name, part) for part in range(PARTS)]
        member_facts(self._write(files), files, self._yesterday)

    def _write(self, files: list[Path]) -> Sizes:
        inputs = _inputs(self._work)
        named = {ref for it in self._used.sets for ref in references(it.node)}
        if ("list", "vip") not in named:
            inputs = replace(inputs, lists={})
        return write_members(inputs, files, self._used, self._boxes, lambda *_: None, CATALOGUE)

    def _day_before(self) -> Yesterday:
        """One customer in twenty was where his neighbour is today."""
        files = [_file(self._work, f"before {self._name}", part) for part in range(PARTS)]
        columns = self._write(files).columns
        rng = np.random.default_rng(5)
        for file in files:
            table = pq.read_table(file)
            rows = np.arange(len(table))
            rows = np.where(rng.random(len(table)) < MOVED, np.roll(rows, 1), rows)
            before = table.drop_columns(["customer_no"]).take(rows)
            before = before.add_column(0, "customer_no", table["customer_no"])
            pq.write_table(before, file, compression="zstd", row_group_size=ROW_GROUP)
        return Yesterday(files, member_facts(_sizes(files, columns), files, None))


def _sizes(files: list[Path], columns: Sequence[str]) -> Sizes:
    sizes = Sizes(columns)
    with DuckDB() as engine:
        engine.register(MEMBERS, files)
        sizes.add(engine.rows(size_query(columns)))
    return sizes


def fifty_in_one_pass(work: Path, customers: int) -> float:
    grid = _grid()
    one, fifty = in_turns(
        ROUNDS, *(Step(work, used, grid).run for used in (_one(), _used(_fifty())))
    )
    return fifty / one


ROWS = (
    Row("segmentation_audiences", "50 audiences in one pass ÷ one audience", fifty_in_one_pass, 3),
)
