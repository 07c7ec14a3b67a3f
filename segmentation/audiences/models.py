"""What people name: groups of marks laid over the cells, audiences, and imported lists.

Each belongs to the whole province (``city`` empty) or to one city. Nothing is ever deleted: what
is no longer wanted is retired, and defining it anew brings it back.
"""

from datetime import date
from typing import Any

from django.db import models

from accounts.models import User
from common.naming import Named

from .sets import AUDIENCE, LIST, MARK, Node, Ref, from_json


class DefinedQuerySet(models.QuerySet[Any]):
    """``home``: the field that says whose it is."""

    home = "city"

    def visible_to(self, user: User) -> "DefinedQuerySet":
        """What the province defined is for everybody; a city's for that city and the province."""
        if not user.sees_anything:
            return self.none()
        if user.cities is None:
            return self
        return self.filter(**{f"{self.home}__in": ["", *user.cities]})

    def active(self) -> "DefinedQuerySet":
        return self.filter(retired_at=None)


class MarkQuerySet(DefinedQuerySet):
    home = "matrix__city"


class Defined(Named):
    """``revision`` counts the changes: who edits names the one that they saw.

    ``noun``: what the operation log calls such a thing.
    """

    noun: str

    code = models.CharField(max_length=40, primary_key=True)
    revision = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(auto_now=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.code


class AuxiliaryMatrix(Defined):
    """An auxiliary matrix 辅助矩阵: a group of marks. They neither exclude each other nor end."""

    noun = "auxiliary_matrix"

    city = models.CharField(max_length=40, blank=True, help_text="empty: the whole province")
    position = models.PositiveSmallIntegerField(default=0)

    objects = DefinedQuerySet.as_manager()

    class Meta:
        ordering = ["position", "code"]
        verbose_name_plural = "auxiliary matrices"


class Mark(Defined):
    """A mark 标记 on the customers of a set, many per customer."""

    kind, noun = MARK, "mark"

    matrix = models.ForeignKey(AuxiliaryMatrix, on_delete=models.PROTECT, related_name="marks")
    expression = models.JSONField(help_text="segmentation.audiences.sets")
    position = models.PositiveSmallIntegerField(default=0)

    objects = MarkQuerySet.as_manager()

    class Meta:
        ordering = ["matrix", "position", "code"]

    @property
    def city(self) -> str:
        return self.matrix.city

    @property
    def ref(self) -> Ref:
        return MARK, self.code

    @property
    def node(self) -> Node:
        return from_json(self.expression)


class Audience(Defined):
    """An audience 目标客群: a set of customers that campaigns name and never copy."""

    kind, noun = AUDIENCE, "audience"

    city = models.CharField(max_length=40, blank=True, help_text="empty: the whole province")
    expression = models.JSONField(help_text="segmentation.audiences.sets")

    objects = DefinedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    @property
    def ref(self) -> Ref:
        return AUDIENCE, self.code

    @property
    def node(self) -> Node:
        return from_json(self.expression)


class ImportedList(Defined):
    """A list of customer numbers that somebody brought; the numbers are in the lake (``lists``).

    ``key`` names the partition; its business date is ``expires_on``, the last day on which the
    list holds anybody, so that the numbers are removed with all else of that day and not before.
    """

    kind, noun = LIST, "imported_list"

    city = models.CharField(max_length=40, blank=True, help_text="empty: the whole province")
    source = models.CharField(max_length=200, help_text="where the numbers come from")
    expires_on = models.DateField()
    key = models.CharField(max_length=40)
    lines = models.PositiveIntegerField(help_text="lines that hold anything")
    members = models.PositiveIntegerField(help_text="numbers kept")
    rejected = models.JSONField(default=dict, help_text="reason → lines")
    compared_with = models.DateField(null=True, help_text="the snapshot that numbers were found in")
    unknown = models.PositiveIntegerField(null=True, help_text="kept, but not in that snapshot")

    objects = DefinedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    @property
    def ref(self) -> Ref:
        return LIST, self.code

    def holds_on(self, day: date) -> bool:
        return day <= self.expires_on
