import signal
import threading
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management import BaseCommand, CommandError

from apps.config import draining, readiness, serving, static
from apps.config.supervisor import CANNOT_START
from apps.experiments import schema


class Command(BaseCommand):
    help = "Serve the pages, the APIs and the live updates. Needs a migrated database; run_optimizer runs the trials."
    requires_system_checks = []  # what must hold is checked by serving.check, warnings are `manage.py check`'s

    def add_arguments(self, parser: ArgumentParser) -> None:
        serving.add_address(parser)
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="number of processes (1)")
        parser.add_argument("--trusted-proxy", default="127.0.0.1", metavar="IP",
                            help="address of the proxy whose X-Forwarded headers count (127.0.0.1)")  # fmt: skip
        parser.add_argument("--quiet", action="store_true", help="do not print the address")

    def handle(self, *args: Any, **options: Any) -> None:
        serving.make_data_folder()
        serving.check()
        if trouble := schema.trouble():
            raise CommandError(trouble, returncode=CANNOT_START)
        static.collect()
        bound = serving.listen(options["host"], options["port"])
        files = serving.certificate(options["host"]) if options["tls"] else None
        if not options["quiet"]:
            self.announce(options["host"], bound.getsockname()[1], secure=options["tls"])
        config = uvicorn.Config(
            "apps.config.asgi:application",
            workers=options["workers"],
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=64 * 1024,  # clients send only subscriptions
            ws_per_message_deflate=False,  # frames are small; compressing each for each viewer doubles the cost
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=options["trusted_proxy"],
            timeout_graceful_shutdown=20,
            timeout_keep_alive=75,
            timeout_worker_healthcheck=30,  # a machine may be so busy that five seconds are no sign of a hung process
            ssl_certfile=files.certificate if files else None,
            ssl_keyfile=files.key if files else None,
        )
        # uvicorn ends gracefully and then raises the signal once more for whoever runs it: nobody does
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if options["workers"] > 1:
            draining.Workers(config, sockets=[bound]).run()
        else:
            uvicorn.Server(config).run(sockets=[bound])

    def announce(self, host: str, port: int, *, secure: bool) -> None:
        """Print the address when it answers, from a thread of its own: this one is about to serve."""

        invitation = serving.first_account(host, port, secure=secure)

        def say() -> None:
            self.stdout.write(serving.announcement(host, port, secure=secure) + invitation)
            self.stdout.flush()

        threading.Thread(target=readiness.wait, args=(host, port, say, secure), daemon=True).start()
