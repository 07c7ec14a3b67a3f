"""What the flows page shows: one matrix on one day, of the province or of one city."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from accounts.models import User
from common.naming import in_chinese
from lake.engine import DuckDB
from rules import Params

from ..bands import column
from ..definition import MatrixDefinition
from ..dimensions import Name
from ..models import Cell, Matrix, MatrixVersion
from ..published import latest_day, published_days
from .descent import Descent
from .expected import DAYS, MarkovChain, OutflowBaseline
from .figures import MOVED, DayFlows
from .history import flows_between, read_flows, versions_on
from .movement import Cells, Pair
from .path import Stay, paths

TOP_FLOWS = 20
TOP_UNUSUAL = 15
PATH_SPAN = timedelta(days=89)
TABLE, DESCENT = "rows", "descent"
BATCH = 10_000


@dataclass(frozen=True)
class Move:
    """One of the greatest flows; ``expected``: size of the cell × p_ij, None without history."""

    from_cell: int
    to_cell: int
    from_words: str
    to_words: str
    customers: int
    share: float
    expected: float | None
    dimensions: str


@dataclass(frozen=True)
class Unusual:
    """Cells by how unusual today's outflow is; ``reasons``: (code, cells) not estimable."""

    lines: list[dict[str, Any]]
    estimable: int
    unusual: int
    reasons: list[tuple[str, int]]
    days: int


class FlowPage:
    """The flows of ``matrix`` on ``day``; ``city`` None: of the whole province.

    ``days``: the published days whose flows can be read, oldest first.
    """

    def __init__(self, matrix: Matrix, day: date, city: str | None, days: Sequence[date]) -> None:
        self.matrix, self.day, self.city = matrix, day, city
        self.before = [earlier for earlier in days if earlier < day]
        self.descent = Descent.of(matrix.pk)

    @cached_property
    def flows(self) -> DayFlows:
        """The day's counts by pair of cells, the chosen cities together."""
        params = Params()
        with DuckDB() as engine:
            rows = self._rows(engine, params, self.day, self.day)
            if rows is None:
                return DayFlows(_NOTHING, self.descent)
            keys = [column(name, TABLE) for name in ("from_cell", "to_cell")]
            counted = _counted(keys, rows)
            return DayFlows(engine.arrow(counted, params.values), self.descent)

    @cached_property
    def version(self) -> int | None:
        """The version that was assigned on this day; None: the matrix was not."""
        return versions_on(self.day).get(self.matrix.pk)

    @property
    def day_before(self) -> date | None:
        """The published day that these flows come from."""
        return self.before[-1] if self.before else None

    @cached_property
    def version_before(self) -> int | None:
        """The version of the day before; None: it did not have the matrix."""
        return versions_on(self.day_before).get(self.matrix.pk) if self.day_before else None

    @cached_property
    def cells(self) -> Cells:
        """The cells in the words of the day, then of the day before, then of their own time."""
        named = {*self.flows.before.tolist(), *self.flows.after.tolist()}
        since = Cell.objects.filter(number__in=named).values_list("since_version", flat=True)
        own_time = sorted(set(since), reverse=True)
        numbers = dict.fromkeys([self.version, self.version_before, *own_time])
        versions = MatrixVersion.objects.filter(
            matrix=self.matrix, number__in=filter(None, numbers)
        )
        bodies = dict(versions.values_list("number", "body"))
        definitions = [MatrixDefinition.from_json(bodies[n]) for n in numbers if n in bodies]
        return Cells({self.matrix.pk: definitions})

    def words(self, cell: int) -> str:
        return _spoken(self.cells.words(self.matrix.pk, cell))

    def changed(self, pair: Pair) -> list[str]:
        return self.cells.changed(self.matrix.pk, pair)

    def dimension(self, code: str) -> str:
        return _spoken(self.cells.dimension(self.matrix.pk, code))

    def by_dimension(self) -> list[tuple[str, int]]:
        """The names of the dimensions and how many each moved; "" of those moved by none."""
        counts = self.flows.by_dimension(self.changed)
        return [(self.dimension(code) if code else "", n) for code, n in counts]

    # --- against the baseline ---

    @cached_property
    def places(self) -> int:
        """Where a customer can go: the cells of the day's version, and away."""
        version = MatrixVersion.objects.filter(matrix=self.matrix, number=self.version).first()
        return 1 + (Cell.objects.of_version(version).count() if version else 0)

    def moves(self) -> list[Move]:
        greatest = self.flows.greatest(TOP_FLOWS)
        outflows = self.flows.outflows()
        sizes = dict(zip(outflows["cell"].tolist(), outflows["size"].tolist(), strict=True))
        chain = self._chain(sorted({pair[0] for pair, _n in greatest if pair[0]}))
        return [self._move(pair, n, sizes[pair[0]], chain) for pair, n in greatest]

    def _move(self, pair: Pair, customers: int, size: int, chain: MarkovChain) -> Move:
        before, after = pair
        assert before is not None
        assert after is not None
        likely = chain.probability(before, after)
        return Move(
            from_cell=before,
            to_cell=after,
            from_words=self.words(before),
            to_words=self.words(after),
            customers=customers,
            share=customers / size,
            expected=None if likely is None else size * likely,
            dimensions=self._named(pair),
        )

    def _chain(self, cells: Sequence[int]) -> MarkovChain:
        """The Markov chain of these cells of origin, learned from the last days."""
        counts = _NOTHING
        params = Params()
        with DuckDB() as engine:
            rows = self._history(engine, params)
            if rows is not None and cells:
                wanted = [params.bind(cell, "BIGINT") for cell in cells]
                keys = [column(name, TABLE) for name in ("from_cell", "to_cell")]
                counted = _counted(keys, rows).where(column("from_cell", TABLE).isin(*wanted))
                counts = engine.arrow(counted, params.values)
        return MarkovChain().fit(counts.to_pandas(), self.places)

    def unusual(self) -> Unusual:
        """Each cell's outflow today against what the last days let expect."""
        baseline = OutflowBaseline().fit(self.past_outflows(), self.places)
        score = baseline.score(self.flows.outflows())
        known = score[score["reason"] == ""].sort_values(["p", "cell"])
        lines = known.head(max(TOP_UNUSUAL, int(known["unusual"].sum()))).to_dict("records")
        reasons = Counter(score["reason"][score["reason"] != ""])
        return Unusual(
            lines=[line | {"words": self.words(int(line["cell"]))} for line in lines],
            estimable=len(known),
            unusual=int(known["unusual"].sum()),
            reasons=sorted(reasons.items(), key=lambda item: (-item[1], item[0])),
            days=len(self.before[-DAYS:]),
        )

    def past_outflows(self) -> pd.DataFrame:
        """Rows (date, cell, size, stayed) of the last days, counted by the engine."""
        params = Params()
        with DuckDB() as engine:
            rows = self._history(engine, params)
            if rows is None:
                return pd.DataFrame({"date": [], "cell": [], "size": [], "stayed": []})
            engine.register(DESCENT, self.descent.table)
            return engine.arrow(_outflow_query(rows), params.values).to_pandas()

    def _history(self, engine: DuckDB, params: Params) -> exp.Select | None:
        days = self.before[-DAYS:]
        return self._rows(engine, params, days[0], days[-1]) if days else None

    def _rows(self, engine: DuckDB, params: Params, first: date, last: date) -> exp.Select | None:
        return read_flows(engine, params, first, last, matrix=self.matrix.pk, city=self.city)

    def told(self) -> Iterator[dict[str, Any]]:
        """The day's rows as they are kept, by city, with their cells and dimensions in words."""
        words = cache(self.words)
        table = flows_between(self.day, self.day, matrix=self.matrix.pk, city=self.city)
        kinds = iter(DayFlows(table, self.descent).kinds)
        for batch in table.to_batches(max_chunksize=BATCH):
            for row in batch.to_pylist():
                kind = next(kinds)
                pair = row["from_cell"], row["to_cell"]
                yield row | {
                    "kind": kind,
                    "from": words(pair[0]) if pair[0] else "",
                    "to": words(pair[1]) if pair[1] else "",
                    "dimensions": self._named(pair) if kind == MOVED else "",
                }

    @cached_property
    def _named(self) -> Callable[[Pair], str]:
        """The names of the dimensions that moved a pair."""
        comma = "、" if in_chinese() else ", "
        return cache(lambda pair: comma.join(map(self.dimension, self.changed(pair))))


