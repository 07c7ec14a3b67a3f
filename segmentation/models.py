"""Strategies, matrices, their published versions, and cells whose numbers are never reused."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.naming import Named

from .audiences.models import Audience, AuxiliaryMatrix, ImportedList, Mark

__all__ = [
    "Audience",
    "AuxiliaryMatrix",
    "Cell",
    "ImportedList",
    "Mark",
    "Matrix",
    "MatrixVersion",
    "Strategy",
    "VersionState",
]


class Strategy(Named):
    """A strategic group 战略分群: retention, stimulation, uplift.

    ``rule``: whom its matrices are for, "": everybody. An ``exclusive`` group leaves to the
    exclusive ones before it the customers that they take; others overlap.
    """

    code = models.CharField(max_length=40, primary_key=True)
    position = models.PositiveSmallIntegerField(default=0)
    rule = models.CharField(max_length=4000, blank=True)
    exclusive = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.code


class Matrix(Named):
    """A customer matrix 客户矩阵: the exclusive, exhaustive cells of one strategy."""

    code = models.SlugField(max_length=40, primary_key=True)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="matrices")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.code

    @property
    def next_number(self) -> int:
        """The number of its next version; for who holds the matrix locked."""
        return (self.versions.aggregate(last=models.Max("number"))["last"] or 0) + 1


class VersionState(models.TextChoices):
    DRAFT = "draft", _("draft")
    CHECKED = "checked", _("checked")
    APPROVED = "approved", _("approved")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class MatrixVersionQuerySet(models.QuerySet["MatrixVersion"]):
    def published(self) -> "MatrixVersionQuerySet":
        return self.filter(state=VersionState.PUBLISHED)

    def open(self) -> "MatrixVersionQuerySet":
        """What people work on: not yet published, not overtaken."""
        states = [VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED]
        return self.filter(state__in=states)

    def due(self, business_date: date) -> "MatrixVersionQuerySet":
        """Approved, and to be in force on the date: the oldest first."""
        approved = self.filter(state=VersionState.APPROVED, from_date__lte=business_date)
        return approved.order_by("matrix", "number")


class MatrixVersion(models.Model):
    """One definition of a matrix. ``body`` is segmentation.definition.MatrixDefinition as JSON.

    A published version never changes; editing makes the next one. ``revision`` counts the edits
    of a draft: who edits says which one he saw. ``from_date``: in force from that business date.
    """

    matrix = models.ForeignKey(Matrix, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.DRAFT)
    based_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    past = models.JSONField(default=list, help_text="bodies before the latest edits, to undo them")
    editors = ArrayField(models.CharField(max_length=150), default=list)
    note = models.CharField(max_length=300, blank=True, help_text="why, for who approves")
    proof = models.JSONField(null=True, help_text="what was proved when it was checked")
    checked_by = models.CharField(max_length=150, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)
    from_date = models.DateField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    objects = MatrixVersionQuerySet.as_manager()

    class Meta:
        ordering = ["matrix", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["matrix", "number"], name="segmentation_version_once"),
            models.UniqueConstraint(
                fields=["matrix"],
                condition=models.Q(state=VersionState.PUBLISHED),
                name="segmentation_one_published",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matrix_id}@{self.number}"


class CellQuerySet(models.QuerySet["Cell"]):
    def of_version(self, version: MatrixVersion) -> "CellQuerySet":
        """The cells that the version has, or had."""
        retired_later = models.Q(retired_in_version__gt=version.number)
        return self.filter(
            models.Q(retired_in_version=None) | retired_later,
            matrix=version.matrix_id,
            since_version__lte=version.number,
        )


class Cell(models.Model):
    """One combination of bands. ``number`` is unique over all matrices and for all time.

    ``bands`` maps dimension code → band code, or a list of codes, and is the cell's identity
    within its matrix: while the codes stay, re-cutting a threshold keeps the number; a cell that
    vanishes is retired. ``parents``: the retired cells whose customers it got.
    """

    number = models.BigAutoField(primary_key=True)
    matrix = models.ForeignKey(Matrix, on_delete=models.PROTECT, related_name="cells")
    bands = models.JSONField()
    identity = models.CharField(max_length=40, help_text="key_of(bands)")
    since_version = models.PositiveIntegerField()
    retired_in_version = models.PositiveIntegerField(null=True)
    parents = ArrayField(models.BigIntegerField(), default=list)

    objects = CellQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["matrix", "identity"],
                condition=models.Q(retired_in_version=None),
                name="segmentation_cell_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.number)
