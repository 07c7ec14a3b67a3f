"""Pages of the contact policy: what holds, what was said before, and saying something else."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Level
from common.errors import DomainError
from common.pages import require, signed_in

from .body import Said
from .models import ContactPolicyVersion
from .selectors import (
    READ,
    lines_of,
    organisation_to_edit,
    speaker_to_read,
    speakers_for,
)
from .services import save_contact_policy
from .sheet import Sheet
from .words import CHANNEL_NAMES, COUNTS_NAMES, PER_NAMES

PER_PAGE = 20


@require_GET
@require(READ)
def contact_policy(request: HttpRequest) -> HttpResponse:
    """What holds in the province and in each city that the reader sees."""
    speakers = speakers_for(request.user)
    context = {
        "speakers": speakers,
        "province": next((s for s in speakers if s.organisation.level == Level.PROVINCE), None),
        "cities": [s for s in speakers if s.organisation.level == Level.CITY],
    }
    return render(request, "contacts/policy.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def contact_versions(request: HttpRequest, code: str) -> HttpResponse:
    """What an organisation said, newest first; the button takes an older version again."""
    speaker = speaker_to_read(request.user, code)
    versions = ContactPolicyVersion.objects.filter(organisation=speaker.organisation)
    refusal = None
    if request.method == "POST":
        if not speaker.may_edit:
            raise PermissionDenied
        number = request.POST.get("number", "")
        older = get_object_or_404(versions, number=int(number) if number.isdecimal() else 0)
        try:
            now = save_contact_policy(speaker.organisation, body=older.body, by=request.user)
        except DomainError as error:
            refusal = error
        else:
            text = _("%(version)s holds from now on; it says what %(older)s said.")
            messages.success(request, text % {"version": now, "older": older})
            return redirect("contact-versions", code=code)
    page = Paginator(versions, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "speaker": speaker,
        "organisation": speaker.organisation,
        "page": page,
        "versions": [(version, lines_of(version)) for version in page],
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(request, "contacts/versions.html", context, status=status)


@require_http_methods(["GET", "POST"])
@signed_in
def contact_edit(request: HttpRequest, code: str) -> HttpResponse:
    """The form of one organisation; what is refused stays as it was typed."""
    organisation = organisation_to_edit(request.user, code)
    newest = ContactPolicyVersion.objects.filter(organisation=organisation).first()
    number = newest.number if newest else 0
    refusal, status = "", 200
    if request.method == "POST":
        sheet = Sheet.of_post(request.POST)
        if not sheet.change(request.POST.get("do", "")):
            try:
                version = save_contact_policy(
                    organisation, body=sheet.body(), seen=sheet.seen, by=request.user
                )
            except DomainError as error:
                refusal, status = sheet.refuse(error), 422 if error.status == 400 else error.status
                sheet.seen = number  # whoever was told of a newer version may save over it
            else:
                messages.success(
                    request, _("%(version)s holds from now on.") % {"version": version}
                )
                return redirect("contact-policy")
    else:
        sheet = Sheet.of_body(newest.body if newest else Said().plain(), number)
    context = {"organisation": organisation, "sheet": sheet, "refusal": refusal, **_choices()}
    if organisation.level == Level.CITY:
        context["province"] = speakers_for(request.user)[0]
    return render(request, "contacts/edit.html", context, status=status)


def _choices() -> dict[str, Any]:
    return {
        "channels": CHANNEL_NAMES.items(),
        "pers": PER_NAMES.items(),
        "counts": COUNTS_NAMES.items(),
    }
