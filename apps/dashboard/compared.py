"""What is compared: read from the address, within reach, each with a name and a colour of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.dashboard.templatetags.figures import middle
from apps.dashboard.views.frame import Place
from apps.experiments.models import Experiment, ExperimentQuerySet
from apps.insights.comparison import Look, looks
from apps.trials.models import Trial

MOST = 12
Objective = tuple[str, str]
"""Goal and metric."""


@dataclass(frozen=True)
class Chosen:
    """The experiments of a comparison in the order of the address; `missing` ones are not here, or not to be seen."""

    experiments: Sequence[Experiment]
    missing: Sequence[str] = ()
    too_many: int = 0
    looks: Mapping[str, Look] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return ",".join(one.key for one in self.experiments)

    def without(self, key: str) -> str:
        return ",".join(one.key for one in self.experiments if one.key != key)


def chosen(place: Place, text: str) -> Chosen:
    """The experiments that "key1,key2" names. One query, whose rows have their declarations."""
    keys = list(dict.fromkeys(key for key in (part.strip() for part in text.split(",")) if key.isalnum()))
    taken = keys[:MOST]
    rows = within_reach(place).filter(key__in=taken).select_related("creator")
    found = {one.key: one for one in rows} if taken else {}
    experiments = [found[key] for key in taken if key in found]
    return Chosen(
        experiments,
        [key for key in taken if key not in found],
        len(keys) - len(taken),
        looks(one.key for one in experiments),
        _names(experiments),
    )


def within_reach(place: Place) -> ExperimentQuerySet:
    return Experiment.objects.visible_to(place.actor).kept().filter(workspace=place.workspace)


def _names(experiments: Sequence[Experiment]) -> dict[str, str]:
    """Key -> name; of the same name twice, with the key behind it."""
    often = Counter(str(one) for one in experiments)
    return {one.key: str(one) if often[str(one)] == 1 else f"{one} ({one.key[:6]})" for one in experiments}


@dataclass(frozen=True)
class ChosenTrials:
    """The trials of a comparison in the order of the address, and the experiments they are of."""

    trials: Sequence[Trial]
    experiments: Mapping[int, Experiment]
    missing: Sequence[str] = ()
    too_many: int = 0
    looks: Mapping[str, Look] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def place(self, trial: Trial) -> str:
        return f"{self.experiments[trial.experiment_id].key}:{trial.number}"

    @property
    def text(self) -> str:
        return ",".join(map(self.place, self.trials))

    def without(self, trial: Trial) -> str:
        return ",".join(self.place(one) for one in self.trials if one.pk != trial.pk)


def chosen_trials(place: Place, text: str) -> ChosenTrials:
    """The trials that "key:number,key:number" names. Two queries."""
    asked = list(dict.fromkeys(filter(None, map(_pair, text.split(",")))))
    taken = asked[:MOST]
    rows = within_reach(place).filter(key__in={key for key, _ in taken})
    experiments = {one.key: one for one in rows} if taken else {}
    wanted = Q(pk__in=[])
    for key, number in taken:
        if key in experiments:
            wanted |= Q(experiment=experiments[key].pk, number=number)
    known = {one.pk: one for one in experiments.values()}
    found = {(known[one.experiment_id].key, one.number): one for one in Trial.objects.filter(wanted)}
    trials = [found[pair] for pair in taken if pair in found]
    missing = [f"{key}:{number}" for key, number in taken if (key, number) not in found]
    one_only = len({trial.experiment_id for trial in trials}) == 1
    called = _names([known[pk] for pk in dict.fromkeys(trial.experiment_id for trial in trials)])
    names = {
        trial.key: f"Trial {trial.number}"
        if one_only
        else f"{middle(called[known[trial.experiment_id].key])} · {trial.number}"
        for trial in trials
    }
    shown = looks(trial.key for trial in trials)
    used = {pk: one for pk, one in known.items() if any(trial.experiment_id == pk for trial in trials)}
    return ChosenTrials(trials, used, missing, len(asked) - len(taken), shown, names)


def _pair(text: str) -> tuple[str, int] | None:
    key, _, number = text.strip().partition(":")
    fine = key.isalnum() and number.isascii() and number.isdecimal() and len(number) < 10
    return (key, int(number)) if fine else None


def objectives(experiments: Iterable[Experiment]) -> dict[Objective, list[Experiment]]:
    """Those that may stand on one scale together: the same metric towards the same goal."""
    found: dict[Objective, list[Experiment]] = {}
    for one in experiments:
        found.setdefault((one.goal, one.metric), []).append(one)
    return found
