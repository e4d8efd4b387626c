from django.apps import AppConfig


class FeedConfig(AppConfig):
    name = "apps.feed"
    verbose_name = "Change feed"
    default_auto_field = "django.db.models.BigAutoField"
