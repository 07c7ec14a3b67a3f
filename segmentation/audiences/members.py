"""The day's step after assign: who has which marks and is in which audiences (docs/audiences.md).

One pass per part for all sets together, then one join with the day before for who came and left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import compiled, rule_catalogue
from lake import partitions
from lake.engine import ROW_GROUP, DuckDB
from lake.models import Partition
from rules import Catalogue, Params, compile_condition

from ..bands import SOURCE
from ..cells import CellBoxes
from ..keys import ROW, cell_column
from ..models import MatrixVersion
from ..parts import CUSTOMERS, SCORES
from ..reading import CITY, CUSTOMER, as_compared, beside, read
from ..side_by_side import side_by_side
from .checks import NOUNS
from .churn import MEMBERS, Row, Sizes, member_facts, size_query
from .in_use import SetInUse, SetsInUse, sets_in_use
from .lists import LISTS
from .query import MemberQuery, box_column, list_column
from .sets import InCells, OfRule, leaves

# Raise it when equal inputs give another result.
VERSION = 1

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Inputs:
    """A day's partitions as files, part by part; ``lists``: those that hold anybody, by code."""

    business_date: date
    customers: Sequence[Path]
    scores: Sequence[Path] | None
    cells: Sequence[Path]
    lists: Mapping[str, Sequence[Path]]


def materialise(
    snapshot: Partition,
    scores: Partition | None,
    cells: Partition,
    *,
    business_date: date,
    progress: Progress,
    used: SetsInUse | None = None,
    yesterday: Partition | None = None,
) -> Partition:
    """Return the partition ``members``: customer_no, city, a truth per mark and per audience.

    Columns ``mark_<code>`` and ``audience_<code>``, never null; parts and order are the snapshot's.
    ``used``: the sets as the day pinned them; None: as they are now. ``yesterday``: the members of
    the day before, to tell who came and left. Facts: ``sets``, by column (see ``member_facts``),
    and ``lists``. Raises DomainError that names the set when one can't be computed; then nothing
    is written.
    """
    used = used or sets_in_use()
    made_from = [_address(p) for p in (snapshot, scores, cells, yesterday)]
    key = key_of("members", VERSION, business_date.isoformat(), made_from, used.to_json())
    known = partitions.find(MEMBERS, business_date, key)
    if known is not None:
        return known
    lists = {it.code: it for it in used.lists if it.holds_on(business_date)}
    held = {code: _list_files(it.expires_on, it.key, code) for code, it in lists.items()}
    inputs = Inputs(
        business_date, snapshot.files, scores.files if scores else None, cells.files, held
    )
    with partitions.writing(MEMBERS, business_date, key, parts=snapshot.parts) as draft:
        outputs = [draft.file(part) for part in range(snapshot.parts)]
        sizes = write_members(inputs, outputs, used, _boxes(used, cells), progress)
        _check_rows(sizes.customers, snapshot.rows)
        facts = member_facts(sizes, outputs, yesterday)
        for column, definition in _definitions(used, cells).items():
            facts["sets"][column]["definition"] = definition
        draft.facts = facts | {"lists": {it.code: it.code in held for it in used.lists}}
    assert draft.partition is not None
    return draft.partition


def _address(partition: Partition | None) -> str | None:
    return str(partition) if partition else None


def _list_files(expires_on: date, key: str, code: str) -> list[Path]:
    partition = partitions.find(LISTS, expires_on, key)
    if partition is None:
        raise DomainError(
            "list_missing",
            _("The numbers of the list '%(code)s' are not in the lake; import it again.")
            % {"code": code},
            status=409,
        )
    return partition.files


def _check_rows(found: int, customers: int) -> None:
    if found != customers:
        raise DomainError(
            "members_lost_customers",
            _(
                "The sets must give one row for each of %(expected)d customers and gave "
                "%(found)d; nothing was written."
            )
            % {"expected": customers, "found": found},
            status=500,
        )


