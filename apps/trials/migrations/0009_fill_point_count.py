"""Count the measurements of the trials that there are. Undone by dropping the column."""

from django.db import migrations

FILL = """
UPDATE trials_trial SET point_count = counted.points
FROM (SELECT trial_id, count(*) AS points FROM trials_measurement WHERE name <> '' GROUP BY trial_id) AS counted
WHERE counted.trial_id = trials_trial.id"""


class Migration(migrations.Migration):
    dependencies = [("trials", "0008_count_points")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
