"""Customer look-up: find a customer by number, and see today's answer with its reasons."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from segmentation.flow.selectors import customer_paths

from .recommendation import by_category, recommend
from .selectors import history


@require_GET
@require(Permission.VIEW_CUSTOMERS)
def search(request: HttpRequest) -> HttpResponse:
    """The empty box; with a number, the customer or the word that there is none here."""
    number = request.GET.get("q", "").strip()
    if not number:
        return render(request, "touch/search.html")
    try:
        recommend(number, user=request.user, limit=0)
    except DomainError as error:
        context = {"number": number, "refusal": error}
        return render(request, "touch/search.html", context, status=error.status)
    return redirect("customer", customer_no=number)


@require_GET
@require(Permission.VIEW_CUSTOMERS)
def customer(request: HttpRequest, customer_no: str) -> HttpResponse:
    answer = recommend(customer_no, user=request.user)
    context = {
        "answer": answer,
        "groups": by_category(answer.profile),
        "history": history(customer_no, user=request.user),
        **customer_paths(customer_no, user=request.user),
    }
    return render(request, "touch/customer.html", context)
