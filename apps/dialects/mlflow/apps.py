from django.apps import AppConfig


class DialectConfig(AppConfig):
    name = "apps.dialects.mlflow"
    label = "mlflow"
