import django.db.models.deletion
from django.db import migrations, models

DEFINED = [
    ("name_zh", models.CharField(max_length=120)),
    ("name_en", models.CharField(max_length=120)),
    ("code", models.CharField(max_length=40, primary_key=True, serialize=False)),
    ("revision", models.PositiveIntegerField(default=1)),
    ("changed_at", models.DateTimeField(auto_now=True)),
    ("retired_at", models.DateTimeField(null=True)),
]
CITY = ("city", models.CharField(blank=True, help_text="empty: the whole province", max_length=40))
EXPRESSION = ("expression", models.JSONField(help_text="segmentation.audiences.sets"))
POSITION = ("position", models.PositiveSmallIntegerField(default=0))


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0002_drafts")]

    operations = [
        migrations.CreateModel(
            name="AuxiliaryMatrix",
            fields=[*DEFINED, CITY, POSITION],
            options={
                "verbose_name_plural": "auxiliary matrices",
                "ordering": ["position", "code"],
            },
        ),
        migrations.CreateModel(
            name="Mark",
            fields=[
                *DEFINED,
                EXPRESSION,
                POSITION,
                (
                    "matrix",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="marks",
                        to="segmentation.auxiliarymatrix",
                    ),
                ),
            ],
            options={"ordering": ["matrix", "position", "code"]},
        ),
        migrations.CreateModel(
            name="Audience",
            fields=[*DEFINED, CITY, EXPRESSION],
            options={"ordering": ["code"]},
        ),
        migrations.CreateModel(
            name="ImportedList",
            fields=[
                *DEFINED,
                CITY,
                (
                    "source",
                    models.CharField(help_text="where the numbers come from", max_length=200),
                ),
                ("expires_on", models.DateField()),
                ("key", models.CharField(max_length=40)),
                ("lines", models.PositiveIntegerField(help_text="lines that hold anything")),
                ("members", models.PositiveIntegerField(help_text="numbers kept")),
                ("rejected", models.JSONField(default=dict, help_text="reason → lines")),
                (
                    "compared_with",
                    models.DateField(
                        help_text="the snapshot that numbers were found in", null=True
                    ),
                ),
                (
                    "unknown",
                    models.PositiveIntegerField(
                        help_text="kept, but not in that snapshot", null=True
                    ),
                ),
            ],
            options={"ordering": ["code"]},
        ),
    ]
