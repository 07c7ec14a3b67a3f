"""The home page: today's run, what moved, how fresh everything is, and within which walls."""

import pytest
from django.urls import reverse

from accounts.services import create_organisation
from jobs.models import State
from portal.selectors import run_view
from tests.accounts.people import make_user
from tests.portal.day import make_day


@pytest.fixture
def page(province, client):
    """Open a page as a role, in English; return its text."""

    def open_(role, place="zhejiang", address="home", **kwargs):
        client.cookies["django_language"] = "en"
        client.force_login(make_user(role, place))
        response = client.get(reverse(address, kwargs=kwargs))
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return open_


def test_before_anything_has_run_it_says_what_to_do(page):
    text = page("province-marketer")
    assert "Nothing has run yet" in text
    assert "run_day --date" in text
    assert "No sources yet" in text


def test_the_published_day_is_told_in_figures(page):
    make_day()
    text = page("province-marketer")
    for figure in ("2026-03-03", "199,871", "4,263", "2.1", "151,420", "129 rejected"):
        assert figure in text
    assert "unassigned 0, doubly assigned 0" in text


def test_what_was_never_loaded_is_said_to_be_so_and_is_not_zero(page):
    make_day()
    assert "never loaded" in page("province-marketer")


def test_a_city_sees_its_own_figures_and_none_of_the_province(page):
    make_day()
    text = page("city-marketer", "hangzhou")
    for own in ("32,650", "611"):
        assert own in text
    for of_others in ("199,871", "4,263", "151,420", "402", "129", "20,480"):
        assert of_others not in text


def test_a_city_that_was_not_counted_gets_a_dash_and_no_zero(page, province):
    add = {"code": "jiaxing", "name_zh": "嘉兴", "name_en": "Jiaxing", "by": "test"}
    create_organisation(**add, parent=province["zhejiang"])
    make_day()
    text = page("city-marketer", "jiaxing")
    assert text.count('<div class="stat-value">–</div>') == 2
    assert "rows loaded" not in text


def test_without_runs_to_see_only_the_day_and_the_look_up_remain(page):
    make_day()
    text = page("front-desk", "hangzhou")
    assert "2026-03-03" in text
    assert reverse("customer-search") in text
    assert "Latest run" not in text
    assert "199,871" not in text


def test_who_may_not_look_customers_up_has_no_box(page):
    assert reverse("customer-search") not in page("approver")


@pytest.mark.parametrize(
    ("state", "seconds"), [(State.RUNNING, "2s"), (State.DONE, "30s"), (State.FAILED, "30s")]
)
def test_the_run_card_follows_a_run_that_is_under_way(page, state, seconds):
    make_day(state)
    assert f'hx-trigger="every {seconds}"' in page("province-marketer")


def test_progress_and_errors_are_shown(page):
    make_day(State.FAILED)
    assert "The disk is full." in page("province-marketer")


def test_an_error_of_the_province_is_not_told_to_a_city(page):
    make_day(State.FAILED)
    text = page("city-marketer", "hangzhou")
    assert "The disk is full." not in text
    assert "failed" in text


def test_the_card_alone_is_a_part_and_not_a_page(page):
    make_day(State.RUNNING)
    text = page("province-marketer", address="latest-run")
    assert "<html" not in text
    assert "11 / 16" in text


def test_the_list_of_runs_leads_to_each_one(page):
    run = make_day()
    assert reverse("run", kwargs={"pk": run.pk}) in page("auditor", address="runs")


def test_a_run_tells_its_inputs_outputs_and_key(page):
    run = make_day()
    text = page("auditor", address="run", pk=run.pk)
    for told in ("0123456789abcdef0123", "customers.parquet", "value_index@3", "peak 412 MiB"):
        assert told in text


def test_what_a_run_counted_for_the_province_does_not_reach_a_citys_page(province):
    run = make_day(State.FAILED)
    view = run_view(run, make_user("city-marketer", "hangzhou"))
    assert not any(line.counts or line.error for line in view.lines)
    assert any(line.counts for line in run_view(run, make_user("analyst")).lines)


def test_a_run_tells_a_city_its_states_only(page):
    run = make_day()
    text = page("auditor", "hangzhou", address="run", pk=run.pk)
    assert "done" in text
    for told in ("199,871", "199871", "sample_customers"):
        assert told not in text
