"""The pages of customer matrices: what they show, what they do, what they refuse, to whom."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Operation
from campaigns.models import BoxChoice, MarketingRow
from campaigns.redrawn import choose, misfits, publish_matrix
from segmentation.definition import MatrixDefinition
from segmentation.drafts import approve_draft, check_draft
from segmentation.edits import merge, remove_dimension, split
from segmentation.models import Cell, Matrix, MatrixVersion
from segmentation.services import save_draft
from tests.accounts.people import make_user
from tests.portal.settings import page_settings as page_settings

from . import province
from .matrix_day import begun, edited, publish_days

pytestmark = pytest.mark.django_db
Login = Callable[..., Client]
THRESHOLDS = {
    "code": "data",
    "name_zh": "流量",
    "name_en": "Data",
    "attribute": "data_mb",
    "null_code": "unknown",
    "null_zh": "未知",
    "null_en": "unknown",
}


@pytest.fixture(autouse=True)
def _province(settings: Any, page_settings: None) -> None:
    settings.LAKE_PARTS = 2
    province.define()


@pytest.fixture
def days() -> None:
    publish_days()


@pytest.fixture
def login() -> Login:
    def as_(role: str, home: str = "zhejiang", language: str = "en") -> Client:
        client = Client()
        client.force_login(make_user(role, home))
        client.cookies["django_language"] = language
        return client

    return as_


def at(name: str, **names: Any) -> str:
    return reverse(name, kwargs={"code": "retention"} | names)


def text(response: Any) -> str:
    return response.content.decode()


def on_campus(definition: MatrixDefinition) -> Any:
    return merge(definition, {"spend": ("low", "high"), "campus": ("on",)})


def bands(*rows: dict[str, Any]) -> dict[str, Any]:
    """A formset as a browser sends it."""
    sent: dict[str, Any] = {
        "bands-TOTAL_FORMS": len(rows),
        "bands-INITIAL_FORMS": 0,
        "bands-MIN_NUM_FORMS": 0,
        "bands-MAX_NUM_FORMS": 60,
    }
    for place, row in enumerate(rows):
        sent |= {f"bands-{place}-{name}": value for name, value in row.items()}
    return sent


def band(code: str, **says: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": f"{code}档", "name_en": code.title(), **says}


def press(client: Client, version: MatrixVersion, do: str, **says: Any) -> Any:
    return client.post(at("matrix-draft", pk=version.pk), {"do": do, **says})


def fresh(version: MatrixVersion) -> MatrixVersion:
    return MatrixVersion.objects.get(pk=version.pk)


# --- what the pages show, in both languages ---


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("retention", "P1 P1")), ("zh-hans", ("retention 名", "P1 P1 名"))],
)
def test_every_page_has_its_content_in_both_languages(
    days: None, login: Login, language: str, words: tuple[str, ...]
) -> None:
    version = edited(begun(), on_campus)
    number = province.cell("retention", spend="high", campus="on")
    client = login("province-marketer", language=language)
    pages = {
        reverse("matrices"): words[0],
        at("matrix"): words[0],
        at("matrix-cells"): words[0],
        at("matrix-cell", number=number): words[-1],
        at("matrix-versions"): "retention@2",
        at("matrix-version", number=1): "retention@1",
        at("matrix-compare"): "retention@2",
        at("matrix-compare-moves"): "2",
        at("matrix-draft", pk=version.pk): "retention@2",
        at("matrix-draft-consequences", pk=version.pk): "2026-07-01",
        at("matrix-draft-cells", pk=version.pk): "retention@2",
        at("matrix-draft-dimension", pk=version.pk) + "?do=add&kind=thresholds": "bands-0-low",
        at("city-cuts"): "retention",
        at("city-cut", city="hangzhou"): "retention",
    }
    for address, expected in pages.items():
        response = client.get(address)
        assert response.status_code == 200, address
        assert expected in text(response), address


def test_the_list_says_what_is_in_force_and_who_edits(days: None, login: Login) -> None:
    begun(by="ann")
    page = text(login("province-marketer").get(reverse("matrices")))
    for words in ("version 1", "ann", "draft", ">21<"):
        assert words in page, words


def test_without_any_matrix_the_list_says_how_one_comes(login: Login) -> None:
    MarketingRow.objects.all().delete()
    Cell.objects.all().delete()
    MatrixVersion.objects.all().delete()
    Matrix.objects.all().delete()
    assert "No matrices yet" in text(login("province-marketer").get(reverse("matrices")))


def test_the_heat_map_counts_and_compares_with_the_day_before(days: None, login: Login) -> None:
    response = login("province-marketer").get(at("matrix"))
    fields = response.context["map"].fields
    assert (fields["high", "on"].customers, fields["high", "on"].change) == (5, 2)
    assert (fields["low", "on"].customers, fields["low", "on"].change) == (3, -2)
    assert fields["high", "off"].heat == 6
    assert fields["unknown", "on"].heat == 0
    assert "arpu &lt; 50 yuan" in text(response)


def test_a_city_counts_its_own_customers_only(days: None, login: Login) -> None:
    client = login("city-marketer", "hangzhou")
    response = client.get(at("matrix"))
    assert response.context["now"].today.total == 12
    assert response.context["map"].fields["high", "off"].customers == 0
    assert "Hangzhou" in text(response)
    assert ">12<" in text(client.get(reverse("matrices")))
    number = province.cell("retention", spend="high", campus="off")
    assert client.get(at("matrix-cell", number=number)).context["customers"] == 0


def test_counts_of_the_province_are_not_for_a_city(days: None, login: Login) -> None:
    version = edited(begun(), on_campus)
    client = login("city-marketer", "hangzhou")
    for address in (
        at("matrix-draft-consequences", pk=version.pk),
        at("matrix-compare-moves") + "?before=1&after=2",
    ):
        response = client.get(address)
        assert "shown to its people only" in text(response)
        assert "found" not in response.context
        assert "moved" not in response.context


def test_the_axes_are_chosen_and_all_others_are_summed(days: None, login: Login) -> None:
    client = login("province-marketer")
    response = client.get(at("matrix"), {"rows": "campus", "columns": "spend"})
    assert response.context["map"].axes.rows == ("campus",)
    assert response.context["map"].fields["on", "high"].customers == 5


def test_merged_and_split_cells_are_seen_in_the_map(days: None, login: Login) -> None:
    ready = _published(edited(begun(), on_campus))
    response = login("province-marketer").get(at("matrix"))
    fields = response.context["map"].fields
    (shared,) = fields["low", "on"].shared
    assert fields["high", "on"].shared == [shared]
    assert f"⊞ {shared.number}" in text(response)
    page = login("auditor").get(at("matrix-cell", number=shared.number))
    assert {r.cell.number for r in page.context["ancestors"]} == set(shared.parents)
    # Before it was there, its past is its ancestors'.
    assert [(d.customers, d.ancestors) for d in page.context["past"]] == [(8, True), (8, True)]
    assert ready.number == 2


def _published(version: MatrixVersion) -> MatrixVersion:
    for misfit in misfits(version):
        choose(version, box=misfit.box, becomes=misfit.suggested, by="ann")
    version = check_draft(version, revision=version.revision, by="ann")
    version = approve_draft(version, revision=version.revision, from_date=province.DAY, by="bob")
    return publish_matrix(version, by="bob")


def test_a_cell_says_who_meets_what_and_where_it_went(days: None, login: Login) -> None:
    number = province.cell("retention", spend="high", campus="on")
    client = login("province-marketer")
    page = client.get(at("matrix-cell", number=number))
    assert [m.policy for m, _box in page.context["meetings"]] == ["P1", "P2", "P2", "P4"]
    _published(edited(begun(), on_campus))
    gone = client.get(at("matrix-cell", number=number))
    assert "Version 2 retired this cell" in text(gone)
    assert len(gone.context["descendants"]) == 1


def test_a_city_sees_no_rows_of_another_citys_campaign(days: None, login: Login) -> None:
    number = province.cell("retention", spend="high", campus="on")
    page = login("city-marketer", "ningbo").get(at("matrix-cell", number=number))
    assert [m.campaign.code for m, _box in page.context["meetings"]] == ["C1", "C1", "C1"]


def test_the_list_of_cells_is_of_the_asked_box(days: None, login: Login) -> None:
    client = login("province-marketer")
    lines = client.get(at("matrix-cells"), {"spend": "high"}).context["lines"]
    assert sorted(line["customers"] for line in lines) == [0, 5, 7]
    assert client.get(at("matrix-cells"), {"spend": "none"}).status_code == 400


# --- versions ---


def test_two_versions_are_compared_by_kind_and_by_customers(days: None, login: Login) -> None:
    edited(begun(), on_campus)
    client = login("province-marketer")
    response = client.get(at("matrix-compare"), {"before": 1, "after": 2})
    kinds = {kind.code: kind.count for kind in response.context["kinds"]}
    assert kinds == {"split": 0, "merged": 1, "redrawn": 0, "added": 0, "retired": 0, "kept": 7}
    moved = client.get(at("matrix-compare-moves"), {"before": 1, "after": 2}).context["moved"]
    assert (moved.moved, moved.customers) == (8, 21)
    assert client.get(at("matrix-compare"), {"before": 9}).status_code == 404


def test_going_back_begins_a_draft_from_an_old_version(login: Login) -> None:
    old = MatrixVersion.objects.published().get(matrix="retention")
    _published(edited(begun(), on_campus))
    client = login("province-marketer")
    response = client.post(at("matrix-version", number=1), {"note": "back"})
    draft = MatrixVersion.objects.open().get()
    assert response.headers["Location"] == at("matrix-draft", pk=draft.pk)
    assert (draft.body, draft.note) == (old.body, "back")


def test_only_who_edits_matrices_begins_a_draft(login: Login) -> None:
    assert login("approver").post(at("matrix-version", number=1)).status_code == 403
    assert not MatrixVersion.objects.open().exists()


# --- edits ---


def test_a_box_is_split_merged_and_the_edit_undone(login: Login) -> None:
    version = begun()
    client = login("province-marketer")
    merged = press(
        client, version, "merge",
        **{"merge-revision": 1, "merge-box_campus": ["on"], "merge-box_spend": ["low", "high"]},
    )  # fmt: skip
    assert merged.status_code == 302
    assert MatrixDefinition.from_json(fresh(version).body).size == 8
    split_ = press(
        client, version, "split",
        **{"split-revision": 2, "split-box_campus": ["on"],
           "split-box_spend": ["low", "high"], "split-by": "spend"},
    )  # fmt: skip
    assert split_.status_code == 302
    assert MatrixDefinition.from_json(fresh(version).body).size == 9
    press(client, version, "undo", revision=3)
    assert MatrixDefinition.from_json(fresh(version).body).size == 8
    page = text(client.get(at("matrix-draft", pk=version.pk)))
    assert "low or high, on: merged into one cell" in page


def test_a_refused_edit_keeps_what_was_ticked(login: Login) -> None:
    version = edited(begun(), on_campus)
    response = press(
        login("province-marketer"), version, "split",
        **{"split-revision": 2, "split-box_spend": ["low"], "split-by": "campus"},
    )  # fmt: skip
    assert response.status_code == 400
    assert "An edit changes whole cells" in text(response)
    assert response.context["forms"]["split"]["box_spend"].value() == ["low"]


def test_who_comes_second_is_told_who_did_what_and_keeps_the_form(login: Login) -> None:
    version = begun()
    edited(version, on_campus, by="ann")
    response = press(
        login("province-marketer"), version, "split",
        **{"split-revision": 1, "split-box_campus": ["off"], "split-by": "spend"},
    )  # fmt: skip
    page = text(response)
    assert response.status_code == 409
    assert "edited meanwhile by ann" in page
    assert "<strong>ann</strong>: an edit" in page
    form = response.context["forms"]["split"]
    assert form["box_campus"].value() == ["off"]
    # Sent again it is meant for what is shown now.
    assert form["revision"].value() == 2
    assert fresh(version).revision == 2


def test_a_new_dimension_splits_the_grid(login: Login) -> None:
    version = begun()
    rows = bands(band("little"), band("much", low="1000"), {})
    address = at("matrix-draft-dimension", pk=version.pk) + "?do=add&kind=thresholds"
    client = login("province-marketer")
    response = client.post(address, {**THRESHOLDS, "revision": 1, **rows})
    assert response.status_code == 302
    definition = MatrixDefinition.from_json(fresh(version).body)
    assert (definition.size, definition.dimensions[-1].cuts) == (27, (1000,))


def test_a_new_dimension_splits_a_box(login: Login) -> None:
    version = begun()
    rows = bands(band("little"), band("much", low="1000"))
    address = at("matrix-draft-dimension", pk=version.pk) + "?do=split&kind=thresholds"
    sent = {**THRESHOLDS, "revision": 1, "box_spend": ["high"], **rows}
    assert login("province-marketer").post(address, sent).status_code == 302
    assert MatrixDefinition.from_json(fresh(version).body).size == 6 + 3 * 3


@pytest.mark.parametrize(
    ("kind", "says", "rows"),
    [
        ("quantiles", {}, [band("top", share="20"), band("rest", share="80")]),
        ("categories", {"attribute": "brand"},
         [band("gotone", values="gotone"), band("others", other="on")]),
        ("rules", {}, [band("movers", rule="data_mb > 5"), band("others")]),
    ],
)  # fmt: skip
def test_every_kind_of_dimension_has_its_form(
    login: Login, kind: str, says: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    version = begun()
    address = at("matrix-draft-dimension", pk=version.pk) + f"?do=add&kind={kind}"
    sent = {**THRESHOLDS, **says, "revision": 1, **bands(*rows)}
    response = login("province-marketer").post(address, sent)
    assert response.status_code == 302
    assert MatrixDefinition.from_json(fresh(version).body).dimensions[-1].kind == kind


def test_bands_that_overlap_are_refused_with_what_was_typed(login: Login) -> None:
    version = begun()
    rows = bands(band("few"), band("some", low="32"), band("many", low="32"))
    address = at("matrix-draft-dimension", pk=version.pk) + "?do=add&kind=thresholds"
    response = login("province-marketer").post(address, {**THRESHOLDS, "revision": 1, **rows})
    assert response.status_code == 400
    assert "Two bands begin at the same value" in text(response)
    assert 'value="many"' in text(response)
    assert fresh(version).revision == 1


def test_a_category_in_no_band_is_refused_with_an_example(login: Login) -> None:
    version = begun()
    rows = bands(band("gotone", values="gotone"))
    address = at("matrix-draft-dimension", pk=version.pk) + "?do=add&kind=categories"
    sent = {**THRESHOLDS, "attribute": "brand", "revision": 1, **rows}
    response = login("province-marketer").post(address, sent)
    assert "<code>brand = mzone</code>" in text(response)


def test_a_million_cells_are_refused_with_the_way_out(login: Login) -> None:
    version = begun()
    client = login("province-marketer")
    for code in ("one", "two", "three"):
        rows = bands(*[band(f"b{n}", **({"low": str(n)} if n else {})) for n in range(50)])
        address = at("matrix-draft-dimension", pk=version.pk) + "?do=add&kind=thresholds"
        now = fresh(version).revision
        response = client.post(address, {**THRESHOLDS, "code": code, "revision": now, **rows})
    assert response.status_code == 400
    assert "at most 100,000 cells" in text(response)
    assert "Leave out a dimension" in text(response)
    address = address.replace("do=add", "do=split")
    response = client.post(address, {**THRESHOLDS, "code": code, "revision": now, **rows})
    assert response.status_code == 400
    assert "splitting 23,409 cells so would make 1,193,859" in text(response)
    assert MatrixDefinition.from_json(fresh(version).body).size == 9 * 51 * 51


def test_a_dimension_is_cut_anew_with_its_present_values_filled_in(login: Login) -> None:
    version = begun()
    address = at("matrix-draft-dimension", pk=version.pk) + "?do=recut&dimension=spend"
    client = login("province-marketer")
    page = text(client.get(address))
    assert 'value="50"' in page
    assert 'value="arpu" selected' in page
    rows = bands(band("low"), band("middle", low="50"), band("high", low="80"))
    sent = {**THRESHOLDS, "code": "spend", "attribute": "arpu", "revision": 1, **rows}
    assert client.post(address, sent).status_code == 302
    definition = MatrixDefinition.from_json(fresh(version).body)
    assert definition.dimensions[0].cuts == (50, 80)


def test_edits_that_no_longer_fit_are_told(login: Login) -> None:
    version = edited(begun(), lambda d: merge(d, {"spend": ("low",), "campus": ("on", "off")}))
    client = login("province-marketer")
    sent = {"remove-revision": 2, "remove-dimension": "campus"}
    response = client.post(at("matrix-draft", pk=version.pk), {"do": "remove", **sent}, follow=True)
    told = "left out: low: merged into one cell"
    assert told in text(response)
    assert "1 edit left out" in text(response)


def test_a_cell_is_deleted_into_its_neighbour(login: Login) -> None:
    version = begun()
    client = login("province-marketer")
    address = at("matrix-draft-cells", pk=version.pk)
    page = client.get(address, {"spend": "low", "campus": "on", "cell": 0})
    assert page.context["chosen"]["box"] == {"spend": ["low"], "campus": ["on"]}
    into = [other["box"] for other in page.context["neighbours"]]
    assert {"spend": ["high"], "campus": ["on"]} in into
    sent = {"cell": '{"spend": ["low"], "campus": ["on"]}', "revision": 1}
    sent["into"] = '{"spend": ["high"], "campus": ["on"]}'
    assert client.post(address, sent).status_code == 302
    assert MatrixDefinition.from_json(fresh(version).body).size == 8
    again = client.post(address, sent)
    assert again.status_code == 409
    assert "edited meanwhile" in text(again)


def test_a_draft_gets_a_note_and_is_discarded(login: Login) -> None:
    version = begun()
    client = login("province-marketer")
    press(client, version, "note", note="because")
    assert fresh(version).note == "because"
    edited(fresh(version), on_campus)
    assert press(client, version, "discard", revision=1).status_code == 409
    assert press(client, version, "discard", revision=2).status_code == 302
    assert not MatrixVersion.objects.open().exists()
    assert client.get(at("matrix-draft", pk=version.pk)).status_code == 404


def test_who_may_not_edit_is_refused_every_edit(login: Login) -> None:
    version = begun()
    for role in ("approver", "auditor", "analyst"):
        client = login(role)
        for do in ("split", "merge", "remove", "undo", "check", "discard", "note"):
            assert press(client, version, do, revision=1).status_code == 403, (role, do)
        page = text(client.get(at("matrix-draft", pk=version.pk)))
        assert 'value="split"' not in page
    assert press(login("province-marketer"), version, "approve").status_code == 403
    assert fresh(version).revision == 1


# --- consequences and rows that dangle ---


def test_consequences_are_counted_exactly(days: None, login: Login) -> None:
    version = edited(begun(), on_campus)
    client = login("province-marketer")
    found = client.get(at("matrix-draft-consequences", pk=version.pk)).context["found"]
    assert (found.customers, found.moved, found.fresh, found.unchanged) == (21, 8, 1, 7)
    assert [(cell.words, cell.customers) for cell in found.cells] == [("low or high, on", 8)]
    assert "unknown, on" in found.empty
    assert {(flow.before, flow.customers) for flow in found.flows} == {("high, on", 5),
                                                                       ("low, on", 3)}  # fmt: skip
    assert [(c.policy, c.gained, c.lost) for c in found.redrawn.policies] == [("P1", 7, 0)]
    assert [campaign.code for campaign in found.redrawn.campaigns] == ["C1"]


def test_a_version_that_no_day_has_assigned_yet_is_what_a_draft_is_compared_with(
    days: None, login: Login
) -> None:
    _published(edited(begun(), on_campus))
    same = begun()
    client = login("province-marketer")
    found = client.get(at("matrix-draft-consequences", pk=same.pk)).context["found"]
    assert (found.customers, found.moved, found.fresh, found.redrawn.customers) == (21, 0, 0, 0)
    split_ = edited(
        same, lambda d: split(d, {"campus": ("on",), "spend": ("low", "high")}, "spend")
    )
    found = client.get(at("matrix-draft-consequences", pk=split_.pk)).context["found"]
    assert (found.customers, found.moved, found.fresh) == (21, 8, 2)
    assert {(f.before, f.after, f.customers) for f in found.flows} == {
        ("low or high, on", "low, on", 3),
        ("low or high, on", "high, on", 5),
    }


def test_before_the_first_day_consequences_say_so(login: Login) -> None:
    response = login("province-marketer").get(
        at("matrix-draft-consequences", pk=begun().pk), headers={"HX-Request": "true"}
    )
    assert "No day has been published yet" in text(response)


def test_rows_that_dangle_are_decided_on_the_page(login: Login) -> None:
    version = edited(begun(), on_campus)
    client = login("province-marketer")
    page = client.get(at("matrix-draft", pk=version.pk))
    (line,) = page.context["misfits"]
    assert "to be decided" in text(page)
    key = line["misfit"].key
    press(client, version, "choose", key=key, becomes="suggested")
    assert BoxChoice.objects.get().becomes == {"spend": ["low", "high"]}
    press(client, version, "choose", key=key, becomes="box", box_campus=["on", "off"])
    assert BoxChoice.objects.get().becomes == {"campus": ["on", "off"]}
    refused = press(client, version, "choose", key=key, becomes="box", box_spend=["low"])
    assert refused.status_code == 400
    assert "only partly inside" in text(refused)
    press(client, version, "choose", key=key, becomes="drop")
    assert BoxChoice.objects.get().becomes is None


def test_rows_of_another_citys_campaign_are_counted_and_not_named(login: Login) -> None:
    version = edited(begun(), lambda d: remove_dimension(d, "campus"))
    page = text(login("city-marketer", "ningbo").get(at("matrix-draft", pk=version.pk)))
    assert "1 row of a campaign that you may not see" in page
    assert "P2 · C2" not in page
    assert "P2 · C2" in text(login("auditor").get(at("matrix-draft", pk=version.pk)))


def test_all_open_boxes_are_decided_as_suggested(login: Login) -> None:
    late = {"campaign": "C1", "policy": "P3", "matrix": "retention", "cells": {"spend": ["low"]}}
    province.load("marketing", [*province.MARKETING, late])
    version = edited(begun(), on_campus)
    client = login("province-marketer")
    assert "All open ones as suggested" in text(client.get(at("matrix-draft", pk=version.pk)))
    press(client, version, "choose_all")
    assert BoxChoice.objects.count() == len(misfits(version)) == 2


def test_a_matrix_that_was_never_published_has_its_pages_too(days: None, login: Login) -> None:
    body = {**province.MATRICES[0], "code": "fresh", "dimensions": [province.SPEND]}
    version = save_draft(MatrixDefinition.from_json(body), by="ann")
    client = login("province-marketer")
    assert "nothing yet" in text(client.get(reverse("matrices")))
    for name in ("matrix", "city-cuts"):
        away = client.get(at(name, code="fresh"))
        assert away.headers["Location"] == at("matrix-versions", code="fresh")
    for name in ("matrix-versions", "matrix-compare"):
        assert client.get(at(name, code="fresh")).status_code == 200
    assert client.get(at("matrix-cells", code="fresh")).status_code == 404
    assert client.get(at("matrix-draft", code="fresh", pk=version.pk)).status_code == 200
    address = at("matrix-draft-consequences", code="fresh", pk=version.pk)
    found = client.get(address).context["found"]
    assert (found.customers, found.moved, found.fresh) == (21, 21, 3)


# --- the way into force ---


def test_two_people_bring_a_draft_into_force(login: Login) -> None:
    marketer, approver = login("province-marketer"), login("approver")
    started = marketer.post(at("matrix-version", number=1))
    version = MatrixVersion.objects.open().get()
    assert started.status_code == 302
    press(marketer, version, "merge", **{"merge-revision": 1, "merge-box_spend": ["low", "unknown"],
                                         "merge-box_campus": ["off"]})  # fmt: skip
    press(marketer, version, "check", revision=2)
    assert fresh(version).state == "checked"
    tomorrow = timezone.localdate() + timedelta(days=1)
    press(approver, version, "approve", revision=2, from_date=tomorrow.isoformat())
    assert (fresh(version).state, fresh(version).from_date) == ("approved", tomorrow)
    assert press(marketer, version, "publish").status_code == 409
    assert "Publish now" not in text(marketer.get(at("matrix-draft", pk=version.pk)))
    MatrixVersion.objects.filter(pk=version.pk).update(from_date=timezone.localdate())
    response = press(marketer, version, "publish")
    assert response.headers["Location"] == at("matrix")
    assert fresh(version).state == "published"
    shown = marketer.get(at("matrix-draft", pk=version.pk))
    assert shown.headers["Location"] == at("matrix-version", number=2)


def test_own_work_is_not_approved_and_the_page_says_why(login: Login) -> None:
    client = login("approver")
    version = begun(by="zhejiang-approver")
    version = check_draft(version, revision=1, by="ann")
    page = text(client.get(at("matrix-draft", pk=version.pk)))
    assert "another person must approve it" in page
    today = timezone.localdate().isoformat()
    response = press(client, version, "approve", revision=1, from_date=today)
    assert response.status_code == 403
    assert "must be approved by somebody who has not edited it" in text(response)


def test_undecided_rows_stop_the_approval(login: Login) -> None:
    version = check_draft(edited(begun(), on_campus), revision=2, by="ann")
    today = timezone.localdate().isoformat()
    response = press(login("approver"), version, "approve", revision=2, from_date=today)
    assert response.status_code == 409
    assert "Re-point or drop" in text(response)


# --- the cuts of a city ---


@pytest.fixture
def limits() -> None:
    spend = {**province.SPEND, "city_limits": [[40, 60]]}
    province.load("matrices", province.edited("matrices", 0, dimensions=[spend, province.CAMPUS]))


def test_a_city_sets_its_own_cuts_within_the_limits(limits: None, login: Login) -> None:
    client = login("city-marketer", "hangzhou")
    address = at("city-cut", city="hangzhou")
    sent = {"dimension": "spend", "spend-cut_0": "75"}
    refused = client.post(address, sent)
    assert refused.status_code == 400
    assert "allows cities a cut from 40 to 60" in text(refused)
    assert 'value="75"' in text(refused)
    assert client.post(address, {**sent, "spend-cut_0": "55"}).status_code == 302
    published = MatrixVersion.objects.published().get(matrix="retention")
    spend = MatrixDefinition.from_json(published.body).dimensions[0]
    assert spend.city_cuts == {"hangzhou": (55,)}
    page = text(client.get(at("city-cuts")))
    assert "<strong>55</strong>" in page
    assert "Ningbo" not in page
    client.post(address, {**sent, "spend-cut_0": ""})
    published = MatrixVersion.objects.published().get(matrix="retention")
    assert MatrixDefinition.from_json(published.body).dimensions[0].city_cuts == {}


def test_another_citys_cuts_are_not_found(limits: None, login: Login) -> None:
    client = login("city-marketer", "hangzhou")
    sent = {"dimension": "spend", "spend-cut_0": "55"}
    for answer in (
        client.get(at("city-cut", city="ningbo")),
        client.post(at("city-cut", city="ningbo"), sent),
    ):
        assert answer.status_code == 404
    assert not Operation.objects.filter(action="set_city_cuts").exists()
    assert login("auditor").get(at("city-cut", city="ningbo")).status_code == 403


def test_the_province_sees_every_city_and_sets_any(limits: None, login: Login) -> None:
    client = login("province-marketer")
    assert {"Hangzhou", "Ningbo"} <= {
        city.name_en for city, _dims in client.get(at("city-cuts")).context["cities"]
    }
    address = at("city-cut", city="ningbo")
    assert client.post(address, {"dimension": "spend", "spend-cut_0": "45"}).status_code == 302


def test_where_no_limits_are_given_cities_set_nothing(login: Login) -> None:
    client = login("city-marketer", "hangzhou")
    assert "Cities choose no cuts" in text(client.get(at("city-cuts")))
    sent = {"dimension": "spend", "spend-cut_0": "55"}
    assert client.post(at("city-cut", city="hangzhou"), sent).status_code == 404
