from django.apps import AppConfig


class TagsConfig(AppConfig):
    name = "apps.tags"
    verbose_name = "Tags"
    default_auto_field = "django.db.models.BigAutoField"
