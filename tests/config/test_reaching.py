"""What commands say of a database or a data folder that cannot be used."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, InternalError, OperationalError, ProgrammingError
from django.db.migrations.exceptions import MigrationSchemaMissing
from psycopg import errors

from apps.config import reaching


def raised(outer: DatabaseError, inner: Exception) -> DatabaseError:
    """The error that Django makes of the driver's."""
    outer.__cause__ = inner
    return outer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            raised(ProgrammingError("keine Berechtigung für Tabelle x"), errors.InsufficientPrivilege()),
            "lacks rights on",
        ),
        (
            raised(
                MigrationSchemaMissing("Unable to create the django_migrations table (droit refusé\nLINE 1"),
                raised(ProgrammingError("droit refusé"), errors.InsufficientPrivilege()),
            ),
            "(droit refusé): make it the owner",
        ),
        (raised(InternalError("INSERT nicht möglich"), errors.ReadOnlySqlTransaction()), "takes no changes"),
        (
            raised(
                MigrationSchemaMissing("Unable to create the django_migrations table (only for reading)"),
                raised(InternalError("only for reading"), errors.ReadOnlySqlTransaction()),
            ),
            "takes no changes (only for reading): correct",
        ),
        (raised(ProgrammingError("syntax error"), errors.SyntaxError()), ""),
        (ProgrammingError("permission denied, says a name of ours"), ""),
    ],
)
def test_a_database_that_answers_is_blamed_only_for_what_it_refuses(error: DatabaseError, words: str) -> None:
    said = reaching.of_database(error)

    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("attempt to write a readonly database", "cannot be written: make that file and its folder writable"),
        ("unable to open database file", "cannot be opened"),
        ("database disk image is malformed", "put a backup in its place"),
        ("database is locked", "is busy with other processes"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, said: str, words: str
) -> None:
    known = {"NAME": "/srv/tunebook.sqlite3", "USER": ""}
    monkeypatch.setattr(reaching, "connection", SimpleNamespace(vendor="sqlite", settings_dict=known))

    text = reaching.of_database(OperationalError(said))

    assert words in text
    assert "/srv/tunebook.sqlite3" in text


def test_a_file_of_the_data_folder_is_named_and_one_elsewhere_is_not_blamed_on_it(
    tmp_path: Path, settings: Any
) -> None:
    settings.TUNEBOOK_DATA = tmp_path / "data"
    (tmp_path / "data" / "run").mkdir(parents=True)
    inside, outside = tmp_path / "data" / "run" / "turn-1", tmp_path / "other"

    said = reaching.of_folder(PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(inside)))

    assert said.startswith(f"{tmp_path}/data/run in the data folder cannot be used: Permission denied.")
    assert reaching.of_folder(PermissionError(errno.EACCES, "no", str(outside))) == ""
    assert reaching.of_folder(FileNotFoundError(errno.ENOENT, "no", str(inside))) == ""


def test_a_database_that_may_only_be_read_is_noticed_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tunebook.sqlite3"
    file.touch()
    known = {"NAME": str(file), "USER": ""}
    opened = SimpleNamespace(vendor="sqlite", is_in_memory_db=lambda: False, settings_dict=known)
    monkeypatch.setattr(reaching, "connection", opened)

    before = reaching.unwritable_file()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != file or mode != os.W_OK)

    assert before == ""
    assert f"The database {file} cannot be written" in reaching.unwritable_file()
