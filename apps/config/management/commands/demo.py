from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand
from django.db import Error, connection

from apps.config import demonstration, serving, tls
from apps.config.demonstration import Credentials
from apps.config.supervisor import Supervisor, said_when_answering
from apps.experiments.models import Experiment
from tunebook.status import ExperimentStatus


class Command(BaseCommand):
    help = "Run a small real sweep on this machine and show it in the browser. Run again, it goes on or starts anew."
    requires_system_checks = []  # serving.prepare checks what must hold

    def add_arguments(self, parser: ArgumentParser) -> None:
        serving.add_address(parser)
        parser.add_argument("--exit-when-done", action="store_true", help="end when the sweep has: 0 if it finished")

    def handle(self, *args: Any, **options: Any) -> None:
        host = options["host"]
        with serving.listen(host, options["port"]) as bound:
            port = bound.getsockname()[1]
        serving.prepare(self.say)
        actor, workspace, credentials = demonstration.people()
        experiment = demonstration.sweep(actor, workspace)
        progress = Progress(experiment.pk, self.say, leave=options["exit_when_done"])
        secure = options["tls"]
        connection.close()  # the children must not inherit it
        self.say("Starting ...")

        def explain() -> None:
            self.explain(serving.address(host, port, secure=secure), experiment, credentials)
            if secure:
                self.say(f"To trust its certificate:\n{tls.advice(serving.certificate(host))}\n")
            progress.is_shown = True

        supervisor = Supervisor(serving.processes(host, port, secure=secure), say=self.say)
        raise SystemExit(supervisor.run(progress.look, is_ready=said_when_answering(host, port, explain, secure)))

    def explain(self, address: str, experiment: Experiment, credentials: Credentials) -> None:
        self.say(f"\nTunebook is at {address}w/{demonstration.SLUG}/e/{experiment.key}/")
        self.say(f"Sign in as {credentials.user} with the password {credentials.password}")
        self.say("The same as JSON:")
        operation = f"{address}api/automl/v1/hpo/experiment/{experiment.key}"
        trust = f" --cacert {tls.files(settings.TUNEBOOK_DATA).ca}" if address.startswith("https") else ""
        self.say(f"  curl{trust} -H 'Authorization: Bearer {credentials.token}' {operation}")
        self.say("Ctrl-C ends it; run it again and it goes on.\n")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


class Progress:
    """Tells on the terminal how the sweep goes, one line when a number has changed; nothing before it is shown."""

    def __init__(self, pk: int, say: Any, *, leave: bool) -> None:
        self.pk = pk
        self.say = say
        self.leave = leave
        self.told = ""
        self.is_shown = False

    def look(self) -> int | None:
        """One query. The status to end with, or None to go on."""
        try:
            experiment = Experiment.objects.get(pk=self.pk)
        except Experiment.DoesNotExist:
            self.say("The sweep was deleted.")
            return 1 if self.leave else None
        except Error:
            connection.close()  # busy, or being restarted: look again, over a connection that stands
            return None
        line = self.line(experiment)
        if line != self.told and self.is_shown:
            self.say(line)
            self.told = line
        if not experiment.has_ended or not self.leave:
            return None
        return 0 if experiment.status == ExperimentStatus.FINISHED and experiment.best_value is not None else 1

    def line(self, experiment: Experiment) -> str:
        best = f", best {experiment.metric} {experiment.best_value:.4g}" if experiment.best_value is not None else ""
        reason = f" ({experiment.reason})" if experiment.has_ended and experiment.reason else ""
        return f"{experiment.status}: {experiment.ended_count} of {experiment.max_trials} trials{best}{reason}"
