from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand
from django.db import connection

from apps.config import serving, supervisor


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
        secure = options["tls"]
        invitation = serving.first_account(host, port, secure=secure)
        connection.close()
        self.stdout.write("Starting ...")
        self.stdout.flush()
        if secure:
            serving.certificate(host)
        text = f"{serving.announcement(host, port, secure=secure)}{invitation}\nCtrl-C ends it; running trials go on."
        supervisor.become(serving.processes(host, port, secure=secure), host, port, text, secure)
