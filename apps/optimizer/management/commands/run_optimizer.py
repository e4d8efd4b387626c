"""`manage.py run_optimizer`: drives experiments until it is told to stop."""

from __future__ import annotations

import os
import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.experiments import schema
from apps.optimizer import tracking
from apps.optimizer.census import TooMany
from apps.optimizer.executors.base import Executor
from apps.optimizer.executors.local import LocalExecutor, host_name
from apps.optimizer.executors.ray import RayExecutor, cluster_of
from apps.optimizer.worker import OptimizerWorker, Options
from tunebook.platform import RAY

ONE_WISH = 2.0
"""Seconds within which a second TERM is the first one again: a service manager tells each process, and their parent does."""


class Command(BaseCommand):
    help = "Ask samplers, launch trials, read their metrics, stop the hopeless ones, finish."
    requires_system_checks = ()  # they load the pages and the APIs, which an optimizer needs no memory for

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slots", type=int, default=settings.TUNEBOOK_SLOTS, help="trials at once on this machine")
        parser.add_argument(
            "--url", default=settings.TUNEBOOK_URL, help="where scripts that log with MLflow find the server"
        )
        parser.add_argument("--exit-when-idle", action="store_true", help="leave when no experiment is active")
        parser.add_argument("--drain", action="store_true", help="when told to stop, wait for the running trials first")
        parser.add_argument("--stop-trials", action="store_true", help="when told to stop, cancel the running trials")

    def handle(self, **options: Any) -> None:
        if trouble := schema.trouble():
            raise CommandError(trouble, returncode=os.EX_CONFIG)  # which supervisors do not start again
        worker = OptimizerWorker(
            LocalExecutor(settings.TUNEBOOK_DATA),
            settings.TUNEBOOK_DATA,
            slots=options["slots"],
            table_url=settings.TUNEBOOK_TABLE_DATABASE_URL,
            elsewhere=elsewhere(options["url"].rstrip("/")),
            url=options["url"].rstrip("/"),
            options=Options(
                until_idle=options["exit_when_idle"], drain=options["drain"], stop_trials=options["stop_trials"]
            ),
        )

        asked = 0.0

        def leave(_number: int, _stack: FrameType | None) -> None:
            nonlocal asked
            if not worker.leaving.is_set():
                asked = time.monotonic()
                worker.ask_to_leave()
            elif time.monotonic() - asked > ONE_WISH:
                os._exit(130)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave)
        try:
            worker.run()
        except TooMany as error:
            raise CommandError(str(error)) from error


def elsewhere(url: str) -> dict[str, tuple[Executor, int]]:
    """The platforms besides this machine that the settings name, and how many trials each may run at a time."""
    if not settings.TUNEBOOK_RAY_ADDRESS:
        return {}
    data = settings.TUNEBOOK_DATA
    cluster = cluster_of(settings, url=url, authority=tracking.authority(data, url))
    return {RAY: (RayExecutor(data, cluster, instance=host_name(data)), settings.TUNEBOOK_RAY_SLOTS)}
