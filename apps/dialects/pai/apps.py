from django.apps import AppConfig


class DialectConfig(AppConfig):
    name = "apps.dialects.pai"
    label = "pai"
