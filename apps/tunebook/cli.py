"""The `tunebook` command: submit a sweep, follow it, stop it.

Exit codes: 0 done; 1 the experiment did not finish well; 2 wrong usage or a file that is no sweep;
3 the server refused; 4 the server cannot be reached; 130 interrupted.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunebook import __version__, imports
from tunebook.client import Client, Json, save_credentials
from tunebook.completion import SHELLS, script
from tunebook.errors import ClientError, SpecError
from tunebook.export import FORMATS, trials_text
from tunebook.job import Job
from tunebook.status import ENDED_TRIAL
from tunebook.wire.recognise import KINDS, recognise_document, title
from tunebook.wire.text import parse

DONE, NOT_WELL, USAGE, REFUSED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130
_GOOD_ENDS = frozenset({"FINISHED", "EARLY_STOPPED"})
_BAR = 24
_LINES = 1000  # of a log, in one request
_PAGE = 100  # trials, in one request


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ClientError as error:
        print(f"tunebook: {error.message}", file=sys.stderr)
        return UNREACHABLE if error.code == "unreachable" else USAGE if error.status == 0 else REFUSED
    except SpecError as error:
        print(f"tunebook: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"tunebook: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tunebook", description="Submit hyperparameter sweeps and follow them.")
    parser.add_argument("--version", action="version", version=f"tunebook {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.add_argument("--server", help="address of the server, else that of `tunebook login`")
        command.add_argument("--json", action="store_true", help="print JSON for scripts")
        command.set_defaults(run=run)
        return command

    login = add("login", _login, "remember a server and a token")
    login.add_argument("url", help="address of the server, e.g. http://localhost:8000")
    login.add_argument("--token", help="asked for when left out; `-` reads it from the standard input")
    login.add_argument("--workspace", default="", help="the workspace to use where a command names none")
    submit = add("submit", _submit, "create an experiment from a job or a configuration")
    submit.add_argument("file", help="JSON or YAML; `-` reads the standard input")
    submit.add_argument("--name", default="")
    submit.add_argument("--description", default="")
    submit.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    submit.add_argument("--watch", action="store_true", help="follow it until it has ended")
    submit.add_argument("--check", action="store_true", help="only look whether the file is a sweep")
    listing = add("list", _list, "show experiments, newest first")
    listing.add_argument(
        "query", nargs="*", help="words, or field:value, e.g. status:RUNNING tag:team=vision sort:best"
    )
    listing.add_argument("--limit", type=int, default=20)
    for name, run, summary in (
        ("show", _show, "show one experiment"),
        ("watch", _watch, "follow an experiment until it has ended"),
        ("best", _best, "show the parameters of the best trial"),
        ("stop", _stop, "stop an experiment"),
    ):
        add(name, run, summary).add_argument("key", help="the experiment's key")
    logs = add("logs", _logs, "print what a trial has written")
    logs.add_argument("key", help="the experiment's key")
    logs.add_argument("trial", type=int, help="the trial's number")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the trial has ended")
    logs.add_argument("--stderr", action="store_true", help="its error output instead")
    table = add("export", _export, "write the trials of an experiment as a table")
    table.add_argument("key", help="the experiment's key")
    table.add_argument(
        "--format", choices=FORMATS, default=None, help="csv, unless --json or the file's name says else"
    )
    table.add_argument("--whole", action="store_true", help="everything, as one document that `import` takes")
    table.add_argument("-o", "--output", metavar="FILE", help="a new file instead of the standard output")
    bring = add("import", _import, "bring in an experiment that another tool or another Tunebook ran")
    bring.add_argument("source", help="a file, a folder or an address, as --from says")
    bring.add_argument(
        "--from", dest="kind", choices=("tunebook", *imports.KINDS), required=True, help="what it comes from"
    )
    bring.add_argument("--study", default="", metavar="NAME", help="which study or experiment, where there are several")
    bring.add_argument("--metric", default="", help="the metric that counts, where the other tool does not know")
    bring.add_argument("--goal", default="", choices=("", "minimize", "maximize"), help="its direction")
    bring.add_argument("--check", action="store_true", help="only say what would be imported")
    shell = add("completion", _completion, "print a script that completes this command in a shell")
    shell.add_argument("shell", choices=SHELLS)
    return parser


def _login(options: argparse.Namespace) -> int:
    token = options.token or getpass.getpass("Token: ")
    token = sys.stdin.readline().strip() if token == "-" else token.strip()
    found = Client(options.url, token, workspace=options.workspace).call("GET", "me")
    path = save_credentials(options.url, token, options.workspace)
    _say(options, found, f"Signed in as {found.get('username')}; stored in {path}")
    return DONE


def _submit(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.file == "-" else Path(options.file).read_bytes()
    document = parse(text)
    base_path = os.getcwd() if options.file == "-" else os.path.dirname(os.path.abspath(options.file))
    kind, found = recognise_document(document, base_path=base_path)
    if options.check:
        space = found.space if isinstance(found, Job) else found
        _say(options, {"kind": kind}, f"{options.file}: {KINDS[kind]}, {len(space)} parameters")
        return DONE
    tags = dict(_pair(tag) for tag in options.tag)
    named = options.name or title(document) or ("" if options.file == "-" else Path(options.file).stem)
    client = _client(options)
    given = {"name": named, "description": options.description, "tags": tags}
    created = client.submit(document, **given, base_path=base_path)
    if options.watch:
        print(created["key"], file=sys.stderr)
        return _follow(client, created["key"], options)
    _say(options, created, created["key"])
    return DONE


def _list(options: argparse.Namespace) -> int:
    found = _client(options).experiments(page_size=options.limit, **_filters(options.query))
    if options.json:
        return _print_json(found)
    rows = [[one["key"], one["status"], _progress(one), _best_value(one), one["name"]] for one in found["items"]]
    _print_table([["KEY", "STATUS", "TRIALS", "BEST", "NAME"], *rows])
    return DONE


def _show(options: argparse.Namespace) -> int:
    found = _client(options).experiment(options.key)
    if options.json:
        return _print_json(found)
    facts = {
        "key": found["key"],
        "name": found["name"],
        "status": found["status"],
        "reason": found.get("reason"),
        "trials": _progress(found),
        "best": _best_value(found),
        "goal": found.get("goal"),
    }
    _print_table([[name, str(value)] for name, value in facts.items() if value])
    return DONE


def _watch(options: argparse.Namespace) -> int:
    return _follow(_client(options), options.key, options)


def _follow(client: Client, key: str, options: argparse.Namespace) -> int:
    """A line per change, on a terminal one line that is written anew; 0 when it ended well."""
    live = sys.stdout.isatty() and not options.json
    experiment: Json = {}
    shown = ""
    for experiment in client.watch(key):
        line = json.dumps(experiment, ensure_ascii=False) if options.json else _line(experiment)
        if line != shown:
            print(f"\r\033[K{line}" if live else line, end="" if live else "\n", flush=True)
        shown = line
    if live:
        print()
    return DONE if experiment.get("status") in _GOOD_ENDS else NOT_WELL


def _best(options: argparse.Namespace) -> int:
    client = _client(options)
    experiment = client.experiment(options.key)
    best = experiment.get("best")
    if not best:
        print("tunebook: no trial has a value yet", file=sys.stderr)
        return NOT_WELL
    trial = client.trial(options.key, best["trial"])
    if options.json:
        return _print_json(trial)
    print(f"trial {best['trial']}: {best['value']}")
    _print_table([[name, json.dumps(value, ensure_ascii=False)] for name, value in trial["params"].items()])
    return DONE


def _stop(options: argparse.Namespace) -> int:
    found = _client(options).stop(options.key)
    _say(options, found, f"{options.key}: {found.get('status')}, asked to stop")
    return DONE


def _logs(options: argparse.Namespace) -> int:
    client, seen = _client(options), 0
    stream = "stderr" if options.stderr else "stdout"
    while True:
        ended = not options.follow or client.trial(options.key, options.trial)["status"] in ENDED_TRIAL
        found = client.logs(options.key, options.trial, stream=stream, page=seen // _LINES + 1, page_size=_LINES)
        lines = found["items"][seen % _LINES :]
        for line in lines:
            print(json.dumps(line, ensure_ascii=False) if options.json else line, flush=True)
        seen += len(lines)
        if seen < found["total"] and lines:
            continue
        if ended:
            return DONE
        time.sleep(1.0)


def _export(options: argparse.Namespace) -> int:
    suffix = Path(options.output or "").suffix[1:]
    form = options.format or ("json" if options.json else suffix if suffix in FORMATS else "csv")
    client = _client(options)
    if options.whole:
        return _write(options.output, json.dumps(client.export(options.key), ensure_ascii=False) + "\n")
    trials: list[Json] = []
    while True:
        page = client.trials(options.key, page=len(trials) // _PAGE + 1, page_size=_PAGE, sort="number", order="asc")
        trials += page["items"]
        if len(trials) >= page["total"] or not page["items"]:
            break
    return _write(options.output, trials_text(trials, form))


def _write(path: str | None, text: str) -> int:
    """Put a text into a new file, or print it."""
    if not path:
        print(text, end="")
        return DONE
    with open(path, "x", encoding="utf-8", newline="") as file:
        file.write(text)
    return DONE


def _import(options: argparse.Namespace) -> int:
    if options.kind == "tunebook":
        document: Mapping[str, Any] = json.loads(Path(options.source).read_bytes())
    else:
        found = imports.read(options.kind, options.source, name=options.study, metric=options.metric, goal=options.goal)
        document = dict(found)
    trials = len(document.get("trials", ()))
    if options.check:
        _say(options, {"trials": trials}, f"{options.source}: {trials} trials")
        return DONE
    made = _client(options).import_experiment(document)
    best = made.get("best") or {}
    words = f", the best value is {best['value']} (trial {best['trial']})" if best else ""
    _say(options, made, f"{made['key']}  {made['name']}: {trials} trials imported{words}")
    return DONE


def _completion(options: argparse.Namespace) -> int:
    print(script(_parser(), options.shell), end="")
    return DONE


def _client(options: argparse.Namespace) -> Client:
    return Client(options.server)


def _filters(query: Sequence[str]) -> dict[str, Any]:
    """The terms as the API's filters: alternatives of one field, and all the plain words, joined by commas."""
    filters: dict[str, Any] = {}
    for term in query:
        field, colon, value = term.partition(":")
        field, value = (field, value) if colon else ("word", term)
        filters[field] = f"{filters[field]},{value}" if field in filters else value
    return filters


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not name or not equals:
        raise SpecError("--tag", f"must be KEY=VALUE, got {tag!r}")
    return name, value


