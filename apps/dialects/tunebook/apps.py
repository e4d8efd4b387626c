from django.apps import AppConfig


class DialectConfig(AppConfig):
    name = "apps.dialects.tunebook"
    label = "tunebook_api"
