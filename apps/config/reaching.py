"""What to say when a command meets a database or a data folder that it cannot use."""

import errno
import sys
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, Error, OperationalError, connection

from apps.config import datafolder
from apps.experiments import schema

SQLITE = {
    "readonly": "The database {name} cannot be written: make that file and its folder writable for this user.",
    "unable to open": "The database {name} cannot be opened: make that file and its folder readable and writable for this user.",
    "not a database": "{name} is not a database: put a backup in its place, or move it away to begin with an empty one.",
    "malformed": "The database {name} is damaged: put a backup in its place.",
    "full": "The database {name} cannot be written, for the disk is full: make room there.",
    "disk i/o": "The disk does not read or write the database {name}: look into the system's log.",
    "locked": "The database {name} is busy with other processes: try again, or end what writes to it all the time.",
}
POSTGRESQL = {  # by SQLSTATE, for a server speaks the language of its host
    "42501": "The database user {user} lacks rights on {name} ({said}): make it the owner of that database "
    "and of what is in it, or grant it CREATE and USAGE on the schema public.",
    "25006": "The database {name} takes no changes ({said}): correct TUNEBOOK_DATABASE_URL if that is a standby.",
}
NO_CONNECTION = {
    "authentication failed": "correct user and password in TUNEBOOK_DATABASE_URL",
    "no password supplied": "put the password of {user} into TUNEBOOK_DATABASE_URL",
    "does not exist": "create it, or correct TUNEBOOK_DATABASE_URL",
    "permission denied": "let the user {user} connect to it, or correct TUNEBOOK_DATABASE_URL",
    "too many": "let the server take more connections, or start fewer processes",
}
MIGRATING = "Unable to create the django_migrations table ("  # and then what the server says
FOLDER_TROUBLES = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOTDIR, errno.EISDIR}
)


def explain(error: Error | OSError) -> None:
    """End the process with a sentence when the surroundings are to blame; return when it is an error of ours."""
    if text := of_folder(error) if isinstance(error, OSError) else of_database(error):
        sys.exit(text)


def of_folder(error: OSError) -> str:
    """What is wrong with a file of the data folder and what to do; empty for any other file or error."""
    folder: Path = settings.TUNEBOOK_DATA
    path = Path(error.filename) if isinstance(error.filename, str) else None
    if path is None or error.errno not in FOLDER_TROUBLES or not path.is_relative_to(folder):
        return ""
    return datafolder.explain(folder, error)


def of_database(error: Error) -> str:
    """What is wrong with the database and what to do; empty where nothing is."""
    if connection.vendor == "sqlite" and (text := _advice(SQLITE, _said(error).lower(), error)):
        return text
    connection.close()
    try:
        connection.ensure_connection()
        return _advice(POSTGRESQL, _state(error), error) or schema.trouble()
    except OperationalError as reason:
        advice = _advice(NO_CONNECTION, _said(reason).lower(), reason) or "start it, or correct TUNEBOOK_DATABASE_URL"
        return f"The database cannot be reached ({_said(reason)}): {advice}."
    except DatabaseError as reason:
        return _advice(POSTGRESQL, _state(reason), reason)


def unwritable_file() -> str:
    """What to do about an SQLite file that this process may read and not write; empty where all is well."""
    return "" if datafolder.may_write(connection) else SQLITE["readonly"].format(name=connection.settings_dict["NAME"])


def _advice(texts: dict[str, str], told: str, error: Error) -> str:
    """The text of the first mark that is in what the database told; empty where none is."""
    words = next((words for mark, words in texts.items() if mark in told), "")
    given = connection.settings_dict
    return words.format(name=given["NAME"], user=given["USER"] or "of this process", said=_said(error))


def _state(error: BaseException) -> str:
    """The SQLSTATE of the server's error below this one; empty without."""
    below: BaseException | None = error
    while below is not None and not getattr(below, "sqlstate", None):
        below = below.__cause__ or below.__context__
    return str(getattr(below, "sqlstate", ""))


def _said(error: Error) -> str:
    """The telling part of the first line of a message."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    said = first.rpartition("FATAL:")[2].strip()
    return said.removeprefix(MIGRATING).removesuffix(")") if said.startswith(MIGRATING) else said
