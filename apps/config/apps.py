from django.apps import AppConfig
from django.db.backends.signals import connection_created

from apps.config import checks, datafolder
from apps.config.sqlite3 import lookups


class ConfigApp(AppConfig):
    """Brings the commands, the system checks and the page of the API explorer."""

    name = "apps.config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        checks.register_all()
        lookups.register()
        connection_created.connect(datafolder.close_to_others)
