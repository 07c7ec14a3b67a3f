"""Customer look-up: find a customer by number, see the answer of now with its reasons, opt out."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from contacts.body import check_channel
from contacts.recording import lock_records
from contacts.services import set_opt_outs
from contacts.words import OPTED_OUT_NAMES
from customers.meetings import Channel
from segmentation.flow.selectors import customer_paths

from .answers import by_category
from .cards import cards_of
from .current import Current, current
from .forms import OptOutForm, seen_of
from .looks import groups_of
from .recommendation import MOST_ITEMS, recommend_to
from .selectors import history
from .standing import contacts_of, decisions_of, notices_of, opt_outs_of, standing_of


@require_GET
@require(Permission.VIEW_CUSTOMERS)
def search(request: HttpRequest) -> HttpResponse:
    """The empty box; with a number, the customer or the word that there is none here."""
    number = request.GET.get("q", "").strip()
    if not number:
        return render(request, "touch/search.html", search_context(request))
    try:
        current(number, request.user, Permission.VIEW_CUSTOMERS)
    except DomainError as error:
        context = search_context(request) | {"number": number, "refusal": error}
        return render(request, "touch/search.html", context, status=error.status)
    return redirect("customer", customer_no=number)


def search_context(request: HttpRequest) -> dict[str, Any]:
    """Which of the two boxes are there."""
    return {
        "may_see_customers": request.user.can(Permission.VIEW_CUSTOMERS),
        "may_read_decisions": request.user.can(Permission.READ_DECISIONS),
    }


@require_GET
@require(Permission.VIEW_CUSTOMERS)
def customer(request: HttpRequest, customer_no: str) -> HttpResponse:
    """Ask for an answer, as a touch point does: each look is a decision, and is kept."""
    channel, user = request.GET.get("channel", ""), request.user
    if channel:
        check_channel(channel, "channel")
    now = current(customer_no, user, Permission.VIEW_CUSTOMERS)
    answer = recommend_to(now, user=user, channel=channel or None, limit=MOST_ITEMS, explain=True)
    context = {
        "answer": answer,
        "number": customer_no,
        "channels": [("", _("any channel")), *Channel.choices],
        "notices": notices_of(answer, now),
        "cards": cards_of(answer.items, {}),
        "may_report": user.can(Permission.SEND_FEEDBACK),
        "may_opt_out": user.can(Permission.SET_OPT_OUTS),
        "groups_of_looks": groups_of(answer.considered or []),
        "groups": by_category(answer.profile),
        "standing": standing_of(now, answer.at),
        "contacts": contacts_of(customer_no, user=user),
        "decisions": _decisions(request, customer_no),
        "history": history(customer_no, user=user),
        **customer_paths(customer_no, user=user),
    }
    return render(request, "touch/customer.html", context)


def _decisions(request: HttpRequest, customer_no: str) -> list[object]:
    if not request.user.can(Permission.READ_DECISIONS):
        return []
    return list(decisions_of(customer_no, user=request.user))


@require_http_methods(["GET", "POST"])
@require(Permission.SET_OPT_OUTS)
def opt_outs(request: HttpRequest, customer_no: str) -> HttpResponse:
    """What the customer does not want to hear from: marked, then confirmed."""
    now = current(customer_no, request.user, Permission.SET_OPT_OUTS)
    held = now.record.opted_out
    context = {
        "number": customer_no,
        "names": OPTED_OUT_NAMES.items(),
        "marked": held,
        "seen": seen_of(held),
        "events": opt_outs_of(customer_no, user=request.user),
    }
    status = 200
    if request.method == "POST":
        form = OptOutForm(request.POST)
        if not form.is_valid():
            raise DomainError("invalid", next(iter(form.errors.values()))[0])
        wanted, seen = form.wanted(), form.cleaned_data["seen"]
        if request.POST.get("do") == "confirm" and _confirmed(request, now, wanted, seen):
            messages.success(request, _("Recorded: it holds from the next answer on."))
            return redirect("customer", customer_no=customer_no)
        meanwhile = seen != seen_of(held)
        out = [OPTED_OUT_NAMES[code] for code in OPTED_OUT_NAMES if code in wanted - held]
        back = [OPTED_OUT_NAMES[code] for code in OPTED_OUT_NAMES if code in held - wanted]
        context |= {"marked": wanted, "asked": True, "out": out, "back": back}
        context["meanwhile"] = meanwhile
        status = 409 if meanwhile else 200
    return render(request, "touch/opt_outs.html", context, status=status)


@transaction.atomic
def _confirmed(request: HttpRequest, now: Current, wanted: frozenset[str], seen: str) -> bool:
    """Set the opt-outs, unless somebody has changed them since the page was made."""
    if seen != seen_of(lock_records([now.customer_no])[now.customer_no].opted_out):
        return False
    set_opt_outs(customer_no=now.customer_no, opted_out=wanted, city=now.city, by=str(request.user))
    return True
