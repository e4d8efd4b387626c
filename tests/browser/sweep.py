"""A sweep without processes: the verbs of the driver, called by a test in the place of the optimizer."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Trial
from apps.tuning import driving, leases
from apps.tuning.measuring import Reading
from apps.tuning.outcomes import Outcome
from tunebook.job import Job
from tunebook.samplers.base import Suggestion
from tunebook.status import ExperimentStatus

HOST = "stage"


class Sweep:
    """Drives one experiment: trials begin, report `loss`, and end when the test says so."""

    def __init__(self, experiment: Experiment) -> None:
        self.job = Job.from_dict(experiment.job)
        held = leases.claim("a test", most=100)
        self.lease = next(lease for lease in held if lease.key == experiment.key)
        self.attempts: dict[int, Attempt] = {}

    def begin(self, count: int = 1) -> list[int]:
        """Start trials; their numbers."""
        suggestions = [Suggestion({"x": 0.5}, "random") for _ in range(count)]
        with driving.tick(self.lease, self.job) as tick:
            tick.move(ExperimentStatus.RUNNING)
            started = tick.begin(suggestions, instance="t", executor="local", host=HOST, slots=1000)
            for attempt in started:
                tick.launched(attempt, handle={})
                self.attempts[attempt.trial.number] = attempt
        return [attempt.trial.number for attempt in started]

    def take(self, trial: Trial) -> None:
        """Start a trial that was queued."""
        with driving.tick(self.lease, self.job) as tick:
            (attempt,) = tick.claim([trial], instance="t", executor="local", host=HOST, slots=1000)
            tick.launched(attempt, handle={})
            self.attempts[trial.number] = attempt

    def report(self, number: int, step: int, loss: float) -> None:
        with driving.tick(self.lease, self.job) as tick:
            tick.measured(self.attempts[number], [Reading("loss", step, loss)], {})

    def end(self, number: int, *, code: int = 0) -> None:
        with driving.tick(self.lease, self.job) as tick:
            tick.ended(self.attempts.pop(number), Outcome(how="exited", code=code))


def address(sweep: Sweep, rest: str = "") -> str:
    return f"/w/lab/e/{sweep.lease.key}/{rest}"


def is_live(page: Page) -> None:
    expect(page.locator("[data-live-mark]")).to_have_attribute("data-state", "live")
