"""Strategies, matrices, their published versions, and cells whose numbers are never reused."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.naming import Named


class Strategy(Named):
    """A strategic group 战略分群: retention, stimulation, uplift."""

    code = models.CharField(max_length=40, primary_key=True)
    position = models.PositiveSmallIntegerField(default=0)

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


class VersionState(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class MatrixVersionQuerySet(models.QuerySet["MatrixVersion"]):
    def published(self) -> "MatrixVersionQuerySet":
        return self.filter(state=VersionState.PUBLISHED)


class MatrixVersion(models.Model):
    """One definition of a matrix. ``body`` is segmentation.definition.MatrixDefinition as JSON.

    A published version never changes; editing makes the next one.
    """

    matrix = models.ForeignKey(Matrix, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.DRAFT)
    proof = models.JSONField(null=True, help_text="what was proved when it was published")
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

    ``bands`` maps dimension code → band code and is the cell's identity within its matrix: while
    the codes stay, re-cutting a threshold keeps the number; a combination that vanishes is retired.
    """

    number = models.BigAutoField(primary_key=True)
    matrix = models.ForeignKey(Matrix, on_delete=models.PROTECT, related_name="cells")
    bands = models.JSONField()
    identity = models.CharField(max_length=40, help_text="key_of(bands)")
    since_version = models.PositiveIntegerField()
    retired_in_version = models.PositiveIntegerField(null=True)

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
