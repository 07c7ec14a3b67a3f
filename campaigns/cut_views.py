"""A city's own cuts of a matrix, within the limits that the province sets."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Level, Organisation, User
from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from segmentation.dimensions import Thresholds
from segmentation.drafts import set_city_cuts
from segmentation.matrix_words import number, spoken

from .matrix_views import InForce


@dataclass(frozen=True)
class Cut:
    """Between two bands: the province's value, the city's own, and what it may choose."""

    below: str
    above: str
    province: float
    own: float | None
    least: float
    most: float


@dataclass(frozen=True)
class Open:
    """A dimension whose cuts cities may choose."""

    dimension: Thresholds

    @property
    def name(self) -> str:
        return spoken(self.dimension.name)

    def cuts(self, city: str) -> list[Cut]:
        d = self.dimension
        names = [spoken(d.bands[place].name) for place in d.order]
        own = d.city_cuts.get(city, (None,) * len(d.cuts))
        return [
            Cut(names[n], names[n + 1], d.cuts[n], own[n], *d.city_limits[n])
            for n in range(len(d.cuts))
        ]


def _open(found: InForce) -> list[Open]:
    return [
        Open(d) for d in found.definition.dimensions if isinstance(d, Thresholds) and d.city_limits
    ]


def _cities(reader: User) -> list[Organisation]:
    every = Organisation.objects.filter(level=Level.CITY).order_by("sort_key")
    return [city for city in every if reader.sees_city(city.code)]


@require_GET
@require(Permission.VIEW_MATRICES)
def city_cuts(request: HttpRequest, code: str) -> HttpResponse:
    """The cuts of each city that the reader sees, beside the province's."""
    found = InForce.of(code)
    if found is None:
        return redirect("matrix-versions", code=code)
    dimensions = _open(found)
    context = {
        "matrix": found.matrix,
        "version": found.version,
        "cities": [
            (city, [(one, one.cuts(city.code)) for one in dimensions])
            for city in _cities(request.user)
        ],
        "open": dimensions,
        "may_set": request.user.can(Permission.SET_CITY_CUTS),
    }
    return render(request, "campaigns/matrices/city_cuts.html", context)


class CutsForm(forms.Form):
    """A city's cuts of one dimension: all of them, or none for the province's."""

    def __init__(self, *args: Any, cuts: list[Cut], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place, cut in enumerate(cuts):
            widget = forms.TextInput(attrs={"class": "form-control", "inputmode": "decimal"})
            self.fields[f"cut_{place}"] = forms.FloatField(
                label=_("from %(below)s to %(above)s") % {"below": cut.below, "above": cut.above},
                required=False,
                widget=widget,
                initial=cut.own,
                help_text=_("The province: %(province)s; you may choose %(least)s to %(most)s")
                % {
                    "province": number(cut.province),
                    "least": number(cut.least),
                    "most": number(cut.most),
                },
            )

    @property
    def values(self) -> tuple[float, ...]:
        """() where every field is empty. Raises DomainError where only some are."""
        given = [self.cleaned_data[name] for name in self.fields]
        if any(value is None for value in given) and any(value is not None for value in given):
            raise DomainError(
                "cuts_count", _("Fill in every cut, or none to keep those of the province.")
            )
        return tuple(
            int(value) if value == int(value) else value for value in given if value is not None
        )


@require_http_methods(["GET", "POST"])
@require(Permission.SET_CITY_CUTS)
def city_cut(request: HttpRequest, code: str, city: str) -> HttpResponse:
    """The forms of one city; 404 for another than the user's."""
    found = InForce.required(code)
    if not request.user.sees_city(city):
        raise Http404
    place = get_object_or_404(Organisation, code=city, level=Level.CITY)
    wanted = request.POST.get("dimension", "") if request.method == "POST" else ""
    sheets, status = [], 200
    for one in _open(found):
        mine = one.dimension.code == wanted
        # Its own prefix, so that two dimensions on one page don't share the ids of their fields.
        form = CutsForm(
            request.POST if mine else None, cuts=one.cuts(city), prefix=one.dimension.code
        )
        refusal = None
        if mine and form.is_valid():
            try:
                return _set(request, found, one, city, form)
            except DomainError as error:
                refusal, status = error, error.status
        elif mine:
            status = 422
        sheets.append((one, form, refusal))
    if wanted and wanted not in {one.dimension.code for one, _form, _refusal in sheets}:
        raise Http404
    context = {"matrix": found.matrix, "city": place, "sheets": sheets}
    return render(request, "campaigns/matrices/city_cut.html", context, status=status)


def _set(
    request: HttpRequest, found: InForce, one: Open, city: str, form: CutsForm
) -> HttpResponse:
    version = set_city_cuts(
        found.matrix, dimension=one.dimension.code, city=city, cuts=form.values, by=request.user
    )
    text = _("%(version)s is in force; the next daily run uses the cuts of %(city)s.")
    messages.success(request, text % {"version": version, "city": city})
    return redirect("city-cut", code=found.matrix.pk, city=city)
