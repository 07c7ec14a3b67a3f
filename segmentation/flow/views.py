"""The flows of a matrix: what moved where, what moved it, and which cells are unusual today."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Level, Organisation, User
from common.csv_lines import csv_lines
from common.errors import DomainError
from common.pages import asked_date, require
from common.permissions import Permission

from ..models import Matrix
from ..published import latest_day
from .history import KEEP_MONTHS, days_between
from .selectors import FlowPage

HEADINGS = (
    "date", "matrix", "city", "from_cell", "from", "to_cell", "to", "kind", "dimensions",
    "customers",
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What the reader may choose from and has chosen; ``matrix``, ``day`` None: nothing yet."""

    matrices: list[Matrix]
    cities: list[Organisation]
    days: list[date]
    matrix: Matrix | None
    day: date | None
    city: str | None
    province_wide: bool

    @property
    def newest(self) -> date | None:
        return self.days[-1] if self.days else None

    @property
    def earlier(self) -> date | None:
        return max((d for d in self.days if self.day and d < self.day), default=None)

    @property
    def later(self) -> date | None:
        return min((d for d in self.days if self.day and d > self.day), default=None)

    @property
    def page(self) -> FlowPage | None:
        """The figures; None where there are none to show."""
        if self.matrix is None or self.day not in self.days:
            return None
        return FlowPage(self.matrix, self.day, self.city, self.days)


@require_GET
@require(Permission.VIEW_MATRICES)
def flows(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    page = choice.page
    context: dict[str, object] = {"choice": choice, "page": page}
    if page is not None and len(page.flows):
        context |= {
            "totals": page.flows.totals(),
            "grid": page.flows.grid(),
            "moves": page.moves(),
            "dimensions": page.by_dimension(),
            "unusual": page.unusual(),
        }
    return render(request, "segmentation/flows/page.html", context)


@require_GET
@require(Permission.VIEW_MATRICES)
def flows_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Every row of the chosen matrix, day and city, with the cells in words."""
    page = _choice(request).page
    if page is None:
        raise DomainError("no_flows", _("There are no flows of this matrix and day."), status=404)
    rows = ([row[name] for name in HEADINGS] for row in page.told())
    response = StreamingHttpResponse(
        csv_lines(HEADINGS, rows), content_type="text/csv; charset=utf-8"
    )
    name = f"flows-{page.matrix.pk}-{page.day}{'-' + page.city if page.city else ''}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- what was asked for ---


def _choice(request: HttpRequest) -> Choice:
    """Read the address; what is not given is the first matrix, the newest day, all of the scope."""
    user = request.user
    matrices = list(Matrix.objects.all())
    newest = latest_day()
    days = [] if newest is None else days_between(_oldest(newest.date), newest.date)
    cities = [
        c
        for c in Organisation.objects.filter(level=Level.CITY).order_by("sort_key")
        if user.sees_city(c.code)
    ]
    return Choice(
        matrices=matrices,
        cities=cities,
        days=days,
        matrix=_matrix(request.GET.get("matrix", ""), matrices),
        day=asked_date(request) or (days[-1] if days else None),
        city=_city(request.GET.get("city", ""), cities, user),
        province_wide=user.cities is None,
    )


def _matrix(code: str, matrices: list[Matrix]) -> Matrix | None:
    if not code:
        return matrices[0] if matrices else None
    for matrix in matrices:
        if matrix.pk == code:
            return matrix
    raise Http404


def _city(code: str, cities: list[Organisation], user: User) -> str | None:
    """The chosen city; a city's reader has his own and no other (law 8)."""
    if code:
        if code not in {city.code for city in cities}:
            raise Http404
        return code
    return None if user.cities is None else next(iter(user.cities), "")


def _oldest(newest: date) -> date:
    return newest - timedelta(days=31 * KEEP_MONTHS)