_NOTHING = pa.table(
    {"from_cell": [], "to_cell": [], "customers": []},
    schema=pa.schema([(n, pa.int64()) for n in ("from_cell", "to_cell", "customers")]),
)


def _counted(keys: list[exp.Column], rows: exp.Select) -> exp.Select:
    customers = exp.cast(exp.Sum(this=column("customers", TABLE)), "BIGINT")
    return (
        sqlglot.select(*keys, exp.alias_(customers, "customers"))
        .from_(rows.subquery(TABLE))
        .group_by(*(key.copy() for key in keys))
    )


def _outflow_query(rows: exp.Select) -> exp.Select:
    """Who went to a cell that his own became has stayed."""
    date_, before, after = (column(n, TABLE) for n in ("date", "from_cell", "to_cell"))
    same = exp.and_(before.eq(column("ancestor", DESCENT)), after.eq(column("cell", DESCENT)))
    renamed = exp.not_(exp.Is(this=column("cell", DESCENT), expression=exp.null()))
    stays = exp.or_(before.copy().eq(after.copy()), renamed)
    customers = column("customers", TABLE)
    stayed = exp.Case(ifs=[exp.If(this=stays, true=customers)], default=exp.Literal.number(0))
    known = exp.not_(exp.Is(this=before.copy(), expression=exp.null()))
    return (
        sqlglot.select(
            date_,
            exp.alias_(before.copy(), "cell"),
            exp.alias_(exp.cast(exp.Sum(this=customers.copy()), "BIGINT"), "size"),
            exp.alias_(exp.cast(exp.Sum(this=stayed), "BIGINT"), "stayed"),
        )
        .from_(rows.subquery(TABLE))
        .join(DESCENT, on=same, join_type="left")
        .where(known)
        .group_by(date_.copy(), before.copy())
    )


def _spoken(name: Name) -> str:
    return name.zh if in_chinese() else name.en


# --- one customer ---


@dataclass(frozen=True)
class CustomerPath:
    """A customer's path in one matrix, the newest stay first."""

    matrix: str
    stays: list[Stay]


def customer_paths(customer_no: str, *, user: User) -> dict[str, Any]:
    """Return the context of ``segmentation/flows/path.html``: the last 90 days in every matrix.

    Whether the user may see the customer now is for the page to have asked; of the days before,
    those in cities that he may not see are left out (law 8).
    """
    newest = latest_day()
    if newest is None or newest.cells is None:
        return {"paths": []}
    days = [d.cells for d in published_days(newest.date - PATH_SPAN, newest.date) if d.cells]
    codes = [proof["matrix"] for proof in newest.cells.facts["matrices"]]
    names = {matrix.pk: matrix.name for matrix in Matrix.objects.filter(pk__in=codes)}
    found = paths(customer_no, codes, days, sees=user.sees_city)
    return {
        "paths": [CustomerPath(names[code], found[code][::-1]) for code in codes if found[code]]
    }
