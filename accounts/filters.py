"""What the operation log can be asked for: declared fields, nothing else."""

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Operation


def _text() -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control"})


def _date() -> forms.DateInput:
    return forms.DateInput(attrs={"class": "form-control", "type": "date"})


class OperationFilter(django_filters.FilterSet):
    by = django_filters.CharFilter(label=_("who"), lookup_expr="icontains", widget=_text())
    action = django_filters.CharFilter(label=_("what"), lookup_expr="icontains", widget=_text())
    target = django_filters.CharFilter(
        label=_("on which thing"),
        field_name="target_label",
        lookup_expr="icontains",
        widget=_text(),
    )
    since = django_filters.DateFilter(
        label=_("from"), field_name="at", lookup_expr="date__gte", widget=_date()
    )
    until = django_filters.DateFilter(
        label=_("to"), field_name="at", lookup_expr="date__lte", widget=_date()
    )

    class Meta:
        model = Operation
        fields: tuple[str, ...] = ()
