"""Add up what the trials of the experiments that there are took. Undone by dropping the column."""

from django.db import migrations

TOOK = {
    "sqlite": "max((julianday(ended) - julianday(started)) * 86400.0, 0.0)",
    "postgresql": "greatest(extract(epoch FROM ended - started)::double precision, 0.0)",
}


def fill(apps, schema_editor):
    took = TOOK[schema_editor.connection.vendor]
    schema_editor.execute(
        f"UPDATE experiments_experiment SET spent = coalesce((SELECT sum({took}) FROM trials_trial "
        "WHERE experiment_id = experiments_experiment.id AND started IS NOT NULL), 0.0)"
    )


class Migration(migrations.Migration):
    dependencies = [("experiments", "0007_keep_what_was_spent"), ("trials", "0006_spare_indexes")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
