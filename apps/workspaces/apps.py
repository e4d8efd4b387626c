from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "apps.workspaces"
    verbose_name = "Workspaces, members and keys"
    default_auto_field = "django.db.models.BigAutoField"
