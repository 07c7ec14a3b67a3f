"""Insight: what a group of customers is like against another, as a page and as a workbook."""

from dataclasses import dataclass
from urllib.parse import quote

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Organisation, User
from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from customers.catalogue import rule_catalogue

from ..proposals.views import may_propose
from .forms import AgainstForm, GroupForm, visible_catalogue
from .jobs import Answer, ask, find_answer
from .measure import Question
from .profile import Profile, profile
from .today import Today, published_day
from .workbook import Described, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 12


@dataclass
class Asking:
    """The two forms as the address fills them, and the question that they make."""

    reader: User
    today: Today
    a: GroupForm
    b: AgainstForm

    @classmethod
    def of(cls, request: HttpRequest, today: Today) -> "Asking":
        data = request.POST if request.method == "POST" else request.GET
        asked = data if "a-kind" in data else None
        says = {"reader": request.user, "today": today}
        a = GroupForm(asked, prefix="a", **says)
        return cls(request.user, today, a, AgainstForm(asked, prefix="b", **says))

    @property
    def asked(self) -> bool:
        return self.a.is_bound

    @property
    def question(self) -> Question | None:
        """None while a form says what is wrong."""
        if not (self.a.is_valid() & self.b.is_valid()):
            return None
        assert self.a.group is not None
        assert self.b.group is not None
        cities = self.reader.cities
        return Question(
            self.a.group, self.b.group, None if cities is None else tuple(sorted(cities))
        )

    def described(self, question: Question) -> Described:
        catalogue = visible_catalogue(self.reader)
        return Described(
            question.group.words(self.today, catalogue),
            question.against.words(self.today, catalogue),
            scope_of(self.reader),
            self.today.business_date,
            self.today.run_number,
            self.today.versions,
        )


def scope_of(reader: User) -> str:
    """Whose customers the reader sees: the province, or his city, by name."""
    if reader.cities is None:
        return reader.organisation.name
    cities = Organisation.objects.filter(code__in=reader.cities)
    return ", ".join(city.name for city in cities)


def may_profile(request: HttpRequest) -> None:
    """Profiles show what customers are like, by cells: who may see only one of them may not."""
    if not request.user.can(Permission.VIEW_CUSTOMERS):
        raise PermissionDenied


@require_GET
@require(Permission.VIEW_MATRICES)
def insight(request: HttpRequest) -> HttpResponse:
    """The forms; with a question, its answer, or what is being done to get it."""
    may_profile(request)
    try:
        today = published_day()
    except DomainError as error:
        return render(
            request, "segmentation/insight/page.html", {"refusal": error}, status=error.status
        )
    asking = Asking.of(request, today)
    context: dict[str, object] = {
        "today": today,
        "asking": asking,
        "scope": scope_of(asking.reader),
        "may_propose": may_propose(asking.reader),
    }
    if not asking.asked:
        return render(request, "segmentation/insight/page.html", context)
    question = asking.question
    if question is None:
        return render(request, "segmentation/insight/page.html", context, status=422)
    answer = find_answer(question, today)
    if "progress" in request.GET:
        return _progress(request, answer)
    context |= {"described": asking.described(question), "answer": answer}
    if answer.measured:
        context |= _shown(profile(answer.measured, asking.reader))
        context["defining"] = question.group.defined_by(today, rule_catalogue())
    return render(request, "segmentation/insight/page.html", context)


def _shown(found: Profile) -> dict[str, object]:
    return {"profile": found, "strongest": found.ranked[:SHOWN]}


def _progress(request: HttpRequest, answer: Answer) -> HttpResponse:
    """The part that follows a run; when it has ended, the whole page comes anew."""
    if not answer.active:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "segmentation/insight/progress.html", {"answer": answer})


@require_POST
@require(Permission.VIEW_MATRICES)
def insight_start(request: HttpRequest) -> HttpResponse:
    """Let a worker count what is too much to count while somebody waits."""
    may_profile(request)
    asking = Asking.of(request, published_day())
    question = asking.question if asking.asked else None
    if question is None:
        return redirect("insight")
    ask(question, asking.today, by=request.user)
    posted = request.POST.copy()
    posted.pop("csrfmiddlewaretoken", None)
    return redirect(f"{reverse('insight')}?{posted.urlencode()}")


@require_GET
@require(Permission.VIEW_MATRICES)
def insight_workbook(request: HttpRequest) -> HttpResponse:
    """The same answer as XLSX. Raises DomainError while there is none."""
    may_profile(request)
    asking = Asking.of(request, published_day())
    question = asking.question if asking.asked else None
    if question is None:
        raise DomainError("no_question", _("Choose the customers of both groups first."))
    answer = find_answer(question, asking.today)
    if answer.measured is None:
        raise DomainError(
            "not_counted_yet", _("This profile has not been counted yet."), status=409
        )
    content = workbook(profile(answer.measured, asking.reader), asking.described(question))
    name = _("profile-%(day)s.xlsx") % {"day": asking.today.business_date}
    return HttpResponse(
        content,
        content_type=XLSX,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )
