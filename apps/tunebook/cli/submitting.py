"""Commands that bring something to the server: who one is, a sweep, an experiment that ran elsewhere."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunebook import imports
from tunebook.cli.codes import DONE
from tunebook.cli.printing import client_of, say
from tunebook.cli.watching import follow
from tunebook.client import Client, save_credentials
from tunebook.errors import SpecError
from tunebook.fields import listed
from tunebook.job import Job
from tunebook.wire.recognise import KINDS, recognise_document, title
from tunebook.wire.text import parse


def login(options: argparse.Namespace) -> int:
    """`tunebook login`."""
    token = _token(options.token)
    found = Client(options.url, token, workspace=options.workspace).call("GET", "me")
    if options.workspace and options.workspace not in found["roles"]:
        raise SpecError("--workspace", f"the token opens {listed(found['roles'])}, not {options.workspace!r}")
    path = save_credentials(options.url, token, options.workspace)
    say(options, found, f"Signed in as {found.get('username')}; stored in {path}")
    return DONE


def submit(options: argparse.Namespace) -> int:
    """`tunebook submit`."""
    text = sys.stdin.read() if options.file == "-" else Path(options.file).read_bytes()
    document = parse(text)
    written = text if isinstance(text, str) else text.decode("utf-8-sig")
    base_path = os.getcwd() if options.file == "-" else os.path.dirname(os.path.abspath(options.file))
    kind, found = recognise_document(document, base_path=base_path)
    if options.check:
        space = found.space if isinstance(found, Job) else found
        say(options, {"kind": kind}, f"{options.file}: {KINDS[kind]}, {len(space)} parameters")
        return DONE
    tags = dict(_pair(tag) for tag in options.tag)
    named = options.name or title(document) or ("" if options.file == "-" else Path(options.file).stem)
    client = client_of(options)
    given = {"name": named, "description": options.description, "tags": tags}
    created = client.submit(document, **given, base_path=base_path, text=written)
    if options.watch:
        print(created["key"], file=sys.stderr)
        return follow(client, created["key"], options)
    say(options, created, created["key"])
    return DONE


def bring(options: argparse.Namespace) -> int:
    """`tunebook import`."""
    if options.kind == "tunebook":
        document = _exported(options.source)
    else:
        found = imports.read(options.kind, options.source, name=options.study, metric=options.metric, goal=options.goal)
        document = dict(found)
    trials = len(document.get("trials", ()))
    if options.check:
        say(options, {"trials": trials}, f"{options.source}: {trials} trials")
        return DONE
    made = client_of(options).import_experiment(document)
    best = made.get("best") or {}
    words = f", the best value is {best['value']} (trial {best['trial']})" if best else ""
    say(options, made, f"{made['key']}  {made['name']}: {trials} trials imported{words}")
    return DONE


def _token(given: str | None) -> str:
    """The token as an option, a line of the standard input or typed; never one that was stored before."""
    try:
        found = sys.stdin.readline() if given == "-" else getpass.getpass("Token: ") if given is None else given
    except EOFError:
        found = ""
    if not found.strip():
        raise SpecError("--token", "is empty; give a token, or `-` to read it from the standard input")
    return found.strip()


def _exported(path: str) -> Mapping[str, Any]:
    try:
        document = json.loads(Path(path).read_bytes())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SpecError(path, "is no JSON of an experiment, as `tunebook export --whole` writes it")
    return document


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not name or not equals:
        raise SpecError("--tag", f"must be KEY=VALUE, got {tag!r}")
    return name, value
