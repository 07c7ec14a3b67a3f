"""Pages of the movement between behaviour groups, and the same as a file."""

from dataclasses import dataclass
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Level, Organisation, User
from common.csv_lines import csv_lines
from common.errors import DomainError
from common.pages import asked_date, require
from common.permissions import Permission

from .group_movements import movement_days
from .kinds.groups import GroupsKind
from .models import Model
from .movement_page import MovementPage, csv_rows
from .report_names import Wording

HEADINGS = ("date", "since", "model", "city", "from", "to", "customers")
DAYS_OFFERED = 92


@dataclass(frozen=True)
class Choice:
    """What may be chosen from, and what is; ``city`` "": all that the reader sees."""

    model: Model
    days: list[date]
    cities: list[Organisation]
    city: str
    province_wide: bool
    page: MovementPage | None

    @property
    def city_name(self) -> str:
        """ "": all that the reader sees."""
        return next((city.name for city in self.cities if city.code == self.city), "")


@require_GET
@require(Permission.VIEW_MODELS)
def model_movement(request: HttpRequest, code: str) -> HttpResponse:
    """Who moved from which group to which since the day before."""
    choice = _choice(request, code)
    return render(request, "scoring/movement.html", {"choice": choice, "page": choice.page})


@require_GET
@require(Permission.VIEW_MODELS)
def model_movement_csv(request: HttpRequest, code: str) -> HttpResponse | StreamingHttpResponse:
    """Every count of the chosen day and cities."""
    page = _choice(request, code).page
    if page is None:
        raise DomainError(
            "no_movement", _("There is no movement of this model and day."), status=404
        )
    lines = csv_lines(HEADINGS, csv_rows(page))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="movement-{code}-{page.day}.csv"'
    return response


def _choice(request: HttpRequest, code: str) -> Choice:
    """Read the address; what is not given is the newest day and all cities of the reader."""
    model = get_object_or_404(Model, pk=code, kind=GroupsKind.code)
    user = request.user
    cities = [
        city
        for city in Organisation.objects.filter(level=Level.CITY).order_by("sort_key")
        if user.sees_city(city.code)
    ]
    city = request.GET.get("city", "")
    if city and city not in {c.code for c in cities}:
        raise Http404
    known = movement_days(code)
    chosen = asked_date(request) or next(iter(known), None)
    page = None
    if chosen in known:
        page = MovementPage(model, known[chosen], _seen(city, user), Wording())
    days = list(known)[:DAYS_OFFERED]
    return Choice(model, days, cities, city, user.cities is None, page)


def _seen(city: str, user: User) -> frozenset[str] | None:
    """A city's reader has his own and no other (law 8)."""
    if city:
        return frozenset([city])
    return None if user.cities is None else frozenset(user.cities)
