"""Pages of customer matrices: what is in force, its cells, its versions, and two compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Organisation, User
from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from segmentation.comparison import Comparison, compare
from segmentation.definition import Bands, MatrixDefinition, band_codes
from segmentation.drafts import begin_draft
from segmentation.heat_map import Axes, HeatMap
from segmentation.matrix_selectors import (
    Family,
    Now,
    bands_of,
    city_of,
    overview,
    past_of,
    versions_of,
)
from segmentation.matrix_words import MatrixWords
from segmentation.models import Cell, Matrix, MatrixVersion, VersionState

from .consequences import moved_between
from .matrix_rows import meetings

PER_PAGE = 50
MOST_SHOWN = 50

viewers = require(Permission.VIEW_MATRICES)


def may_edit(user: User) -> bool:
    """Whoever edits matrices, at the province: a matrix reaches the customers of every city."""
    return user.can(Permission.EDIT_MATRICES) and user.cities is None


@require_GET
@viewers
def matrices(request: HttpRequest) -> HttpResponse:
    """Every matrix, what is in force, and who is working on which draft."""
    context = {"lines": overview(request.user), "scope": _scope(request)}
    return render(request, "campaigns/matrices/list.html", context)


def _scope(request: HttpRequest) -> str:
    """Whose customers are counted: "" for the province's, else the city by name."""
    city = city_of(request.user)
    found = Organisation.objects.filter(code=city).first() if city else None
    return found.name if found else ""


@dataclass(frozen=True)
class InForce:
    """A matrix with its version in force, that of a reader's page."""

    matrix: Matrix
    version: MatrixVersion
    definition: MatrixDefinition

    @classmethod
    def of(cls, code: str) -> "InForce | None":
        """None while no version was published."""
        matrix = get_object_or_404(Matrix.objects.select_related("strategy"), pk=code)
        version = matrix.versions.published().first()
        if version is None:
            return None
        return cls(matrix, version, MatrixDefinition.from_json(version.body))

    @classmethod
    def required(cls, code: str) -> "InForce":
        found = cls.of(code)
        if found is None:
            raise Http404
        return found


@require_GET
@viewers
def matrix(request: HttpRequest, code: str) -> HttpResponse:
    """The cells as a heat map of today's customers."""
    found = InForce.of(code)
    if found is None:
        return redirect("matrix-versions", code=code)
    chosen = request.GET.get("rows", ""), request.GET.get("columns", "")
    axes = Axes.of(found.definition, *chosen)
    now = Now.of(code, city_of(request.user))
    cells = list(Cell.objects.of_version(found.version))
    context = {
        "found": found,
        "matrix": found.matrix,
        "words": MatrixWords.of(found.definition),
        "now": now,
        "map": HeatMap(found.definition, cells, now, axes),
        "cells": len(cells),
        "drafts": found.matrix.versions.open(),
        "scope": _scope(request),
    }
    return render(request, "campaigns/matrices/matrix.html", context)


@require_GET
@viewers
def cells(request: HttpRequest, code: str) -> HttpResponse:
    """The cells that a box of bands meets, each in words with its customers."""
    found = InForce.required(code)
    words, now = MatrixWords.of(found.definition), Now.of(code, city_of(request.user))
    box = asked_box(request.GET, found.definition)
    numbers = meeting(bands_of(found.version), found.definition, box)
    page = Paginator(numbers, PER_PAGE).get_page(request.GET.get("page"))
    known = Cell.objects.in_bulk(list(page.object_list))
    lines = [
        {
            "cell": known[number],
            "words": words.names(known[number].bands),
            "rule": words.rule(known[number].bands),
            "customers": now.customers(known[number]),
            "change": now.change(known[number]),
        }
        for number in page.object_list
    ]
    context = {
        "matrix": found.matrix,
        "page": page,
        "lines": lines,
        "parts": words.parts(box),
        "now": now,
        "scope": _scope(request),
    }
    return render(request, "campaigns/matrices/cells.html", context)


def asked_box(asked: QueryDict, definition: MatrixDefinition) -> dict[str, list[str]]:
    """The box in an address: ?spend=high&spend=low. Raises DomainError for an unknown band."""
    box = {d.code: asked.getlist(d.code) for d in definition.dimensions if d.code in asked}
    definition.box(box)
    return box


def meeting(
    bands_by_key: Mapping[int, Bands], definition: MatrixDefinition, box: Mapping[str, list[str]]
) -> list[int]:
    """The keys of the cells that are in the box, whole or in part, ascending."""
    wanted = {code: set(bands) for code, bands in box.items()}
    every = {d.code: [b.code for b in d.all_bands] for d in definition.dimensions}
    return [
        key
        for key, bands in bands_by_key.items()
        if all(
            wanted[code].intersection(band_codes(bands.get(code, every[code]))) for code in wanted
        )
    ]


