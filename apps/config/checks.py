"""System checks: what would make an installation lose data or let strangers in."""

import sqlite3
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

FIXED_SQLITE = (3, 51, 3)  # first with the write-ahead log's reset race mended
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "lustre",
        "beegfs",
    }
)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "testserver"})


def register_all() -> None:
    """Make Django run these checks. Called once, when the app is ready."""
    register(old_sqlite, Tags.database)
    register(network_file_system)
    register(weak_secret, Tags.security)
    register(open_debug, Tags.security)


def old_sqlite(**kwargs: Any) -> list[CheckMessage]:
    """Warn of an SQLite that can, rarely, lose commits when its log is reset by two processes at once."""
    if not _uses_sqlite() or sqlite3.sqlite_version_info >= FIXED_SQLITE or not kwargs.get("databases"):
        return []
    wanted = ".".join(map(str, FIXED_SQLITE))
    return [
        Warning(
            f"SQLite {sqlite3.sqlite_version} has a rare race in its write-ahead log, mended in {wanted}.",
            hint="Run a Python that is linked to a newer SQLite, or keep the data in PostgreSQL (TUNEBOOK_DATABASE_URL).",
            id="tunebook.W001",
        )
    ]


def network_file_system(**kwargs: Any) -> list[CheckMessage]:
    """Warn when the SQLite file lies on a file system whose locks cannot be trusted."""
    if not _uses_sqlite():
        return []
    kind = file_system_of(str(settings.DATABASES["default"]["NAME"]))
    if kind not in NETWORK_FILE_SYSTEMS:
        return []
    return [
        Warning(
            f"The database file lies on a network file system ({kind}), where SQLite's locks are not reliable.",
            hint="Put TUNEBOOK_DATA on a local disk, or keep the data in PostgreSQL (TUNEBOOK_DATABASE_URL).",
            id="tunebook.W002",
        )
    ]


def weak_secret(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a secret key that could be guessed."""
    secret = settings.SECRET_KEY
    if len(secret) >= 40 and len(set(secret)) >= 10 and not secret.startswith("django-insecure"):
        return []
    return [
        Error(
            "TUNEBOOK_SECRET_KEY can be guessed: at least 40 characters, 10 of them different, are needed.",
            hint="Leave it empty and Tunebook draws one and keeps it in its data folder.",
            id="tunebook.E001",
        )
    ]


def open_debug(**kwargs: Any) -> list[CheckMessage]:
    """Refuse debug pages, which show settings and code, to other machines."""
    if not settings.DEBUG or LOOPBACK.issuperset(settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "TUNEBOOK_DEBUG is on and TUNEBOOK_ALLOWED_HOSTS names more than this machine.",
            hint="Debug pages show settings and code. Switch TUNEBOOK_DEBUG off, or allow only localhost.",
            id="tunebook.E002",
        )
    ]


def file_system_of(path: str, mounts: str = "/proc/mounts") -> str:
    """The kind of file system that holds a path, as the kernel names it; empty where it does not tell."""
    try:
        with open(mounts, encoding="utf-8", errors="replace") as file:
            rows = [line.split()[1:3] for line in file]
    except OSError:
        return ""
    holding = [(point, kind) for point, kind in rows if f"{path}/".startswith(f"{point.rstrip('/')}/")]
    return max(holding, key=lambda row: len(row[0]))[1] if holding else ""


def _uses_sqlite() -> bool:
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3")
