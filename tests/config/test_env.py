import re
from pathlib import Path

import pytest

from apps.config import env

ROOT = Path("/srv/checkout")


def read(**variables: str) -> env.Env:
    return env.read(variables, root=ROOT)


def test_nothing_set_means_a_folder_in_the_checkout_and_only_this_machine():
    found = read()

    assert found.data == ROOT / ".tunebook"
    assert found.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert not found.debug
    assert not found.allow_webhooks
    assert found.slots >= 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TUNEBOOK_DEBUG", "perhaps", "write 1 or 0"),
        ("TUNEBOOK_SLOTS", "0", "from 1 to 4096"),
        ("TUNEBOOK_SLOTS", "-3", "from 1 to 4096"),
        ("TUNEBOOK_SLOTS", "two", "from 1 to 4096"),
        ("TUNEBOOK_THREADS", "1000", "from 1 to 256"),
        ("TUNEBOOK_PATH_PREFIX", "tune", "a path such as /tune"),
        ("TUNEBOOK_PATH_PREFIX", "//evil.example", "a path such as /tune"),
        ("TUNEBOOK_TRUSTED_ORIGINS", "tune.example", "with http:// or https://"),
        ("TUNEBOOK_RATE_LIMITS", "reads=many", "'reads=600 writes=300 reports=6000'"),
        ("TUNEBOOK_RATE_LIMITS", "deletes=3", "requests a minute"),
        ("TUNEBOOK_RAY_ADDRESS", "head:8265", "write it like http://"),
        ("TUNEBOOK_RAY_ADDRESS", "http://head.example:8265", "put TLS in front"),
        ("TUNEBOOK_RAY_SLOTS", "0", "from 1 to"),
        ("TUNEBOOK_ROLE", "king", "one of command, web, worker"),
        ("TUNEBOOK_SECRET_KEY", "two\nlines", "one line"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_allowed(name, value, words):
    with pytest.raises(env.EnvError) as caught:
        read(**{name: value})

    assert str(caught.value).startswith(name)
    assert words in str(caught.value)


def test_ray_needs_a_token_unless_it_is_allowed_to_take_jobs_from_anyone():
    with pytest.raises(env.EnvError, match="TUNEBOOK_RAY_TOKEN: is needed"):
        read(TUNEBOOK_RAY_ADDRESS="http://127.0.0.1:8265")

    assert read(TUNEBOOK_RAY_ADDRESS="http://127.0.0.1:8265", TUNEBOOK_RAY_TOKEN="t").ray_token == "t"
    assert read(TUNEBOOK_RAY_ADDRESS="http://head:8265", TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE="1").ray_slots == 64


def test_the_prefix_loses_its_last_slash():
    assert read(TUNEBOOK_PATH_PREFIX="/tune/").path_prefix == "/tune"
    assert read(TUNEBOOK_PATH_PREFIX="/").path_prefix == ""


def test_rate_limits_are_off_as_specified_or_as_given():
    assert read().rate_limits == {}
    assert read(TUNEBOOK_RATE_LIMITS="1").rate_limits == {"reads": 600, "writes": 300, "reports": 6000}
    assert read(TUNEBOOK_RATE_LIMITS="writes=5").rate_limits == {"writes": 5}


def test_a_postgres_address_becomes_djangos_settings():
    settings = env.database(read(TUNEBOOK_DATABASE_URL="postgres://ada:se%40cret@db.example:5433/tune?sslmode=require"))

    assert settings["ENGINE"] == "apps.config.postgresql"
    assert (settings["USER"], settings["PASSWORD"]) == ("ada", "se@cret")
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example", 5433, "tune")
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert "lock_timeout=5000" in settings["OPTIONS"]["options"]


@pytest.mark.parametrize(
    ("netloc", "host"),
    [
        ("db.example", "db.example"),
        ("ada:x@db.example:5433", "db.example"),
        ("ada@[::1]:5433", "::1"),
        ("ada@%2Frun%2FPostgreSQL", "/run/PostgreSQL"),
        ("ada@", ""),
    ],
)
def test_the_host_may_be_a_name_an_address_or_the_folder_of_a_socket(netloc, host):
    assert env.postgresql(f"postgres://{netloc}/tune")["HOST"] == host


def test_a_web_process_gives_up_on_a_statement_sooner_than_a_worker():
    def timeout(role: str) -> str:
        return env.postgresql("postgres:///tune", role=role)["OPTIONS"]["options"].split()[1]

    assert timeout("web") == "statement_timeout=15000"
    assert timeout("worker") == "statement_timeout=60000"


def test_behind_a_pooler_nothing_needs_the_same_connection_twice():
    settings = env.postgresql("postgres:///tune", pooler=True)

    assert settings["DISABLE_SERVER_SIDE_CURSORS"]
    assert settings["OPTIONS"]["prepare_threshold"] is None
    assert "options" not in settings["OPTIONS"]


@pytest.mark.parametrize("url", ["postgres://host/", "mysql://host/db", "postgres://host:port/db"])
def test_a_database_address_that_cannot_be_used_is_refused(url):
    with pytest.raises(env.EnvError, match="TUNEBOOK_DATABASE_URL"):
        env.database(read(TUNEBOOK_DATABASE_URL=url))


def test_sqlite_keeps_commits_through_a_power_cut_and_writers_queue():
    options = env.database(read())["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000", "mmap_size="):
        assert pragma in options["init_command"]


def test_every_variable_stands_in_the_readmes_table():
    root = Path(env.__file__).resolve().parent.parent.parent
    names = set(re.findall(r"TUNEBOOK_[A-Z_]+", (root / "apps" / "config" / "env.py").read_text(encoding="utf-8")))
    readme = (root / "README.md").read_text(encoding="utf-8")

    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_a_bucket_is_read_from_its_address():
    known = read(TUNEBOOK_ARTIFACTS="s3://lab/tunebook?endpoint_url=http://127.0.0.1:9000&region_name=eu").artifacts

    assert known == {
        "bucket_name": "lab",
        "location": "tunebook",
        "endpoint_url": "http://127.0.0.1:9000",
        "region_name": "eu",
    }
    assert read().artifacts == {}


@pytest.mark.parametrize("text", ["lab", "http://lab", "s3://", "s3://lab?secret=x"])
def test_what_is_no_bucket_is_refused(text):
    with pytest.raises(env.EnvError, match="TUNEBOOK_ARTIFACTS"):
        read(TUNEBOOK_ARTIFACTS=text)