def _definitions(used: SetsInUse, cells: Partition) -> dict[str, str]:
    """By column a key of what the set meant that day, with all that it is made of.

    Two days with unlike keys: who came or left may have done so because the set was changed.
    """
    versions = {proof["matrix"]: proof["version"] for proof in cells.facts["matrices"]}
    lists = {it.code: it.to_json() for it in used.lists}
    keys: dict[str, str] = {}
    for it in used.sets:
        made_of: list[Any] = []
        for leaf, _where in leaves(it.node):
            if isinstance(leaf, InCells):
                made_of.append(versions[leaf.matrix])
            elif not isinstance(leaf, OfRule):
                made_of.append(keys.get(f"{leaf.kind}_{leaf.code}") or lists[leaf.code])
        keys[it.column] = key_of(it.to_json(), made_of)
    return keys


# --- boxes of cells ---


@dataclass(frozen=True)
class Boxes:
    """Boxes of one matrix. ``cells``: their numbers; ``inside``: by box_column, cell by cell."""

    cells: np.ndarray
    inside: Mapping[str, np.ndarray]


def _boxes(used: SetsInUse, cells: Partition) -> dict[str, Boxes]:
    """The boxes that sets name, by matrix, as the versions that the cells were assigned by."""
    numbers = {proof["matrix"]: proof["version"] for proof in cells.facts["matrices"]}
    versions: dict[str, CellBoxes] = {}
    inside: dict[str, dict[str, np.ndarray]] = {}
    for it in used.sets:
        for leaf, _where in leaves(it.node):
            if isinstance(leaf, InCells):
                try:
                    if leaf.matrix not in versions:
                        versions[leaf.matrix] = _version(leaf.matrix, numbers)
                    version = versions[leaf.matrix]
                    held = np.isin(version.keys, version.inside(leaf.named_box))
                except DomainError as error:
                    raise _not_computable(it, error) from error
                inside.setdefault(leaf.matrix, {})[box_column(leaf)] = held
    return {matrix: Boxes(versions[matrix].keys, held) for matrix, held in sorted(inside.items())}


def _version(matrix: str, numbers: Mapping[str, int]) -> CellBoxes:
    if matrix not in numbers:
        raise DomainError(
            "matrix_missing",
            _("the day has no cells of the matrix '%(matrix)s'; there are %(known)s.")
            % {"matrix": matrix, "known": ", ".join(numbers) or "-"},
        )
    return CellBoxes.of_version(MatrixVersion.objects.get(matrix=matrix, number=numbers[matrix]))


def _not_computable(it: SetInUse, error: DomainError) -> DomainError:
    """The error as the day shows it: which set, why, and what to do."""
    return DomainError(
        error.code,
        _("The %(kind)s '%(code)s' can't be computed: %(why)s Change it or retire it.")
        % {"kind": NOUNS[it.kind], "code": it.code, "why": error.message},
        status=409,
        **error.extra | {"set": list(it.ref)},
    )


# --- attributes ---


def _homes(inputs: Inputs, used: SetsInUse, catalogue: Catalogue) -> dict[str, str]:
    """Return for each attribute that is read the file it is in."""
    present = dict.fromkeys(pq.read_schema(inputs.scores[0]).names, SCORES) if inputs.scores else {}
    present |= dict.fromkeys(pq.read_schema(inputs.customers[0]).names, CUSTOMERS)
    homes = {CITY: CUSTOMERS}
    for it in used.sets:
        try:
            read = _attributes(it, catalogue)
            _check_present(read, present, inputs.business_date)
        except DomainError as error:
            raise _not_computable(it, error) from error
        homes |= {attribute: present[attribute] for attribute in read}
    return homes


def _attributes(it: SetInUse, catalogue: Catalogue) -> set[str]:
    rules = (leaf.rule for leaf, _where in leaves(it.node) if isinstance(leaf, OfRule))
    return {
        code for rule in rules for code in compiled(compile_condition, rule, catalogue).attributes
    }


def _check_present(read: set[str], present: Mapping[str, str], day: date) -> None:
    absent = sorted(read - set(present))
    if absent:
        raise DomainError(
            "attribute_missing",
            _("the snapshot of %(day)s lacks %(attributes)s.")
            % {"day": day, "attributes": ", ".join(absent)},
            attributes=absent,
        )


# --- parts ---


