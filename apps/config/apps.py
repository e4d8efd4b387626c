from django.apps import AppConfig

from apps.config import checks


class ConfigApp(AppConfig):
    """Brings the commands, the system checks and the page of the API explorer."""

    name = "apps.config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        checks.register_all()
