"""HTTP for servers that speak WSGI. Without the websocket, so pages poll instead."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
os.environ.setdefault("TUNEBOOK_ROLE", "web")

application = get_wsgi_application()
