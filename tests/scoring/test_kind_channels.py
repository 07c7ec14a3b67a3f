"""Channels: what came back for what was spent, counted of all customers in the set engine."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.purchases import ORDERS
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from scoring.bought import events_kept
from scoring.channel_counts import channel_counts
from scoring.learning.channel_counts import ChannelReturn, Count
from scoring.learning.channels import Profitability, profitability
from scoring.learning.channels import Tariff as Prices
from scoring.selectors import current_versions
from tests.customers.buying import delivered

from .buyers import PARTS, customers
from .conftest import DAY, published, train, trained
from .kind_models import attribute, define, refused, shown

pytestmark = pytest.mark.django_db
TARIFFS: dict[str, dict[str, float]] = {
    "sms": {"per_contact": 0.05},
    "front_desk": {"per_contact": 4, "per_order": 10, "revenue_share": 0.05},
    "app": {"per_contact": 0},
}
MODEL: dict[str, Any] = {
    "code": "channels",
    "kind": "channel_profitability",
    "segment": "brand",
    "rule": "last_touch",
    "window_days": 7,
    "period_days": 30,
    "margin_share": 0.4,
    "tariffs": TARIFFS,
}
SEGMENTS = ["gotone", "mzone", None, "gotone", "mzone"]
# number of the contact, customer, days before DAY, channel
Met = tuple[str, int, int, str]
# number of the order, customer, days before DAY, yuan
Bought = tuple[str, int, int, float]
_KEYS = count()


def met(day: date, contacts: Sequence[Met], *, parts: int = PARTS) -> Partition:
    """What the source delivered of contacts for a business date."""
    with partitions.writing("contacts", day, f"c{next(_KEYS)}", parts=parts) as draft:
        for part in range(parts):
            mine = [c for c in contacts if part_of(f"{c[1]:07d}", parts) == part]
            columns = {
                "contact_no": pa.array([c[0] for c in mine], pa.string()),
                "customer_no": pa.array([f"{c[1]:07d}" for c in mine], pa.string()),
                "contacted_on": pa.array([DAY - timedelta(c[2]) for c in mine], pa.date32()),
                "channel": pa.array([c[3] for c in mine], pa.string()),
            }
            pq.write_table(pa.table(columns), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def bought(day: date, orders: Sequence[Bought], *, parts: int = PARTS) -> Partition:
    told = [(no, f"{who:07d}", DAY - timedelta(ago), yuan) for no, who, ago, yuan in orders]
    return delivered(day, told, parts=parts)


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    attribute("why", "text", "score")


@pytest.fixture
def province(db: None) -> None:
    """Five customers, two of whom are contacted; one buys unasked, one brings something back."""
    customers(5, brand=pa.array(SEGMENTS))
    met(DAY, [("k1", 0, 5, "sms"), ("k2", 0, 3, "front_desk"), ("k3", 1, 10, "sms")])
    bought(
        DAY,
        [("o1", 0, 3, 100.0), ("o2", 0, 2, -40.0), ("o3", 1, 1, 50.0), ("o4", 2, 1, 20.0)],
    )


def line(report: dict[str, Any], channel: str, segment: str) -> dict[str, Any]:
    [found] = [x for x in report["lines"] if (x["channel"], x["segment"]) == (channel, segment)]
    return found


def slowly(contacts: Sequence[Met], orders: Sequence[Bought], definition: dict[str, Any]) -> Any:
    """Each event once, of its earliest day; purchases and yuan held apart."""
    first = definition["period_days"] - 1
    frame = pd.DataFrame(contacts, columns=["contact_no", "customer_no", "ago", "channel"])
    frame = frame[frame["ago"].between(0, first)]
    keys = ["customer_no", "contact_no"]
    frame = frame.groupby(keys).agg({"ago": "max", "channel": "min"}).reset_index()
    frame["contacted_on"] = pd.Timestamp(DAY) - pd.to_timedelta(frame.pop("ago"), "D")
    frame["segment"] = [SEGMENTS[c] or "" for c in frame["customer_no"]]
    sold = pd.DataFrame(orders, columns=["order_no", "customer_no", "ago", "revenue"])
    sold = sold[sold["ago"].between(0, first)]
    keys = ["customer_no", "order_no"]
    sold = sold.groupby(keys).agg({"ago": "max", "revenue": "max"}).reset_index()
    sold["ordered_on"] = pd.Timestamp(DAY) - pd.to_timedelta(sold.pop("ago"), "D")
    sold["margin"] = sold["revenue"] * definition["margin_share"]
    tariffs = {channel: Prices(**prices) for channel, prices in TARIFFS.items()}
    how = (tariffs, definition["rule"], definition["window_days"])
    return (
        profitability(frame, sold[sold["revenue"] >= 0], *how),
        profitability(frame, sold, *how),
    )


def counted(definition: dict[str, Any]) -> Profitability:
    """What the set engine makes of the lake as it stands."""
    inputs = {
        "definition": definition,
        "snapshots": [Partition.objects.of("customers").get().pk],
        **{t: list(Partition.objects.of(t).values_list("pk", flat=True)) for t in EVENTS},
    }
    made = channel_counts(inputs, progress=lambda done, total: None)
    counts = Count.read(pq.read_table(made.file(0)))
    names = ("tariffs", "margin_share", "rule", "window_days")
    fitted = ChannelReturn(**{name: definition[name] for name in names})
    return fitted.fit(counts).profitability(counts)


EVENTS = ("contacts", ORDERS)
ago = st.integers(-2, 34)
numbers = st.integers(0, 9)
who = st.integers(0, 4)
contact_rows = st.lists(
    st.tuples(numbers.map("k{}".format), who, ago, st.sampled_from([*TARIFFS])),
    min_size=1,
    max_size=20,
)
yuan = st.integers(-50, 100).map(float)
order_rows = st.lists(st.tuples(numbers.map("o{}".format), who, ago, yuan), max_size=15)


def once(rows: list[Any]) -> list[Any]:
    """A number is one customer's: the reference wants numbers that are unique."""
    return [(f"{no}-{customer}", customer, *rest) for no, customer, *rest in rows]


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    contact_rows,
    order_rows,
    st.sampled_from(["last_touch", "first_touch", "linear"]),
    st.sampled_from([0, 3, 20]),
    st.sampled_from([PARTS, 3]),
)
def test_the_engine_counts_what_the_reference_counts(
    contacts: list[Met], orders: list[Bought], rule: str, window: int, parts: int
) -> None:
    """Ties of a day, returns, what is delivered twice, and parts cut otherwise among them."""
    Partition.objects.all().delete()
    contacts, orders = once(contacts), once(orders)
    if not any(0 <= days < 30 for _no, _who, days, _channel in contacts):
        contacts.append(("k", 0, 0, "sms"))
    customers(5, brand=pa.array(SEGMENTS), key=f"s{next(_KEYS)}")
    met(DAY - timedelta(9), contacts[::2])
    met(DAY, contacts, parts=parts)
    bought(DAY - timedelta(9), orders[::3])
    bought(DAY, orders, parts=parts)
    definition = MODEL | {"rule": rule, "window_days": window}
    found, (purchases, yuan) = counted(definition), slowly(contacts, orders, definition)
    for mine, sold, money in zip(found.lines, purchases.lines, yuan.lines, strict=True):
        assert (mine.channel, mine.segment) == (sold.channel, sold.segment)
        assert (mine.contacts, mine.responded) == (sold.contacts, sold.responded)
        assert (mine.response_low, mine.response_high) == (sold.response_low, sold.response_high)
        assert mine.credited.orders == pytest.approx(sold.credited.orders)
        assert mine.credited.revenue == pytest.approx(money.credited.revenue)
        assert mine.credited.margin == pytest.approx(money.credited.margin)
    for part in ("total", "uncredited"):
        mine = getattr(found, part)
        assert mine.orders == pytest.approx(getattr(purchases, part).orders)
        assert mine.revenue == pytest.approx(getattr(yuan, part).revenue)


