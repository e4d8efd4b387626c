"""Everything an installation can be told from outside: the TUNEBOOK_* variables, read in this one place."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


NEVER_BY_ITSELF = 1_000_000
"""For psycopg's `prepare_threshold`: only statements that ask for it are prepared."""


RATE_LIMITS = {"reads": 600, "writes": 300, "reports": 6000}


class EnvError(Exception):
    """A variable cannot be used. The text names it, what was found and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Env:
    """The values of all variables, checked and typed."""

    data: Path
    database_url: str
    database_pooler: bool
    table_database_url: str
    secret_key: str
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]
    https: bool
    debug: bool
    path_prefix: str
    role: str
    slots: int
    threads: int
    drain_seconds: int
    trash_days: int
    allow_webhooks: bool
    sources: str
    plugin_paths: tuple[str, ...]
    rate_limits: Mapping[str, int]
    url: str
    artifacts: Mapping[str, str]
    ray_address: str
    ray_token: str
    ray_slots: int
    ray_lost_after: int
    allow_unauthenticated_engine: bool
    wmla_submit_answer: str
    wmla_signame_optional: bool
    wmla_plugin_paths: tuple[str, ...]
    wmla_data: str


def read(environ: Mapping[str, str] = os.environ, *, root: Path) -> Env:
    """The checked settings of this process. `root` is the checkout, below which the default data folder lies.

    Raises EnvError for the first variable that cannot be used.
    """
    known = _Variables(environ)
    env = Env(
        data=(root / known.text("TUNEBOOK_DATA", ".tunebook")).resolve(),
        database_url=known.text("TUNEBOOK_DATABASE_URL"),
        database_pooler=known.flag("TUNEBOOK_DATABASE_POOLER"),
        table_database_url=known.text("TUNEBOOK_TABLE_DATABASE_URL"),
        secret_key=known.text("TUNEBOOK_SECRET_KEY"),
        allowed_hosts=known.words("TUNEBOOK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        trusted_origins=known.words("TUNEBOOK_TRUSTED_ORIGINS"),
        https=known.flag("TUNEBOOK_HTTPS"),
        debug=known.flag("TUNEBOOK_DEBUG"),
        path_prefix=_prefix(known.text("TUNEBOOK_PATH_PREFIX")),
        role=known.one_of("TUNEBOOK_ROLE", ("command", "web", "worker")),
        slots=known.number("TUNEBOOK_SLOTS", default=os.cpu_count() or 1, least=1, most=4096),
        threads=known.number("TUNEBOOK_THREADS", default=8, least=1, most=256),
        drain_seconds=known.number("TUNEBOOK_DRAIN_SECONDS", default=0, least=0, most=60),
        trash_days=known.number("TUNEBOOK_TRASH_DAYS", default=30, least=0, most=36500),
        allow_webhooks=known.flag("TUNEBOOK_ALLOW_WEBHOOKS"),
        sources=known.text("TUNEBOOK_SOURCES"),
        plugin_paths=known.words("TUNEBOOK_PLUGIN_PATHS"),
        rate_limits=_rate_limits(known.text("TUNEBOOK_RATE_LIMITS")),
        url=known.address("TUNEBOOK_URL"),
        artifacts=_bucket(known.text("TUNEBOOK_ARTIFACTS")),
        ray_address=known.address("TUNEBOOK_RAY_ADDRESS"),
        ray_token=known.text("TUNEBOOK_RAY_TOKEN"),
        ray_slots=known.number("TUNEBOOK_RAY_SLOTS", default=64, least=1, most=100_000),
        ray_lost_after=known.number("TUNEBOOK_RAY_LOST_AFTER", default=120, least=5, most=86_400),
        allow_unauthenticated_engine=known.flag("TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE"),
        wmla_submit_answer=known.one_of("TUNEBOOK_WMLA_SUBMIT_ANSWER", ("auto", "string", "object")),
        wmla_signame_optional=known.flag("TUNEBOOK_WMLA_SIGNAME_OPTIONAL"),
        wmla_plugin_paths=known.words("TUNEBOOK_WMLA_PLUGIN_PATHS"),
        wmla_data=known.text("TUNEBOOK_WMLA_DATA"),
    )
    for origin in env.trusted_origins:
        if not origin.startswith(("http://", "https://")):
            raise EnvError(f"TUNEBOOK_TRUSTED_ORIGINS: write each origin with http:// or https://, not {origin!r}")
    if env.ray_address and not env.allow_unauthenticated_engine:
        _refuse_open(env)
    return env


def _refuse_open(env: Env) -> None:
    """Refuse an engine that anyone could talk to in our place; whether it asks for the token is seen when it answers."""
    parts = urlsplit(env.ray_address)
    allow = "or set TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE=1 where only you can reach it"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise EnvError(f"TUNEBOOK_RAY_ADDRESS: http:// would show the token to the network; put TLS in front {allow}")
    if not env.ray_token:
        raise EnvError(f"TUNEBOOK_RAY_TOKEN: is needed; start Ray with RAY_AUTH_MODE=token {allow}")


class _Variables:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str = "") -> str:
        value = self.environ.get(name, "").strip() or default
        if "\0" in value or "\n" in value:
            raise EnvError(f"{name}: must be one line of text")
        return value

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(name, default).split(",") if word.strip())

    def address(self, name: str) -> str:
        value = self.text(name)
        if value and (not value.startswith(("http://", "https://")) or not urlsplit(value).hostname):
            raise EnvError(f"{name}: write it like http://tunebook.example:8000, not {value!r}")
        return value.rstrip("/")

    def flag(self, name: str) -> bool:
        word = self.text(name).lower()
        if word not in TRUE | FALSE:
            raise EnvError(f"{name}: write 1 or 0, not {word!r}")
        return word in TRUE

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise EnvError(f"{name}: must be a whole number from {least} to {most}, not {text!r}")
        return int(text)

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        word = self.text(name, choices[0])
        if word not in choices:
            raise EnvError(f"{name}: must be one of {', '.join(choices)}, not {word!r}")
        return word


def _rate_limits(text: str) -> dict[str, int]:
    """Requests a minute by kind, from "reads=600 writes=300"; 1 stands for RATE_LIMITS, nothing for no limit."""
    if text.lower() in TRUE | FALSE:
        return dict(RATE_LIMITS) if text.lower() in TRUE else {}
    pairs = [part.partition("=") for part in text.split()]
    if any(kind not in RATE_LIMITS or not most.isascii() or not most.isdigit() for kind, _, most in pairs):
        known = " ".join(f"{kind}={most}" for kind, most in RATE_LIMITS.items())
        raise EnvError(f"TUNEBOOK_RATE_LIMITS: must be 1, 0 or requests a minute such as {known!r}, not {text!r}")
    return {kind: int(most) for kind, _, most in pairs}


def _bucket(text: str) -> Mapping[str, str]:
    """Where an S3-compatible service keeps files, as options of django-storages; empty for the data folder.

    As s3://bucket/folder?endpoint_url=https://s3.example&region_name=eu; credentials come from where boto3 looks.
    """
    if not text:
        return {}
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - {"endpoint_url", "region_name"})
    if parts.scheme != "s3" or not parts.netloc or unknown:
        raise EnvError(
            "TUNEBOOK_ARTIFACTS: write it like s3://bucket/folder?endpoint_url=https://s3.example&region_name=eu, "
            f"not {text!r}"
        )
    return {"bucket_name": parts.netloc, "location": parts.path.strip("/"), **options}


def _prefix(text: str) -> str:
    """A path below which everything is served, as "/tune"; empty for the root of the host."""
    if not text or text == "/":
        return ""
    if not text.startswith("/") or text.startswith("//") or any(mark in text for mark in "?#\\ "):
        raise EnvError(f"TUNEBOOK_PATH_PREFIX: must be a path such as /tune, not {text!r}")
    return text.rstrip("/")


def sqlite(path: Path | str, *, synchronous: str = "FULL") -> dict[str, Any]:
    """Django's settings for one SQLite file that several processes write.

    IMMEDIATE takes the write lock at BEGIN, so that two writers queue instead of failing half-way; FULL keeps
    an acknowledged commit through a power cut. The first GiB of the file is read where the system holds it in memory:
    eight connections that each copy what they read into a cache of their own take twice as long for a long list.
    """
    pragmas = {
        "journal_mode": "WAL",
        "synchronous": synchronous,
        "foreign_keys": "ON",
        "busy_timeout": "20000",
        "journal_size_limit": "67108864",
        "mmap_size": "1073741824",
    }
    return {
        "ENGINE": "apps.config.sqlite3",
        "NAME": str(path),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "".join(f"PRAGMA {name}={value};" for name, value in pragmas.items()),
        },
    }


def postgresql(url: str, *, role: str = "command", pooler: bool = False) -> dict[str, Any]:
    """Django's settings for the PostgreSQL database behind a postgres:// address.

    A web process gives up on a statement after 15 seconds, everything else after 60. With `pooler`, nothing is used
    that needs the same server connection twice, so that a transaction pooler may stand between.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise EnvError("TUNEBOOK_DATABASE_URL: the port is not a number") from error
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise EnvError("TUNEBOOK_DATABASE_URL: name the database, as in postgres://user:password@host:5432/tunebook")
    session = {
        "statement_timeout": 15000 if role == "web" else 60000,
        "lock_timeout": 5000,
        "idle_in_transaction_session_timeout": 30000,
        # only of statements that are prepared: those are narrow, and planning them takes longer than running them
        "plan_cache_mode": "force_generic_plan",
    }
    options: dict[str, Any] = {
        "application_name": f"tunebook-{role}",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        **dict(parse_qsl(parts.query)),
    }
    options["prepare_threshold"] = None if pooler else NEVER_BY_ITSELF
    if not pooler:
        options["options"] = " ".join(f"-c {key}={value}" for key, value in session.items())
    return {
        "ENGINE": "apps.config.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": _host(parts.netloc),
        "PORT": port or "",
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": pooler,
        "OPTIONS": options,
    }


def _host(netloc: str) -> str:
    """The host of an address as it is written: a name, or the folder of a socket as in %2Frun%2Fpostgresql."""
    host = re.sub(r":\d*$", "", netloc.rpartition("@")[2])
    return unquote(host.removeprefix("[").removesuffix("]"))


def database(env: Env) -> dict[str, Any]:
    """Django's settings for the database of this installation: SQLite in the data folder unless told otherwise."""
    url = env.database_url
    if not url:
        return sqlite(env.data / "tunebook.sqlite3")
    if url.startswith(("postgres://", "postgresql://")):
        return postgresql(url, role=env.role, pooler=env.database_pooler)
    if url.startswith("sqlite:///"):
        return sqlite(Path(url.removeprefix("sqlite://")))
    if "://" in url:
        raise EnvError("TUNEBOOK_DATABASE_URL: must begin with postgres:// or sqlite:/// or be the path of a file")
    return sqlite(Path(url).resolve())