def write_members(
    inputs: Inputs,
    outputs: Sequence[Path],
    used: SetsInUse,
    boxes: Mapping[str, Boxes],
    progress: Progress,
    catalogue: Catalogue | None = None,
) -> Sizes:
    """Write the parts of ``members``; return the size of every set. See ``materialise``."""
    catalogue = catalogue or rule_catalogue()
    homes = _homes(inputs, used, catalogue)
    params = Params(inputs.business_date)
    query = MemberQuery(used, catalogue, params, list(inputs.lists))
    sizes = Sizes(query.columns)
    writer = _PartWriter(inputs, boxes, homes, query, params.values, size_query(query.columns))
    parts = list(enumerate(outputs))
    for done, rows in enumerate(side_by_side(writer.write, parts), 1):
        sizes.add(rows)
        progress(done, len(outputs))
    return sizes


@dataclass(frozen=True)
class _PartWriter:
    """What all parts share. ``homes``: the attributes to read, with the file that each is in."""

    inputs: Inputs
    boxes: Mapping[str, Boxes]
    homes: Mapping[str, str]
    query: MemberQuery
    values: Mapping[str, Any]
    size_query: exp.Select

    def write(self, engine: DuckDB, numbered: tuple[int, Path]) -> list[Row]:
        """Write the part of that number; return the rows of ``size_query``."""
        part, output = numbered
        source = self._source(part)
        engine.register(SOURCE, source)
        found = engine.arrow(self.query.tree, self.values)
        rows = found[ROW].to_numpy()
        if not np.array_equal(rows, np.arange(len(source))):
            found = found.take(np.argsort(rows, kind="stable"))
        sets = {name: found[name] for name in self.query.columns}
        table = pa.table({CUSTOMER: source[CUSTOMER], CITY: _plain(source[CITY])} | sets)
        # A truth is a bit: zstd takes three times as long as snappy to save a tenth of the room.
        packed = dict.fromkeys(sets, "snappy") | {CUSTOMER: "zstd", CITY: "zstd"}
        pq.write_table(
            table,
            output,
            compression=packed,
            row_group_size=ROW_GROUP,
            use_dictionary=[CITY],
            write_statistics=[CUSTOMER, CITY],
        )
        engine.register(MEMBERS, table)
        return engine.rows(self.size_query)

    def _source(self, part: int) -> pa.Table:
        """The snapshot's rows: place, number, city, attributes; who is in each box and list."""
        table = read(self.inputs.customers[part], [CUSTOMER, *self._of(CUSTOMERS)])
        if self.inputs.scores and self._of(SCORES):
            table = beside(table, read(self.inputs.scores[part], [CUSTOMER, *self._of(SCORES)]))
        columns = {name: as_compared(table[name]) for name in table.column_names}
        columns[ROW] = pa.array(np.arange(len(table), dtype=np.int32))
        if self.boxes:
            columns |= self._in_boxes(part, table[CUSTOMER])
        for code, files in self.inputs.lists.items():
            here = [files[part]] if len(files) == len(self.inputs.customers) else files
            listed = pa.concat_tables([pq.read_table(f, use_threads=False) for f in here])
            columns[list_column(code)] = pc.is_in(table[CUSTOMER], listed[CUSTOMER])
        return pa.table(columns)

    def _in_boxes(self, part: int, customers: pa.ChunkedArray) -> dict[str, pa.Array]:
        """By box whether each customer's cell is in it; outside the matrix he is in none."""
        names = {matrix: cell_column(matrix) for matrix in self.boxes}
        cells = read(self.inputs.cells[part], [CUSTOMER, *names.values()])
        cells = beside(pa.table({CUSTOMER: customers}), cells)
        found: dict[str, pa.Array] = {}
        for matrix, boxes in self.boxes.items():
            places = pc.index_in(cells[names[matrix]], pa.array(boxes.cells))
            places = pc.fill_null(places, len(boxes.cells)).to_numpy()
            for name, inside in boxes.inside.items():
                found[name] = pa.array(np.append(inside, False)[places])
        return found

    def _of(self, home: str) -> list[str]:
        return sorted(name for name, at in self.homes.items() if at == home)


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.string())
