"""The tables of a comparison: a column for each that is compared, rows in which they differ first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.dashboard.templatetags.figures import NOTHING, duration, exact, metric, number, words
from apps.dashboard.words import state_words
from apps.experiments.models import Experiment
from apps.insights.comparison import Result
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.status import TrialStatus

LONGEST = 160
HIDDEN = ("version", "space")
"""Parts of a declaration that are no settings."""


@dataclass(frozen=True)
class Cell:
    text: str
    title: str = ""
    best: bool = False
    heat: int = 0
    """How strongly it is coloured: 5 for the best rank, 1 for the last, 0 not at all."""


@dataclass(frozen=True)
class Row:
    """One thing that is compared."""

    name: str
    cells: Sequence[Cell]

    @property
    def differs(self) -> bool:
        return len({(cell.text, cell.title) for cell in self.cells}) > 1

    def heated(self, heats: Sequence[int]) -> Row:
        return Row(self.name, [replace(cell, heat=heat) for cell, heat in zip(self.cells, heats, strict=True)])


@dataclass(frozen=True)
class Group:
    """Rows of one kind: those that differ, and those that are the same in all."""

    title: str
    rows: Sequence[Row]

    def heated(self, heats: Sequence[int]) -> Group:
        """With the colour of each column's rank in the rows that differ."""
        return Group(self.title, [row.heated(heats) if row.differs else row for row in self.rows])

    @property
    def differing(self) -> list[Row]:
        return [row for row in self.rows if row.differs]

    @property
    def same(self) -> list[Row]:
        return [row for row in self.rows if not row.differs]


def results(
    experiments: Sequence[Experiment], found: Mapping[str, Result], level: float | None, alike: bool
) -> list[Row]:
    """How each of them ended. `alike`: they share an objective, so that there is a best of all."""
    best = _best([one.best_value for one in experiments], experiments[0].goal) if alike else None
    rows = [
        Row("Status", [Cell(state_words(one.status, one.desired)) for one in experiments]),
        Row("Objective", [Cell(f"{one.goal} {metric(one.metric)}") for one in experiments]),
        Row(
            "Best value",
            [
                Cell(number(one.best_value), exact(one.best_value), one.best_value == best is not None)
                for one in experiments
            ],
        ),
        Row("Best trial", [Cell(_if_known(one.best_trial)) for one in experiments]),
        Row("Trials", [Cell(f"{one.trial_count:,}") for one in experiments]),
        Row("Succeeded", [Cell(f"{one.finished_count:,}") for one in experiments]),
        Row("Stopped early", [Cell(f"{one.early_stopped_count:,}") for one in experiments]),
        Row("Failed", [Cell(f"{one.failed_count:,}") for one in experiments]),
        Row("Running time", [Cell(_took(one)) for one in experiments]),
        Row("Time of all trials", [Cell(duration(found[one.key].cost)) for one in experiments]),
    ]
    if level is not None:
        cells = [Cell(_reached(found[one.key])) for one in experiments]
        rows.append(Row(f"Reached {number(level)} with", cells))
    return rows


def _best(values: Iterable[float | None], goal: str) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return min(known) if goal == "minimize" else max(known)


def _if_known(value: int | None) -> str:
    return NOTHING if value is None else str(value)


def _took(experiment: Experiment) -> str:
    if experiment.started is None or experiment.ended is None:
        return "not ended" if experiment.started else NOTHING
    return duration(experiment.ended - experiment.started)


def _reached(result: Result) -> str:
    return NOTHING if result.reached is None else f"trial {result.reached}, after {duration(result.reached_after)}"


def settings(experiments: Sequence[Experiment]) -> Group:
    """All that was declared beside the space, and who declared it."""
    flat = [
        {"by": one.creator.username, "source": one.dialect, "seed": one.seed, **_declared(one)} for one in experiments
    ]
    return Group("Settings", _rows(flat, lambda name: name.replace("_", " ").replace(".", ": ", 1)))


def _declared(experiment: Experiment) -> dict[str, Any]:
    parts = {name: part for name, part in experiment.job.items() if name not in HIDDEN and part not in (None, {}, [])}
    return dict(_flat("", parts))


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Members of members by dotted names; empty ones are left out."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), member)
    elif value not in (None, "", [], {}):
        yield path, value