def test_a_channel_is_credited_costed_and_told_with_its_interval(province) -> None:
    define(MODEL)
    report = trained("channels").report
    desk = line(report, "front_desk", "gotone")
    assert (desk["contacts"], desk["responded"]) == (1, 1)
    assert desk["credited"] == {"orders": 1, "revenue": 60, "margin": pytest.approx(24)}
    assert (desk["contact_cost"], desk["commission"]) == (4, pytest.approx(13))
    assert desk["profit"] == pytest.approx(24 - 17)
    assert desk["return_on_cost"] == pytest.approx(60 / 17)
    assert desk["roi"] == pytest.approx(7 / 17)
    response = desk["response"]
    assert response["low"] < response["value"] == response["high"] == 1
    assert line(report, "sms", "mzone")["credited"]["orders"] == 0
    assert (report["uncredited"]["orders"], report["uncredited"]["revenue"]) == (2, 70)
    assert (report["total"]["orders"], report["total"]["revenue"]) == (3, 130)


def test_every_customer_counts_however_few_rows_a_training_may_read(province, settings) -> None:
    settings.TRAINING_ROWS = 1
    define(MODEL)
    version = trained("channels")
    assert version.report["data"]["rows"] == 5
    assert version.metrics["contacts"] == 3


def test_no_attributes_are_said_to_be_looked_at_where_none_are_learnt_from(province) -> None:
    define(MODEL)
    version = trained("channels")
    assert "candidates" not in version.report["data"]
    assert all("candidates" not in stage["facts"] for stage in version.stages)


