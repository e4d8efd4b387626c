"""Write down the tags of the experiments that there are. Undone by dropping the column."""

import json
from itertools import groupby

from django.db import migrations

BATCH = 1000


def fill(apps, schema_editor):
    Experiment = apps.get_model("experiments", "Experiment")
    Tagging = Experiment.tags.through
    names = ("experiment_id", "tag__key", "tag__value")
    rows = Tagging.objects.order_by("experiment_id").values_list(*names).iterator(chunk_size=BATCH)
    batch = []
    for pk, found in groupby(rows, key=lambda row: row[0]):
        pairs = sorted((key, value) for _, key, value in found)
        batch.append(Experiment(pk=pk, tagged=json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))))
        if len(batch) == BATCH:
            Experiment.objects.bulk_update(batch, ["tagged"])
            batch = []
    Experiment.objects.bulk_update(batch, ["tagged"])


class Migration(migrations.Migration):
    dependencies = [("experiments", "0004_experiment_tagged"), ("tags", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