def _line(experiment: Mapping[str, Any]) -> str:
    """One experiment in one line: a bar, how many trials, what runs, what is best."""
    total, ended, running = _numbers(experiment)
    full = round(_BAR * min(ended / total, 1)) if total else 0
    bar = f"[{'#' * full}{'.' * (_BAR - full)}]"
    parts = [bar, _progress(experiment), str(experiment.get("status")), f"running {running}"]
    return "  ".join([*parts, f"best {_best_value(experiment) or '-'}"])


def _numbers(experiment: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many trials there will be (those there are, without a limit), have ended, and run."""
    counts = experiment.get("counts") or {}
    ended = sum(number for status, number in counts.items() if status in ENDED_TRIAL)
    return experiment.get("max_trials") or sum(counts.values()), ended, counts.get("RUNNING", 0)


def _progress(experiment: Mapping[str, Any]) -> str:
    total, ended, _ = _numbers(experiment)
    return f"{ended}/{total}"


def _best_value(experiment: Mapping[str, Any]) -> str:
    best = experiment.get("best") or {}
    value = best.get("value")
    return "" if value is None else f"{value:.6g}" if isinstance(value, int | float) else str(value)


def _say(options: argparse.Namespace, found: Mapping[str, Any], words: str) -> None:
    print(json.dumps(found, ensure_ascii=False) if options.json else words)


def _print_json(found: Any) -> int:
    print(json.dumps(found, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2))
    return DONE


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