def test_who_is_outside_the_population_counts_nowhere(province) -> None:
    define({**MODEL, "population": "brand = 'mzone'"})
    report = trained("channels").report
    assert [(x["channel"], x["segment"]) for x in report["lines"]] == [("sms", "mzone")]
    assert report["total"]["orders"] == 1


def test_without_a_segment_a_channel_has_one_line(province) -> None:
    define({name: said for name, said in MODEL.items() if name != "segment"})
    lines = trained("channels").report["lines"]
    assert [(x["channel"], x["contacts"]) for x in lines] == [("front_desk", 1), ("sms", 2)]


def test_what_is_delivered_after_the_day_is_not_read(province) -> None:
    define(MODEL)
    before = trained("channels").report["lines"]
    met(DAY + timedelta(1), [("late", 3, 2, "app")])
    assert trained("channels").report["lines"] == before


@pytest.mark.parametrize(
    ("contacts", "code"), [([("k1", 0, 5, "web")], "no_tariff"), ([], "no_contacts")]
)
def test_an_unknown_cost_and_no_contacts_are_refused_in_words(contacts, code) -> None:
    define(MODEL)
    customers(5, brand=pa.array(SEGMENTS))
    met(DAY, contacts)
    bought(DAY, [])
    [error] = [step.error for step in train("channels").steps.all() if step.error]
    assert error["code"] == code
    assert "%(" not in error["message"]
    assert ("web" if contacts else str(DAY)) in error["message"]


def test_it_writes_nothing_and_no_day_reads_it(province) -> None:
    define(MODEL)
    published("channels")
    assert current_versions() == []


def test_contacts_and_orders_of_the_period_are_kept(province, settings) -> None:
    settings.LAKE_KEEP_DAYS = 5
    bought(DAY - timedelta(40), [])
    define(MODEL)
    assert {(table, day) for table, day, _key in events_kept(DAY)} == {
        ("contacts", DAY),
        ("orders", DAY),
    }


def test_the_page_states_the_rule_in_both_languages(province) -> None:
    define(MODEL | {"rule": "linear"})
    version = trained("channels")
    page = shown(version)
    assert "in equal parts" in page
    assert "7 days" in page
    assert "front desk" in page
    assert "unknown" not in page
    with translation.override("zh-hans"):
        assert "<svg" in shown(version)


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reasons": "why"}, "no_reasons", ["reasons"]),
        ({"window_days": 30}, "period_shorter_than_window", ["window_days"]),
        ({"segment": "arpu"}, "wrong_type", ["segment"]),
        ({"segment": "left_within_30d"}, "wrong_type", ["segment"]),
        ({"segment": "nothing"}, "unknown_attribute", ["segment"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
