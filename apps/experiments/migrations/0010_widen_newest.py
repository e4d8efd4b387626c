from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0009_idle_time'),
        ('tags', '0001_initial'),
        ('workspaces', '0003_default_accessibility'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='experiment',
            name='experiment_newest',
        ),
        migrations.AddIndex(
            model_name='experiment',
            index=models.Index(fields=['workspace', 'trashed', '-created', '-id', 'accessibility', 'creator', 'status', 'name', 'best_value', 'dialect', 'sampler', 'metric'], name='experiment_newest'),
        ),
    ]