@require_GET
@viewers
def cell(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """One cell: who is in it, since when, where it came from, and what its customers meet."""
    found = get_object_or_404(Cell.objects.select_related("matrix"), matrix=code, pk=number)
    last = MatrixVersion.objects.filter(matrix=code).exclude(published_at=None)
    if found.retired_in_version:
        last = last.filter(number__lt=found.retired_in_version)
    definition = MatrixDefinition.from_json(last.first().body)
    words, city = MatrixWords.of(definition), city_of(request.user)
    family = Family(found.matrix)
    ancestors = family.ancestors(found)
    now = Now.of(code, city)
    context = {
        "matrix": found.matrix,
        "cell": found,
        "words": words.names(found.bands),
        "parts": words.parts(found.bands),
        "since": MatrixVersion.objects.get(matrix=code, number=found.since_version),
        "customers": now.customers(found),
        "change": now.change(found),
        "now": now,
        "ancestors": ancestors,
        "descendants": family.descendants(found),
        "past": past_of(found, ancestors, city),
        "meetings": [
            (met, words.names(met.cells))
            for met in (
                meetings(found, definition, request.user)
                if found.retired_in_version is None
                else []
            )
        ],
        "scope": _scope(request),
    }
    return render(request, "campaigns/matrices/cell.html", context)


# --- versions ---


@require_GET
@viewers
def versions(request: HttpRequest, code: str) -> HttpResponse:
    """Every version, who stood behind it, and what was proved."""
    found = get_object_or_404(Matrix, pk=code)
    page = Paginator(versions_of(found), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "matrix": found,
        "page": page,
        "open": set(VersionState) - _CLOSED,
        "may_edit": may_edit(request.user),
    }
    return render(request, "campaigns/matrices/versions.html", context)


_CLOSED = {VersionState.PUBLISHED, VersionState.RETIRED}


@require_http_methods(["GET", "POST"])
@viewers
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """What one version says; posted: a new draft is begun from it, to edit or to go back."""
    found = get_object_or_404(
        MatrixVersion.objects.select_related("matrix"), matrix=code, number=number
    )
    if request.method == "POST":
        if not may_edit(request.user):
            raise PermissionDenied
        note = request.POST.get("note", "").strip()[:300]
        draft = begin_draft(found, note=note, by=request.user)
        return redirect("matrix-draft", code=code, pk=draft.pk)
    if found.state not in _CLOSED:
        return redirect("matrix-draft", code=code, pk=found.pk)
    definition = MatrixDefinition.from_json(found.body)
    context = {
        "matrix": found.matrix,
        "version": found,
        "says": said(definition),
        "may_edit": may_edit(request.user),
    }
    return render(request, "campaigns/matrices/version.html", context)


def said(definition: MatrixDefinition) -> dict[str, Any]:
    """What a definition says, for ``campaigns/matrices/says.html``."""
    words = MatrixWords.of(definition)
    grid = {dimension.code for dimension in definition.grid_dimensions}
    return {
        "definition": definition,
        "scope": words.scope(),
        "dimensions": [
            {
                "dimension": dimension,
                "in_grid": dimension.code in grid,
                "bands": [(band, words.band_rule(dimension, band)) for band in dimension.all_bands],
            }
            for dimension in definition.dimensions
        ],
        "edits": [words.edit(edit) for edit in definition.edits],
    }


# --- two versions ---


@require_GET
@viewers
def comparison(request: HttpRequest, code: str) -> HttpResponse:
    """Which cells stayed, were split, merged, redrawn, added, retired between two versions."""
    found = get_object_or_404(Matrix, pk=code)
    one, two = _pair(request, found)
    before, after = MatrixDefinition.from_json(one.body), MatrixDefinition.from_json(two.body)
    context = {
        "matrix": found,
        "one": one,
        "two": two,
        "versions": versions_of(found),
        "kinds": _kinds(compare(before, after), MatrixWords.of(before), MatrixWords.of(after)),
        "province_wide": request.user.cities is None,
    }
    return render(request, "campaigns/matrices/compare.html", context)


@require_GET
@viewers
def comparison_moves(request: HttpRequest, code: str) -> HttpResponse:
    """The customers that would move, counted on the published day; a part of the page."""
    found = get_object_or_404(Matrix, pk=code)
    one, two = _pair(request, found)
    context: dict[str, Any] = {"province_wide": request.user.cities is None}
    if request.user.cities is None:
        try:
            context["moved"] = moved_between(one, two)
        except DomainError as error:
            context["refusal"] = error
    return render(request, "campaigns/matrices/compare_moves.html", context)


def _pair(request: HttpRequest, found: Matrix) -> tuple[MatrixVersion, MatrixVersion]:
    """The versions that were asked for; without them the published one and the newest."""
    known = {v.number: v for v in versions_of(found)}
    if not known:
        raise Http404
    published = next((n for n, v in known.items() if v.state == VersionState.PUBLISHED), min(known))
    return tuple(
        known[_number(request.GET.get(name, ""), known, default)]
        for name, default in (("before", published), ("after", max(known)))
    )  # type: ignore[return-value]


def _number(text: str, known: dict[int, MatrixVersion], default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or int(text) not in known:
        raise Http404
    return int(text)


@dataclass(frozen=True)
class Kind:
    """Cells to which the same has happened: (a cell, those that it became or came from)."""

    code: str
    title: str
    count: int
    lines: list[tuple[str, list[str]]]


def _kinds(found: Comparison, was: MatrixWords, now: MatrixWords) -> list[Kind]:
    def told(pairs: Any, first: MatrixWords, others: MatrixWords) -> list[tuple[str, list[str]]]:
        return [
            (first.names(cell), [others.names(one) for one in several[:MOST_SHOWN]])
            for cell, several in pairs[:MOST_SHOWN]
        ]

    def alone(cells: Any, words: MatrixWords) -> list[tuple[str, list[str]]]:
        return [(words.names(bands), []) for bands in cells[:MOST_SHOWN]]

    return [
        Kind("split", _("split"), len(found.split), told(found.split, was, now)),
        Kind("merged", _("merged"), len(found.merged), told(found.merged, now, was)),
        Kind("redrawn", _("redrawn"), len(found.redrawn), told(found.redrawn, now, was)),
        Kind("added", _("added"), len(found.added), alone(found.added, now)),
        Kind("retired", _("retired"), len(found.retired), alone(found.retired, was)),
        Kind("kept", _("kept"), len(found.kept), alone(found.kept, now)),
    ]
