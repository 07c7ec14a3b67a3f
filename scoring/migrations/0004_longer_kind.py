"""Room for longer codes of kinds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0003_alerts_and_performance")]

    operations = [
        migrations.AlterField(
            model_name="model",
            name="kind",
            field=models.CharField(help_text="a code of scoring.kinds.KINDS", max_length=40),
        ),
    ]
