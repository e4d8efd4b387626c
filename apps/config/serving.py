"""What `serve`, `up` and `demo` have in common: preparing, the address, and the commands of the processes."""

import errno
import ipaddress
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable

from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command

from apps.config import datafolder, reaching, static, tls
from apps.config.checks import LOOPBACK
from apps.config.supervisor import Child
from apps.experiments import schema
from apps.workspaces import founding

MANAGE = str(settings.ROOT / "manage.py")


def add_address(parser: ArgumentParser) -> None:
    """The options that say where to listen, and how."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: only this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000); 0 takes a free one")
    parser.add_argument("--tls", action="store_true", help="https, with a certificate of this installation's own")


def prepare(say: Callable[[str], None]) -> None:
    """Make the data folder, bring the database to this version's schema, collect changed static files.

    Raises CommandError with what to do when the folder or the database cannot be used.
    """
    make_data_folder()
    check()
    if newer := schema.beyond():
        raise CommandError(schema.NEWER.format(names=", ".join(newer[: schema.MOST_NAMED])))
    waiting = len(schema.missing())
    if waiting:
        say(f"Preparing the database ({waiting} step{'s' if waiting > 1 else ''}) ...")
        call_command("migrate", interactive=False, verbosity=0)
    static.collect()


def make_data_folder() -> None:
    """The data folder. Raises CommandError when it, or the database in it, cannot be made or written."""
    try:
        datafolder.make(settings.TUNEBOOK_DATA)
        datafolder.check_writable(settings.TUNEBOOK_DATA)
    except OSError as error:
        raise CommandError(datafolder.explain(settings.TUNEBOOK_DATA, error)) from error
    if text := reaching.unwritable_file():
        raise CommandError(text)


def check() -> None:
    """Raise CommandError with the first thing that is wrong with this installation's settings."""
    errors = [message for message in checks.run_checks() if message.is_serious()]
    if errors:
        raise CommandError(f"{errors[0].msg} {errors[0].hint or ''}".strip())


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to this address. Raises CommandError with what to do when that cannot be."""
    refuse_open_debug(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise CommandError(_why_not(error, host, port)) from error
    return bound


def refuse_open_debug(host: str) -> None:
    """Raise CommandError when debug pages would be shown to other machines."""
    if settings.DEBUG and not is_loopback(host):
        raise CommandError("TUNEBOOK_DEBUG shows settings and code: with it, only --host 127.0.0.1 is possible.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def certificate(host: str) -> tls.Files:
    """The files for https, made where missing, for every name by which this machine is reached."""
    return tls.ready(settings.TUNEBOOK_DATA, (host, *settings.ALLOWED_HOSTS))


def announcement(host: str, port: int, *, secure: bool = False) -> str:
    """Where to find Tunebook; further lines when others would get no answer, or clients must be told whom to trust."""
    said = f"Tunebook is at {address(host, port, secure=secure)}"
    if secure:
        said += f"\n{tls.advice(tls.files(settings.TUNEBOOK_DATA))}"
    if is_loopback(host) or not LOOPBACK.issuperset(settings.ALLOWED_HOSTS):
        return said
    return f"{said}\nOthers get no answer yet: set TUNEBOOK_ALLOWED_HOSTS to the name by which they reach this machine."


def first_account(host: str, port: int, *, secure: bool = False) -> str:
    """A line that says where the first account is made, while there is none; else an empty text. One query."""
    if not founding.is_needed():
        return ""
    return f"\nNobody has an account yet; make the first one at {address(host, port, secure=secure)}setup?code={founding.code()}"


def address(host: str, port: int, *, secure: bool = False) -> str:
    """What to type into a browser on this machine."""
    name = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host
    scheme = "https" if secure else "http"
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{settings.TUNEBOOK_PATH_PREFIX}/"


def processes(host: str, port: int, *, secure: bool = False) -> list[Child]:
    """The web process and one optimizer, as a supervisor starts them."""
    where = ["--host", host, "--port", str(port), *(["--tls"] if secure else [])]
    url = settings.TUNEBOOK_URL or address(host, port, secure=secure)
    return [
        Child("web", [sys.executable, MANAGE, "serve", "--quiet", *where]),
        Child("optimizer", [sys.executable, MANAGE, "run_optimizer", "--url", url]),
    ]


def _why_not(error: OSError | OverflowError, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"Port {port} is taken. Stop the program that uses it, or choose another one: --port {port + 1}"
    if number == errno.EACCES:
        return f"Port {port} is reserved for the system. Choose one above 1023, as in --port 8000."
    if isinstance(error, OverflowError):
        return f"There is no port {port}. Choose one from 1 to 65535, as in --port 8000."
    return f"Nothing can listen on {host}: {getattr(error, 'strerror', error)}. Leave --host away to use 127.0.0.1."
