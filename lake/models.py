"""Partitions of the lake: what is on disk is only what a row here names."""

from pathlib import Path

from django.conf import settings
from django.db import models


class PartitionQuerySet(models.QuerySet["Partition"]):
    def of(self, dataset: str) -> "PartitionQuerySet":
        return self.filter(dataset=dataset)


class Partition(models.Model):
    """One dataset of one business date, made from inputs that ``key`` stands for; never changed.

    It is a folder ``dataset/business_date/key`` with ``parts`` Parquet files. A customer's rows are
    in the part that his number hashes to, in every dataset and on every day, so that any two
    partitions join part by part and no step ever holds more than one part.
    """

    dataset = models.CharField(max_length=40)
    business_date = models.DateField()
    key = models.CharField(max_length=40)
    parts = models.PositiveSmallIntegerField()
    rows = models.BigIntegerField()
    size = models.BigIntegerField(help_text="bytes")
    facts = models.JSONField(default=dict, help_text="counts and proofs found while writing")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PartitionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "business_date", "key"], name="lake_partition_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset}/{self.business_date}/{self.key}"

    @property
    def path(self) -> Path:
        return Path(settings.LAKE_DIR) / self.dataset / self.business_date.isoformat() / self.key

    def file(self, part: int) -> Path:
        return self.path / f"part-{part:04d}.parquet"

    @property
    def files(self) -> list[Path]:
        return [self.file(part) for part in range(self.parts)]
