from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.config import backup


class Command(BaseCommand):
    help = "Write a whole copy of the database into a new file, while everything runs. Files of trials are not in it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="where to; must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            size = backup.write(options["file"])
        except backup.BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['file']}: {size / 2**20:.1f} MiB")
