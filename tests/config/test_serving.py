"""What stops an installation from starting, each told in a sentence."""

import os
import socket
import stat

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import OperationalError, connection
from django.test import Client, override_settings

from apps.config import checks, datafolder, serving, sessions


def test_a_port_that_is_taken_is_told_with_another_one():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CommandError, match=rf"Port {port} is taken. .* --port {port + 1}"):
            serving.listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "words"), [("127.0.0.1", 70000, "no port 70000"), ("203.0.113.9", 0, "Nothing can listen on")]
)
def test_an_address_that_cannot_be_is_told(host, port, words):
    with pytest.raises(CommandError, match=words):
        serving.listen(host, port)


def test_debug_pages_are_never_shown_to_other_machines():
    with override_settings(DEBUG=True), pytest.raises(CommandError, match="TUNEBOOK_DEBUG"):
        serving.listen("0.0.0.0", 0)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.4", False),
        ("tune", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host, loopback):
    assert serving.is_loopback(host) is loopback


def test_the_address_printed_can_be_opened_here():
    assert serving.address("0.0.0.0", 8000) == "http://127.0.0.1:8000/"
    assert serving.address("::1", 8000) == "http://[::1]:8000/"


def test_whoever_opens_it_to_others_is_told_that_they_need_a_name():
    with override_settings(ALLOWED_HOSTS=["localhost", "127.0.0.1"]):
        alone, open_to_others = serving.announcement("127.0.0.1", 1), serving.announcement("0.0.0.0", 1)
    with override_settings(ALLOWED_HOSTS=["tune.example"]):
        named = serving.announcement("0.0.0.0", 1)

    assert "TUNEBOOK_ALLOWED_HOSTS" in open_to_others
    assert "TUNEBOOK_ALLOWED_HOSTS" not in alone + named


def test_a_data_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with override_settings(TUNEBOOK_DATA=blocked / "data"), pytest.raises(CommandError, match="set TUNEBOOK_DATA"):
        serving.make_data_folder()


def test_the_data_folder_is_the_owners_alone(tmp_path):
    made = datafolder.make(tmp_path / "data")
    datafolder.secret_key(made)

    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "secret-key").stat().st_mode) == 0o600


def test_the_database_file_is_the_owners_alone(db):
    connection.ensure_connection()

    if connection.vendor == "sqlite":
        assert stat.S_IMODE(os.stat(connection.settings_dict["NAME"]).st_mode) == 0o600


def test_the_secret_is_drawn_once_and_kept(tmp_path):
    first = datafolder.secret_key(tmp_path)

    assert datafolder.secret_key(tmp_path) == first
    assert len(first) >= 60
    assert os.listdir(tmp_path) == ["secret-key"]


@pytest.mark.parametrize("secret", ["short", "a" * 80, "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"])
def test_a_secret_that_can_be_guessed_is_refused(secret):
    with override_settings(SECRET_KEY=secret), pytest.raises(CommandError, match="TUNEBOOK_SECRET_KEY can be guessed"):
        serving.check()


def test_an_old_sqlite_is_a_warning_with_what_to_do(monkeypatch):
    monkeypatch.setattr(checks, "_uses_sqlite", lambda: True)
    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 40, 1))
    old = checks.old_sqlite(databases=["default"])
    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 51, 3))

    assert [message.id for message in old] == ["tunebook.W001"]
    assert checks.old_sqlite(databases=["default"]) == []


def test_a_network_file_system_is_recognised_by_the_deepest_mount(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/vdb /home/ada ext4 rw 0 0\n")

    found = [checks.file_system_of(path, str(mounts)) for path in ("/srv/x", "/home/ben/x", "/home/ada/x", "/homely/x")]

    assert found == ["ext4", "nfs4", "ext4", "ext4"]


def test_sqlite_on_a_network_file_system_is_a_warning(monkeypatch):
    monkeypatch.setattr(checks, "_uses_sqlite", lambda: True)
    monkeypatch.setattr(checks, "file_system_of", lambda path: "nfs4")

    assert [message.id for message in checks.network_file_system()] == ["tunebook.W002"]


@pytest.fixture
def signed_in(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada", password="correct horse battery"))
    client.get("/nothing")
    return client


def test_a_session_in_use_is_renewed_but_not_on_every_request(signed_in, django_assert_num_queries, monkeypatch):
    began = signed_in.session[sessions.SEEN]
    signed_in.get("/nothing")
    unchanged = signed_in.session[sessions.SEEN]
    monkeypatch.setattr(sessions.time, "time", lambda: began + sessions.RENEW_AFTER + 1)

    signed_in.get("/nothing")

    assert unchanged == began
    assert signed_in.session[sessions.SEEN] > began


def test_a_page_is_shown_where_its_session_cannot_be_renewed(signed_in, monkeypatch):
    began = signed_in.session[sessions.SEEN]
    monkeypatch.setattr(sessions.time, "time", lambda: began + sessions.RENEW_AFTER + 1)

    def refuse(execute, statement, *rest):
        if statement.startswith("UPDATE"):
            raise OperationalError("attempt to write a readonly database")
        return execute(statement, *rest)

    with connection.execute_wrapper(refuse):
        answer = signed_in.get("/nothing")

    assert answer.status_code == 404  # as usual, and no session that was "interrupted"
    assert signed_in.session[sessions.SEEN] == began


def test_a_session_ends_after_fourteen_days_however_busy(signed_in, monkeypatch):
    began = signed_in.session[sessions.BEGUN]
    monkeypatch.setattr(sessions.time, "time", lambda: began + 14 * 86400 + 1)

    signed_in.get("/nothing")

    assert "_auth_user_id" not in signed_in.session