def spaces(experiments: Sequence[Experiment], jobs: Mapping[int, Job]) -> Group:
    """Each parameter's range in each of them."""
    described = []
    for one in experiments:
        leaves = jobs[one.pk].space.leaves()
        described.append(
            {
                name: f"{distribution.describe()} ({distribution.type}){_condition(condition)}"
                for name, (distribution, condition) in leaves.items()
            }
        )
    return Group("Search space", _rows(described, str))


def _condition(condition: Any) -> str:
    return f", only if {condition.parent} is {' or '.join(condition.labels)}" if condition else ""


def _rows(columns: Sequence[Mapping[str, Any]], title: Callable[[str], str]) -> list[Row]:
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        Row(title(name), [_cell(column[name]) if name in column else Cell(NOTHING) for column in columns])
        for name in names
    ]


def _cell(value: Any) -> Cell:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else words(value)
    if len(text) > LONGEST:
        return Cell(f"{text[: LONGEST - 1]}…", text)
    return Cell(text, exact(value) if isinstance(value, float) else "")


def importance(
    experiments: Sequence[Experiment], shares: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[tuple[str, list[Mapping[str, float] | None]]]:
    """Each parameter with its share in each experiment, the one that matters most first."""
    told = [shares.get(one.key, {}) for one in experiments]
    names = dict.fromkeys(name for one in told for name in one)
    weight = {name: sum(one[name]["share"] for one in told if name in one) for name in names}
    return [(name, [one.get(name) for one in told]) for name in sorted(names, key=lambda name: (-weight[name], name))]


HEATS = 5


def ranks(trials: Sequence[Trial], experiments: Mapping[int, Experiment], alike: bool) -> list[int | None]:
    """The place of each trial among these, from 1, level ones the same; None for what does not count."""
    if not alike:
        return [None] * len(trials)
    goal = experiments[trials[0].experiment_id].goal
    counted = [one.value for one in trials if _counts(one) and one.value is not None]
    ordered = sorted(counted, reverse=goal != "minimize")
    first = {value: ordered.index(value) + 1 for value in ordered}
    return [first.get(one.value) if _counts(one) and one.value is not None else None for one in trials]


def heats(ranked: Sequence[int | None]) -> list[int]:
    """How strongly each column is coloured: the best rank most; nothing where fewer than two have one."""
    last = max((rank for rank in ranked if rank is not None), default=1)
    if last < 2:
        return [0] * len(ranked)
    return [0 if rank is None else HEATS - round((rank - 1) / (last - 1) * (HEATS - 1)) for rank in ranked]


def _counts(trial: Trial) -> bool:
    return trial.status == TrialStatus.FINISHED and not trial.excluded


def trial_results(trials: Sequence[Trial], experiments: Mapping[int, Experiment], alike: bool) -> list[Row]:
    """What came of each trial."""
    goal = experiments[trials[0].experiment_id].goal
    counting = [trial.value for trial in trials if _counts(trial)]
    ranked = ranks(trials, experiments, alike)
    best = _best(counting, goal) if alike else None
    ofs = [experiments[trial.experiment_id] for trial in trials]
    return [
        Row("Status", [Cell(state_words(one.status, one.desired)) for one in trials]),
        Row("Objective", [Cell(f"{one.goal} {metric(one.metric)}") for one in ofs]),
        Row("Rank", [Cell(NOTHING if rank is None else str(rank)) for rank in ranked]).heated(heats(ranked)),
        Row(
            "Value", [Cell(number(one.value), exact(one.value), one.value == best is not None) for one in trials]
        ).heated(heats(ranked)),
        Row("Last value", [Cell(number(one.last_value), exact(one.last_value)) for one in trials]),
        Row("Last step", [Cell(_if_known(one.last_step)) for one in trials]),
        Row(
            "Took",
            [Cell(duration(one.ended - one.started) if one.ended and one.started else NOTHING) for one in trials],
        ),
        Row("Asked as", [Cell(one.source) for one in trials]),
        Row("Attempts", [Cell(str(one.attempt_count)) for one in trials]),
        Row("Space", [Cell(f"v{one.space_version}") for one in trials]),
        Row("Left out", [Cell(one.excluded_why or "yes") if one.excluded else Cell("no") for one in trials]),
        Row("Reason", [_cell(one.reason or NOTHING) for one in trials]),
    ]


def parameters(trials: Sequence[Trial], jobs: Mapping[int, Job]) -> Group:
    """Each parameter's value in each trial."""
    return Group("Parameters", _rows([jobs[one.experiment_id].space.flatten(one.params) for one in trials], str))
