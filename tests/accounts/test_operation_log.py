"""Who did what, when, before and after; and nobody rewrites it."""

import pytest
from django.db import Error, transaction

from accounts.models import Operation
from accounts.services import log
from tests.accounts.people import make_user

TARGET = ("policy", "P0001", "Loyalty")


def write(by, **values):
    with transaction.atomic():
        return log(by=by, action="change", target=TARGET, **values)


@pytest.mark.django_db(transaction=True)
def test_a_line_outside_the_transaction_of_its_change_is_refused():
    with pytest.raises(RuntimeError, match="inside the transaction"):
        log(by="test", action="change", target=TARGET)


def test_the_line_stands_or_falls_with_the_change(db):
    def change() -> None:
        with transaction.atomic():
            write("test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert not Operation.objects.exists()


@pytest.mark.parametrize("act", [lambda rows: rows.update(by="x"), lambda rows: rows.delete()])
def test_the_database_refuses_to_change_or_delete_a_line(db, act):
    write("test")
    with pytest.raises(Error, match="never changed or deleted"), transaction.atomic():
        act(Operation.objects.all())


def test_the_differences_are_what_changed(db):
    line = write("test", before={"a": 1, "b": 2}, after={"a": 1, "b": 3, "c": 4})
    assert line.differences == [("b", 2, 3), ("c", None, 4)]


def test_a_city_reads_what_its_people_did_and_the_province_reads_all(province):
    write(make_user("city-marketer", "hangzhou"))
    write(make_user("front-desk", "hangzhou-front"))
    write(make_user("city-marketer", "ningbo"))
    write("nightly")
    city = Operation.objects.visible_to(make_user("auditor", "hangzhou"))
    province_wide = Operation.objects.visible_to(make_user("auditor"))
    assert {o.organisation for o in city} == {"hangzhou", "hangzhou-front"}
    assert province_wide.filter(action="change").count() == 4


def test_a_name_that_is_a_user_is_placed_where_the_user_works(province):
    make_user("city-marketer", "ningbo", username="ningbo-marketer")
    assert write("ningbo-marketer").organisation == "ningbo"
