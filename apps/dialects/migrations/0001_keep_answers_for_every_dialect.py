"""The answers that are kept belong to what dialects share. The table stays where it is."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("tunebook_api", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Answered",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("principal", models.CharField(help_text="which user, through which key", max_length=64)),
                        ("token", models.CharField(help_text="the Idempotency-Key", max_length=128)),
                        ("digest", models.CharField(help_text="of method, path and body", max_length=64)),
                        ("body", models.TextField(blank=True)),
                        ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True, editable=False)),
                    ],
                    options={
                        "db_table": "tunebook_api_answered",
                        "constraints": [models.UniqueConstraint(fields=("principal", "token"), name="one_answer_per_token")],
                    },
                ),
            ]
        ),
    ]
