"""How a day's scores did once their outcomes are known; who has looked at which alert."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0002_life_of_a_version")]

    operations = [
        migrations.AddField(
            model_name="modelday",
            name="scores",
            field=models.BigIntegerField(help_text="the partition that it wrote", null=True),
        ),
        migrations.AddField(
            model_name="modelday",
            name="performance",
            field=models.JSONField(
                default=dict, help_text="once outcomes are known; see scoring.performance"
            ),
        ),
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("attribute", models.CharField(blank=True, max_length=60)),
                (
                    "figure",
                    models.FloatField(help_text="as it was when it was looked at", null=True),
                ),
                ("note", models.CharField(max_length=300)),
                ("by", models.CharField(max_length=150)),
                ("business_date", models.DateField(help_text="the day whose alert it was")),
                ("ended_on", models.DateField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acknowledgements",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_on", None)),
                        fields=("version", "code", "attribute"),
                        name="scoring_acknowledged_once",
                    )
                ],
            },
        ),
    ]
