"""The commands and their options."""

import argparse
from collections.abc import Callable

from tunebook import __version__, imports
from tunebook.cli import looking, submitting, watching
from tunebook.cli.codes import DONE
from tunebook.completion import SHELLS, script
from tunebook.export import FORMATS


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="tunebook", description="Submit hyperparameter sweeps and follow them.")
    whole.add_argument("--version", action="version", version=f"tunebook {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def alone(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.set_defaults(run=run)
        return command

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        command = alone(name, run, summary)
        command.add_argument("--server", help="address of the server, else that of `tunebook login`")
        command.add_argument("--json", action="store_true", help="print JSON for scripts")
        return command

    login = alone("login", submitting.login, "remember a server and a token")
    login.add_argument("url", help="address of the server, e.g. http://localhost:8000")
    login.add_argument("--token", help="asked for when left out; `-` reads it from the standard input")
    login.add_argument("--workspace", default="", help="the workspace to use where a command names none")
    login.add_argument("--json", action="store_true", help="print JSON for scripts")
    submit = add("submit", submitting.submit, "create an experiment from a job or a configuration")
    submit.add_argument("file", help="JSON or YAML; `-` reads the standard input")
    submit.add_argument("--name", default="", help="what to call it, else what the file says, else the file's name")
    submit.add_argument("--description", default="", help="a sentence about it")
    submit.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="may be given several times")
    submit.add_argument("--watch", action="store_true", help="follow it until it has ended")
    submit.add_argument("--check", action="store_true", help="only look whether the file is a sweep")
    listing = add("list", looking.listed, "show experiments, newest first")
    listing.add_argument(
        "query", nargs="*", help="words, or field:value, e.g. status:RUNNING tag:team=vision sort:best"
    )
    listing.add_argument("--limit", type=_from(1), default=20, help="how many at most; 20 unless you say")
    for name, run, summary in (
        ("show", looking.show, "show one experiment"),
        ("watch", watching.watch, "follow an experiment until it has ended"),
        ("best", looking.best, "show the parameters of the best trial"),
        ("stop", looking.stop, "stop an experiment"),
    ):
        add(name, run, summary).add_argument("key", help="the experiment's key")
    logs = add("logs", looking.logs, "print what a trial has written")
    logs.add_argument("key", help="the experiment's key")
    logs.add_argument("trial", type=_from(0), help="the trial's number")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the trial has ended")
    logs.add_argument("--stderr", action="store_true", help="its error output instead")
    table = add("export", looking.export, "write the trials of an experiment as a table")
    table.add_argument("key", help="the experiment's key")
    table.add_argument(
        "--format", choices=FORMATS, default=None, help="csv, unless --json or the file's name says else"
    )
    table.add_argument("--whole", action="store_true", help="everything, as one document that `import` takes")
    table.add_argument("-o", "--output", metavar="FILE", help="a new file instead of the standard output")
    table.add_argument(
        "--to-mlflow", metavar="URI", help="to an MLflow server instead: a run per trial, with its files"
    )
    bring = add("import", submitting.bring, "bring in an experiment that another tool or another Tunebook ran")
    bring.add_argument("source", help="a file, a folder or an address, as --from says")
    bring.add_argument(
        "--from", dest="kind", choices=("tunebook", *imports.KINDS), required=True, help="what it comes from"
    )
    bring.add_argument("--study", default="", metavar="NAME", help="which study or experiment, where there are several")
    bring.add_argument("--metric", default="", help="the metric that counts, where the other tool does not know")
    bring.add_argument("--goal", default="", choices=("", "minimize", "maximize"), help="its direction")
    bring.add_argument("--check", action="store_true", help="only say what would be imported")
    shell = alone("completion", print_completion, "print a script that completes this command in a shell")
    shell.add_argument("shell", choices=SHELLS)
    return whole


def _from(low: int) -> Callable[[str], int]:
    """Reads a whole number that is not below this one."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} on, got {text!r}")
        return int(text)

    return read


def print_completion(options: argparse.Namespace) -> int:
    """`tunebook completion`."""
    print(script(parser(), options.shell), end="")
    return DONE
