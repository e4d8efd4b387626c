"""Early termination, sampling, objective and limits, with the constructors of azure.ai.ml.sweep.

Nothing is checked before the sweep is written or sent, as there.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from tunebook.sweep.errors import ValidationException
from tunebook.wire import durations
from tunebook.wire.azureml.loading import camel


class EarlyTerminationPolicy:
    """Base of the policies that cancel trials; two are equal when the wire says the same of them."""

    word: ClassVar[str]
    members: ClassVar[tuple[str, ...]] = ("delay_evaluation", "evaluation_interval")
    __hash__ = None  # type: ignore[assignment]  # they can be changed

    def __init__(self, *, delay_evaluation: int | None, evaluation_interval: int | None) -> None:
        self.type: str | None = None
        self.delay_evaluation = delay_evaluation
        self.evaluation_interval = evaluation_interval

    def to_wire(self) -> dict[str, Any]:
        """The policy as the service is told."""
        members = {camel(name): getattr(self, name) for name in self.members}
        return {"policyType": self.word, **{name: value for name, value in members.items() if value is not None}}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EarlyTerminationPolicy):
            return NotImplemented
        return self.to_wire() == other.to_wire()


class BanditPolicy(EarlyTerminationPolicy):
    """Cancel a trial that is behind the best by more than a slack.

    Args:
        delay_evaluation: reports before the first judgement.
        evaluation_interval: judge at every so-manieth report; 0 counts as 1.
        slack_amount, slack_factor: the allowed distance, absolute or as a ratio; exactly one is not 0.

    Example:
        >>> BanditPolicy(slack_factor=0.15, evaluation_interval=1, delay_evaluation=10).type
        'bandit'
    """

    word = "Bandit"
    members = (*EarlyTerminationPolicy.members, "slack_factor", "slack_amount")

    def __init__(
        self,
        *,
        delay_evaluation: int = 0,
        evaluation_interval: int = 0,
        slack_amount: float = 0,
        slack_factor: float = 0,
    ) -> None:
        super().__init__(delay_evaluation=delay_evaluation, evaluation_interval=evaluation_interval)
        self.type = "bandit"
        self.slack_factor: float | None = slack_factor
        self.slack_amount: float | None = slack_amount


class MedianStoppingPolicy(EarlyTerminationPolicy):
    """Cancel a trial whose best value is worse than the median of the running means of all."""

    word = "MedianStopping"

    def __init__(self, *, delay_evaluation: int = 0, evaluation_interval: int = 1) -> None:
        super().__init__(delay_evaluation=delay_evaluation, evaluation_interval=evaluation_interval)
        self.type = "median_stopping"


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    """Cancel the worst share of the trials at each interval. Args: truncation_percentage, 1 to 99."""

    word = "TruncationSelection"
    members = (*EarlyTerminationPolicy.members, "truncation_percentage")

    def __init__(
        self, *, delay_evaluation: int = 0, evaluation_interval: int = 0, truncation_percentage: int = 0
    ) -> None:
        super().__init__(delay_evaluation=delay_evaluation, evaluation_interval=evaluation_interval)
        self.type = "truncation_selection"
        self.truncation_percentage = truncation_percentage


class SamplingAlgorithm:
    """Base of the ways to choose values. Not to be used itself."""

    word: ClassVar[str] = ""

    def __init__(self) -> None:
        self.type: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The algorithm as the service is told."""
        return {"samplingAlgorithmType": self.word}


class RandomSamplingAlgorithm(SamplingAlgorithm):
    """Values drawn at random.

    Args:
        rule: "random" or "sobol".
        seed: a whole number.
        logbase: a positive number or "e", the base of the log distributions.
    """

    word = "Random"

    def __init__(self, *, rule: str | None = None, seed: int | None = None, logbase: float | str | None = None) -> None:
        super().__init__()
        self.type = "random"
        self.rule = rule
        self.seed = seed
        self.logbase = logbase

    def to_wire(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("rule", "seed", "logbase")}
        return {**super().to_wire(), **{name: value for name, value in given.items() if value is not None}}


class GridSamplingAlgorithm(SamplingAlgorithm):
    """Every combination of the choices."""

    word = "Grid"

    def __init__(self) -> None:
        super().__init__()
        self.type = "grid"


