from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The websocket through which pages and scripts hear of changes."""

    name = "apps.live"
    verbose_name = "Live updates"

    def ready(self) -> None:
        from apps.live import revocation  # needs the models, which are loaded only now

        revocation.listen()
