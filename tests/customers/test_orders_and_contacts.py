"""The other tables of the day come in the same way."""

from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest

from customers.tables import CONTACTS, ORDERS
from lake.models import Partition
from lake.parts import part_of

from .ingesting import land, loaded, pinned, rejected, run

pytestmark = pytest.mark.django_db

ORDER_COLUMNS = {
    "customer_no": "CUSTOMER",
    "ordered_on": "DAY",
    "policy": "POLICY",
    "campaign": "CAMPAIGN",
    "channel": {"column": "CHANNEL", "values": {"营业厅": "front_desk"}},
    "device_price": "PRICE",
    "amount": "AMOUNT",
}
ORDER_HEADER = "ORDER,CUSTOMER,DAY,POLICY,CAMPAIGN,CHANNEL,PRICE,AMOUNT"


def ingest_orders(*rows: str) -> Partition:
    land("orders.csv", "\n".join([ORDER_HEADER, *rows]))
    mapping = {"format": "csv", "key": "ORDER", "columns": ORDER_COLUMNS, "reject_share": 1}
    return run(pinned("orders.csv", table="orders", **mapping))


def test_orders_lie_in_the_part_of_their_customer() -> None:
    rows = [f"O{n},{n % 7},2026-07-01,P1,,sms,,9.9" for n in range(50)]
    partition = ingest_orders(*rows)
    assert partition.dataset == "orders"
    assert partition.rows == 50
    assert [set(row) for row in loaded(partition)] == [set(ORDERS.codes)] * 50
    for part, file in enumerate(partition.files):
        orders = pq.read_table(file).to_pylist()
        assert {part_of(order["customer_no"], partition.parts) for order in orders} <= {part}
        places = [(order["customer_no"], order["order_no"]) for order in orders]
        assert places == sorted(places)


def test_an_order_is_loaded_once_whichever_customers_it_names() -> None:
    rows = [f"O1,{customer},2026-07-01,P1,,sms,,9.9" for customer in range(20)]
    partition = ingest_orders(*rows)
    assert [(r["order_no"], r["customer_no"]) for r in loaded(partition)] == [("O1", "0")]
    assert [(r["row"], r["column"], r["reason"]) for r in rejected(partition)] == [
        (row, "ORDER", "duplicate_key") for row in range(2, 21)
    ]


def test_what_an_order_must_say() -> None:
    partition = ingest_orders(
        "O1,1,2026-07-01,P1,C1,营业厅,2999,9.9",
        "O2,1,2026-07-01,P1,,sms,,0",
        ",1,2026-07-01,P1,,sms,,0",
        "O4,,2026-07-01,P1,,sms,,0",
        "O5,1,,P1,,sms,,0",
        "O6,1,2026-07-01,,,sms,,0",
        "O7,1,2026-07-01,P1,,,,0",
        "O8,1,2026-07-01,P1,,sms,,",
        "O9,1,2026-07-01,P1,,pigeon,,0",
        "O10,1,2026-07-01,P1,,sms,-1,0",
    )
    first, second = sorted(loaded(partition), key=lambda order: order["order_no"])
    assert first == {
        "order_no": "O1",
        "customer_no": "1",
        "ordered_on": date(2026, 7, 1),
        "policy": "P1",
        "campaign": "C1",
        "channel": "front_desk",
        "device_price": 2999.0,
        "amount": 9.9,
    }
    assert (second["campaign"], second["device_price"]) == (None, None)
    assert [r["reason"] for r in rejected(partition)] == [
        "null_key",
        *["missing_value"] * 5,
        "unknown_category",
        "out_of_range",
    ]


def test_a_day_without_orders_is_a_day() -> None:
    partition = ingest_orders()
    assert (partition.rows, partition.facts["rows_in"]) == (0, 0)
    assert "by_city" not in partition.facts


def test_contacts_tell_their_outcome() -> None:
    names: dict[str, Any] = {code: code for code in CONTACTS.codes if code != "contact_no"}
    land(
        "contacts.csv",
        ",".join(CONTACTS.codes)
        + "\nK1,1,2026-07-01,sms,C1,P1,declined,too dear\nK2,1,2026-07-01,sms,C1,P1,ignored,",
    )
    mapping = {"format": "csv", "key": "contact_no", "columns": names, "reject_share": 1}
    partition = run(pinned("contacts.csv", table="contacts", **mapping))
    assert [(r["outcome"], r["reason"]) for r in loaded(partition)] == [("declined", "too dear")]
    assert [r["reason"] for r in rejected(partition)] == ["unknown_category"]