class BayesianSamplingAlgorithm(SamplingAlgorithm):
    """Values chosen by a model of what was seen."""

    word = "Bayesian"

    def __init__(self) -> None:
        super().__init__()
        self.type = "bayesian"


ALGORITHMS: dict[str, type[SamplingAlgorithm]] = {
    "random": RandomSamplingAlgorithm,
    "grid": GridSamplingAlgorithm,
    "bayesian": BayesianSamplingAlgorithm,
}
POLICIES: dict[str, Callable[..., EarlyTerminationPolicy]] = {
    "bandit": BanditPolicy,
    "median_stopping": MedianStoppingPolicy,
    "truncation_selection": TruncationSelectionPolicy,
}


class Objective:
    """What is optimised. Args: goal, "minimize" or "maximize" in any case; primary_metric, the metric's name.

    Example:
        >>> Objective("Maximize", "accuracy").goal
        'maximize'
    """

    goal: str

    def __init__(self, goal: str | None, primary_metric: str | None = None) -> None:
        if goal is not None:
            self.goal = goal.lower()
        self.primary_metric = primary_metric

    def to_wire(self) -> dict[str, Any]:
        """The objective as the service is told. Raises ValidationException where it has no goal."""
        if getattr(self, "goal", None) is None:
            raise ValidationException("objective.goal", "is required: minimize or maximize")
        metric = {} if self.primary_metric is None else {"primaryMetric": self.primary_metric}
        return {"goal": self.goal, **metric}


class JobLimits:
    """Base of the limits; two are equal when the wire says the same of them."""

    __hash__ = None  # type: ignore[assignment]  # they can be changed
    type: str

    def to_wire(self) -> dict[str, Any]:
        """The limits as the service is told; 0 seconds are not."""
        raise TypeError(f"{type(self).__name__} has no form for the service")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JobLimits):
            return NotImplemented
        return self.to_wire() == other.to_wire()


class CommandJobLimits(JobLimits):
    """Limits of one command. Args: timeout, in seconds."""

    def __init__(self, *, timeout: int | str | None = None) -> None:
        self.type = "command"
        self.timeout = timeout

    def to_wire(self) -> dict[str, Any]:
        return {"jobLimitsType": "Command", **_durations(timeout=self.timeout)}


class SweepJobLimits(JobLimits):
    """Limits of a sweep.

    Args:
        max_concurrent_trials: trials at once, 1 to 100.
        max_total_trials: trials in all, 1 to 1000.
        timeout: seconds of the whole sweep; 1 to 60 count as 60.
        trial_timeout: seconds of each trial; 1 to 60 count as 60.
    """

    def __init__(
        self,
        *,
        max_concurrent_trials: int | None = None,
        max_total_trials: int | None = None,
        timeout: int | None = None,
        trial_timeout: int | str | None = None,
    ) -> None:
        self.type = "sweep"
        self.max_concurrent_trials = max_concurrent_trials
        self.max_total_trials = max_total_trials
        self._timeout = _at_least_a_minute(timeout)
        self._trial_timeout = _at_least_a_minute(trial_timeout)

    @property
    def timeout(self) -> int | None:
        """Seconds of the whole sweep."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: int | None) -> None:
        self._timeout = _at_least_a_minute(value)

    @property
    def trial_timeout(self) -> int | None:
        """Seconds of each trial."""
        return self._trial_timeout

    @trial_timeout.setter
    def trial_timeout(self, value: int | str | None) -> None:
        self._trial_timeout = _at_least_a_minute(value)

    def to_wire(self) -> dict[str, Any]:
        given = {"maxConcurrentTrials": self.max_concurrent_trials, "maxTotalTrials": self.max_total_trials}
        return {
            "jobLimitsType": "Sweep",
            **{name: value for name, value in given.items() if value is not None},
            **_durations(timeout=self.timeout, trialTimeout=self.trial_timeout),
        }


def _at_least_a_minute(value: Any) -> int | None:
    """0 stays, as it means none; what is no whole number counts as not given, as in the original."""
    if not isinstance(value, int):
        return None
    return value if not value or value > 60 else 60


def _durations(**seconds: Any) -> dict[str, str]:
    return {name: durations.text_of(value) for name, value in seconds.items() if value}
