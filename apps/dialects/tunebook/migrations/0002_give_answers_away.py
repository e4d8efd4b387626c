from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tunebook_api", "0001_initial"), ("dialects", "0001_keep_answers_for_every_dialect")]
    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Answered")])]
