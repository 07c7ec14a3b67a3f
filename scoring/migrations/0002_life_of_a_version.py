"""A version has a life: trained, proposed, decided on, replaced. Days and judgements come beside it.

What was published is in use; of older ones the newest stays. Trees of the earlier layout can't be
read by the new kind ``index_tree``: they stay in the registry as replaced, and are trained anew.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def carry_over(apps, schema_editor):
    model, version = apps.get_model("scoring", "Model"), apps.get_model("scoring", "ModelVersion")
    model.objects.filter(kind="movement_tree").update(kind="index_tree")
    note = "Made by an earlier release: train the model again."
    version.objects.update(state="replaced", note=note)


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="model",
            name="kind",
            field=models.CharField(help_text="a code of scoring.kinds.KINDS", max_length=20),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="trained_on",
            field=models.CharField(blank=True, help_text="the snapshots, as text", max_length=200),
        ),
        *[
            migrations.AddField(model_name="modelversion", name=name, field=field)
            for name, field in {
                "state": models.CharField(
                    choices=[
                        ("trained", "trained"),
                        ("proposed", "waits for approval"),
                        ("published", "in use"),
                        ("replaced", "replaced"),
                        ("refused", "refused"),
                    ],
                    default="trained",
                    max_length=10,
                ),
                "as_of": models.DateField(
                    help_text="the last day that its features know of", null=True
                ),
                "report": models.JSONField(default=dict),
                "profile": models.JSONField(default=dict),
                "stages": models.JSONField(
                    default=list, help_text="CRISP-DM: [{stage, seconds, facts}]"
                ),
                "code_version": models.CharField(blank=True, max_length=40),
                "run": models.BigIntegerField(
                    help_text="the training run that made it", null=True, unique=True
                ),
                "trained_by": models.CharField(blank=True, max_length=150),
                "proposed_by": models.CharField(blank=True, max_length=150),
                "decided_by": models.CharField(blank=True, max_length=150),
                "note": models.CharField(
                    blank=True, help_text="why it was refused or replaced", max_length=300
                ),
            }.items()
        ],
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "published")),
                fields=("model",),
                name="scoring_one_champion",
            ),
        ),
        migrations.CreateModel(
            name="ModelDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("business_date", models.DateField()),
                ("stale_since", models.DateField(null=True)),
                ("facts", models.JSONField(default=dict)),
                (
                    "alerts",
                    models.JSONField(default=list, help_text="[{code, attribute, figure, limit}]"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="scoring.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-business_date"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("version", "business_date"), name="scoring_model_day_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Judgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("node", models.CharField(max_length=60)),
                ("pairs", models.JSONField(default=dict)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgements",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="judgements",
                        to="scoring.model",
                    ),
                ),
            ],
            options={
                "ordering": ["model", "node", "expert"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model", "node", "expert"), name="scoring_judgement_once"
                    )
                ],
            },
        ),
    ]
