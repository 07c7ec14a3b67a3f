"""Names in two languages, shown in the reader's."""

from django.db import models
from django.utils.translation import get_language


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


class Named(models.Model):
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        return self.name_zh if in_chinese() else self.name_en
