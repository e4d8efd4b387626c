from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from apps.config import demonstration, gallery, pictures, serving
from apps.tuning import sharing


class Command(BaseCommand):
    help = "Take pictures of every page, wide and narrow, light and dark, over a made-up catalog of its own."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="where the pictures go")
        parser.add_argument("--only", default="", help="names of pages with commas between; all unless given")
        parser.add_argument("--here", action="store_true", help="in this data folder instead of one of its own")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [name for name in options["only"].split(",") if name]
        if unknown := [name for name in wanted if name not in pictures.PAGES]:
            raise CommandError(f"--only: no page {unknown[0]}; there are {', '.join(pictures.PAGES)}")
        if reason := pictures.missing():
            raise CommandError(reason)
        if not options["here"]:
            return self._elsewhere(options)
        self._take(Path(options["folder"]), wanted or list(pictures.PAGES))
        return None

    def _elsewhere(self, options: dict[str, Any]) -> None:
        """Run again over a data folder that is thrown away, so that no real catalog is touched or shown."""
        with tempfile.TemporaryDirectory(prefix="tunebook-pictures-") as data:
            kept = {name: value for name, value in os.environ.items() if not name.startswith("TUNEBOOK_DATABASE")}
            folder = str(Path(options["folder"]).resolve())
            line = [sys.executable, str(settings.ROOT / "manage.py"), "screenshots", folder, "--here"]
            ended = subprocess.run([*line, "--only", options["only"]], env={**kept, "TUNEBOOK_DATA": data}, check=False)
        if ended.returncode:
            raise CommandError("The pictures could not be taken; the reason stands above.")

    def _take(self, folder: Path, names: list[str]) -> None:
        serving.prepare(self.stdout.write)
        actor, workspace, credentials = demonstration.people()
        shown = gallery.hang(actor, workspace)
        _, link = sharing.share(actor, shown[0], days=30, name="the pictures")
        _, invitation = sharing.invite(actor, workspace, role="viewer", name="the pictures")
        keys = {f"key{place}": one.key for place, one in enumerate(shown)}
        places = {"slug": workspace.slug, "link": link, "invitation": invitation, **keys}
        folder.mkdir(parents=True, exist_ok=True)
        with pictures.served() as address:
            gallery.understand(shown)
            for name in pictures.take(address, folder, names, places, credentials.user, credentials.password):
                self.stdout.write(f"{folder / name}")
