"""HTTP and websocket in one process: what `manage.py serve` runs."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
os.environ.setdefault("TUNEBOOK_ROLE", "web")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from apps.config import draining
from apps.config.threads import Threaded, Unprefixed
from apps.config.turns import turns

http = get_wsgi_application()  # sets Django up; the routes of the websocket need its models

from apps.dialects.mlflow.ingest import Ingest
from apps.live.routing import websocket_urlpatterns

draining.obey(settings.TUNEBOOK_DRAIN_SECONDS)
prefix = settings.TUNEBOOK_PATH_PREFIX
django = Threaded(http, threads=settings.TUNEBOOK_THREADS, turns=turns(), prefix=prefix)

application = ProtocolTypeRouter(
    {
        "http": Ingest(django, prefix=prefix),
        # the consumer checks host, origin and credential itself: scripts send no origin but a token
        "websocket": Unprefixed(URLRouter(websocket_urlpatterns), prefix=prefix),
    }
)
