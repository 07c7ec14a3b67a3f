"""What was answered before: a decision found by its id, replayed, and what became of it."""

from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Organisation
from campaigns.models import Offer, PolicyVersion
from common.errors import DomainError
from common.masking import mask_number
from common.pages import is_part, require
from common.permissions import Permission

from .cards import Card, cards_of
from .feedback import SENDERS, once, record_feedback
from .forms import FeedbackForm
from .looks import groups_of
from .models import Decision
from .replay import READERS, replay
from .selectors import decision_for
from .standing import policy_names, reported_of
from .views import search_context


@require_GET
@require(*READERS)
def search(request: HttpRequest) -> HttpResponse:
    """The box; with an id, the decision or the word that there is none here."""
    text = request.GET.get("id", "").strip()
    if not text:
        return render(request, "touch/search.html", search_context(request))
    try:
        found = decision_for(_uuid(text), user=request.user)
    except DomainError as error:
        context = search_context(request) | {"decision_refusal": error}
        return render(request, "touch/search.html", context, status=error.status)
    return redirect("decision", identifier=found.pk)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise DomainError(
            "malformed_decision",
            _("A decision's id has 32 hexadecimal digits, as the answer carried it."),
        ) from error


@require_GET
@require(*READERS)
def decision(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """The answer as it was, whether its versions give it again, and what is other now."""
    row = decision_for(identifier, user=request.user)
    found = replay(identifier, user=request.user)
    answer, reported = found.answer, reported_of(identifier)
    context = {
        "row": row,
        "replay": found,
        "answer": answer,
        "offered": _offered(row),
        "cards": cards_of(answer.items, reported) if answer else [],
        "groups_of_looks": groups_of(answer.considered or []) if answer else [],
        "may_report": _may_report(request, row),
        "gone": _named(found.gone),
        "new": _named(found.new),
        "may_see_number": request.user.can(Permission.VIEW_SENSITIVE),
        "masked": mask_number(row.customer_no),
        "city": next((o.name for o in Organisation.objects.filter(code=row.city)), row.city),
    }
    return render(request, "touch/decision.html", context)


@require_POST
@require(*SENDERS)
def feedback(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """Record one outcome; a part of the page for htmx, else back to the decision."""
    row = decision_for(identifier, user=request.user)
    policies = {version.policy_id: version for version in _offered(row)}
    form = FeedbackForm(request.POST)
    status, refusal = _record(request, form, identifier)
    policy = policies.get(request.POST.get("policy", ""))
    if not is_part(request) or policy is None:
        _say(request, refusal)
        return redirect("decision", identifier=identifier)
    events = reported_of(identifier).get(policy.policy_id, [])
    context = {
        "row": row,
        "decision": identifier,
        "channel": row.channel,
        "card": Card(policy.policy_id, policy.channels, events),
        "may_report": _may_report(request, row),
        "refusal": refusal,
        "said": not refusal,
    }
    return render(request, "touch/feedback.html", context, status=status)


def _record(request: HttpRequest, form: FeedbackForm, identifier: UUID) -> tuple[int, str]:
    """Record what the form says; return the status, and why not in words or nothing."""
    if not form.is_valid():
        return 422, form.refusal()
    said = form.reported(identifier)
    try:
        once(
            lambda: record_feedback([said], by=request.user),
            caller=request.user,
            key=form.request_key(),
            body=asdict(said),
            scope="feedback page",
        )
    except DomainError as error:
        return error.status, error.message
    return 200, ""


def _say(request: HttpRequest, refusal: str) -> None:
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, _("Recorded: it holds from the next answer on."))


def _may_report(request: HttpRequest, row: Decision) -> bool:
    return request.user.can(Permission.SEND_FEEDBACK) and timezone.now() < row.expires_at


def _offered(row: Decision) -> list[PolicyVersion]:
    """The policy versions that the decision offered, best first."""
    offers = Offer.objects.select_related("policy_version").in_bulk(row.offers)
    return [offers[offer].policy_version for offer in row.offers]


def _named(texts: list[str]) -> list[tuple[str, str]]:
    """P0012@2 with its name."""
    pairs = [text.rsplit("@", 1) for text in texts]
    names = policy_names((policy, int(number)) for policy, number in pairs)
    return [(f"{p}@{n}", names.get((p, int(n)), p)) for p, n in pairs]
