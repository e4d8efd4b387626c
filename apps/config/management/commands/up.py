from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand
from django.db import connection

from apps.config import serving, supervisor

NOBODY = """Nobody can sign in yet. In another window, with names of your own:
  python3 manage.py key --user ada --workspace lab --role admin --create
  python3 manage.py changepassword ada"""


class Command(BaseCommand):
    help = "Run the dashboard and one optimizer on this machine, until Ctrl-C or TERM."
    requires_system_checks = []  # serving.prepare checks what must hold

    def add_arguments(self, parser: ArgumentParser) -> None:
        serving.add_address(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        host = options["host"]
        with serving.listen(host, options["port"]) as bound:
            port = bound.getsockname()[1]
        serving.prepare(self.stdout.write)
        if not get_user_model().objects.exists():
            self.stdout.write(NOBODY)
        connection.close()
        self.stdout.write("Starting ...")
        self.stdout.flush()
        secure = options["tls"]
        if secure:
            serving.certificate(host)
        text = f"{serving.announcement(host, port, secure=secure)}\nCtrl-C ends it; running trials go on."
        supervisor.become(serving.processes(host, port, secure=secure), host, port, text, secure)
