"""The form that declares a new experiment: a job document laid out in fields, and read back from them.

What the form has no field for (schedule, params files, nested metrics ...) travels in `base`, the document the form was
filled from, and is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from apps.dashboard import literals
from apps.dashboard.declared import TimeField, place_of, read_metric, read_steps, written_metrics
from apps.dashboard.space_rows import SpaceRow, read_space
from apps.dashboard.tagging import read_tags
from apps.dashboard.widgets import Pick
from apps.experiments.models import Accessibility
from apps.tuning import platforms
from apps.tuning.experiments import MAX_DESCRIPTION, MAX_NAME
from tunebook import policies
from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.limits import MAX_MEMORY, MIN_MEMORY, Limits
from tunebook.objective import Objective
from tunebook.platform import LOCAL, MAX_UNITS, RAY, Platform
from tunebook.readings import TYPES as READING_TYPES
from tunebook.readings import Readings
from tunebook.sampling import SAMPLERS, Sampling

MAX_ROWS = 200
ON_CLUSTERS = ("platform", "cpus", "gpus")
"""Fields that are there only where trials may run elsewhere, too."""
WITHOUT_A_FIELD = ("schedule", "monitor", "platform")
LIMITS = (
    "max_trials",
    "max_concurrent",
    "max_seconds",
    "trial_seconds",
    "trial_memory",
    "max_failed",
    "patience",
    "min_gain",
)
PARTS = {
    "objective": ("metrics", "goal", "mode", "target"),
    "sampling": ("sampler", "sampler_options", "seed", "warm_weight"),
    "policy": ("policy", "policy_options"),
    "limits": ("max_trials", *LIMITS),
    "command": ("steps",),
    "readings": ("sources", "reading"),
    "platform": ON_CLUSTERS,
}
"""Of each part of a job the fields it is read from; what is wrong with the part stands at the first."""
OPTION_PATH = re.compile(r"(?:sampling\.options|policy)\.([^.\[]+)")
SAMPLER_WORDS = {
    "auto": "recommended for this space",
    "random": "random",
    "sobol": "random, but even",
    "grid": "every combination",
    "tpe": "learns where good values lie",
    "bayesian": "Gaussian process, for few and costly trials",
    "gp": "the same with NNI's options",
    "evolution": "changes the best a little",
    "cmaes": "moves a cloud of numbers, for long searches",
    "anneal": "looks ever closer around the best",
    "hyperband": "many short trials, the best go on",
    "halving": "one bracket of that",
    "bohb": "Hyperband with a model",
    "pbt": "population that trains and copies",
    "experiments": "listed parameter sets",
    "plugin": "your own program",
}
POLICY_WORDS = {
    "median_stopping": "if worse than the median of the others",
    "bandit": "if too far behind the best (bandit)",
    "truncation_selection": "if among the worst part (truncation)",
    "pai_assessor": "as PAI's assessor does",
    "nni_medianstop": "if worse than the median of finished trials (NNI)",
    "curve_fitting": "if its curve will not come near the best",
    "halving": "if not among the best share at each rung",
}
READING_WORDS = {
    "report": "the script calls tunebook.run.log",
    "stdout": "regular expressions in its output",
    "json": "a JSON file it writes",
    "records": "a JSON file with an entry for each step",
    "summary": "TensorBoard event files",
    "table": "an SQL statement",
    "nni": "the script calls nni.report_…_result",
    "exit": "whether its command succeeds",
}


def _whole(label: str, most: int, *, required: bool = False, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=most, required=required, help_text=help_text)


def _said_at(place: str | None, error: SpecError) -> str:
    """What is wrong, for the field at which it is shown. A field that holds several options needs the one's name."""
    if place is None:
        return str(error)
    option = OPTION_PATH.match(error.path) if place in ("sampler_options", "policy_options") else None
    return f"{option[1]}: {error.message}" if option else error.message


class Declaration(forms.Form):
    """Everything but the space's rows; those are a formset beside it."""

    name = forms.CharField(max_length=MAX_NAME, required=False, help_text="Need not be unique.")
    description = forms.CharField(max_length=MAX_DESCRIPTION, required=False, widget=forms.Textarea({"rows": 2}))
    tags = forms.CharField(required=False, help_text="Separated by commas: vision, team=search")
    accessibility = forms.ChoiceField(label="Visible to", choices=Accessibility.choices, initial="PUBLIC")

    metrics = forms.CharField(
        label="Metric",
        widget=forms.Textarea({"rows": 1, "placeholder": "loss"}),
        help_text="The name the script reports. Several: one per line with its weight behind it; their sum counts.",
    )
    goal = forms.ChoiceField(
        choices=(("minimize", "↓ lower is better"), ("maximize", "↑ higher is better")), initial="minimize"
    )
    mode = forms.ChoiceField(
        label="A trial's value is",
        choices=(("final", "the last one"), ("best", "its best one"), ("avg", "the average")),
    )
    target = forms.FloatField(required=False, help_text="Stop once a trial reaches it.")

    sampler = forms.ChoiceField(
        choices=[(name, f"{name} – {SAMPLER_WORDS.get(name, name)}") for name in SAMPLERS],
        widget=Pick({"data-switch": ""}),
    )
    sampler_options = forms.CharField(
        label="Options", required=False, help_text="As name=value, with commas between; empty: the usual ones."
    )
    seed = forms.IntegerField(required=False, min_value=0, help_text="Empty: drawn at random and kept.")
    policy = forms.ChoiceField(
        label="Stop a trial early",
        required=False,
        choices=[("", "never"), *((name, POLICY_WORDS.get(name, name)) for name in policies.POLICIES)],
        widget=Pick({"data-switch": ""}),
    )
    policy_options = forms.CharField(
        label="Options of that rule", required=False, help_text="For example delay_evaluation=5, evaluation_interval=1"
    )

    max_trials = _whole("Trials in all", 1_000_000, help_text="Empty: until the space is exhausted or it is stopped.")
    max_concurrent = _whole("Trials at once", 10_000, required=True)
    max_seconds = TimeField(label="Time in all", required=False, help_text="90 s, 30 m, 2 h, 1 d. Empty: no limit.")
    trial_seconds = TimeField(label="Time per trial", required=False, help_text="Empty: no limit.")
    trial_memory = forms.IntegerField(
        label="Memory per trial",
        required=False,
        min_value=MIN_MEMORY,
        max_value=MAX_MEMORY,
        help_text="In MiB; 1024 are 1 GiB. Empty: no limit.",
    )
    max_failed = _whole("Failed trials allowed", 1_000_000, help_text="Empty: any number.")
    patience = _whole("Give up after", 1_000_000, help_text="After so many trials without improvement. Empty: never.")
    min_gain = forms.FloatField(
        label="Smallest improvement", required=False, min_value=0, help_text="In the metric's unit. Empty: any."
    )
    warm_start = forms.CharField(required=False, widget=forms.HiddenInput)
    warm_weight = forms.FloatField(
        label="Weight of an earlier trial",
        required=False,
        min_value=0,
        max_value=1,
        help_text="Where one of this experiment counts 1. Empty: the usual.",
    )

    platform = forms.ChoiceField(
        label="Trials run", choices=((LOCAL, "on the optimizer's machine"), (RAY, "on the Ray cluster")), initial=LOCAL
    )
    cpus = forms.FloatField(
        label="CPUs per trial",
        required=False,
        min_value=0,
        max_value=MAX_UNITS,
        help_text="On the cluster. Empty: one.",
    )
    gpus = forms.FloatField(
        label="GPUs per trial",
        required=False,
        min_value=0,
        max_value=MAX_UNITS,
        help_text="On the cluster. Empty: none.",
    )
    steps = forms.CharField(
        label="Commands",
        widget=forms.Textarea({"rows": 3, "class": "mono", "placeholder": "python train.py --lr ${learning_rate}"}),
        help_text="One per line, run in order on the optimizer's machine. ${name} stands for a parameter's value. "
        "Each trial starts in an empty folder of its own: give the full path of your script.",
    )
    reading = forms.ChoiceField(
        label="Metrics come from", choices=[(name, READING_WORDS.get(name, name)) for name in READING_TYPES]
    )
    sources = forms.CharField(
        label="Sources",
        required=False,
        widget=forms.Textarea({"rows": 1}),
        help_text="Which command (cmd1), file, folder or statement; one per line. Files, folders and statements need one.",
    )
    base = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, rows: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial={"max_concurrent": 1, "max_trials": 20, **(initial or {})})
        if len(platforms.available()) == 1:
            for name in ON_CLUSTERS:
                del self.fields[name]
        else:
            steps = self.fields["steps"]
            steps.help_text = steps.help_text.replace(" on the optimizer's machine", "")
        self.rows = rows if rows is not None else SpaceRows(data, prefix="space")
        for name, field in self.fields.items():
            if self.errors.get(name) if self.is_bound else False:
                field.widget.attrs["aria-invalid"] = "true"

    def job(self) -> Job | None:
        """The job that the fields declare; None after adding errors to the fields that are wrong."""
        self.full_clean()
        before = self._base()
        document = before.to_dict() if before is not None else {}
        space = None
        if self.rows.is_valid():
            space = read_space(list(self.rows.forms), before.space if before is not None else None)
        if space is not None and not space:
            self.add_error(None, "The search space has no parameter yet.")
        builders: dict[str, Callable[[], Any]] = {
            "objective": lambda: Objective.from_dict(self._objective(document)),
            "sampling": lambda: Sampling.from_dict(self._sampling()),
            "policy": self._policy,
            "limits": lambda: Limits.from_dict(self._limits(document)),
            "command": lambda: Command.from_dict(self._command(document)),
            "readings": lambda: Readings.from_dict(self._readings(document)),
            "platform": self._platform,
        }
        parts = {"space": space}
        for part, fields in PARTS.items():
            if fields[0] in self.fields and not any(field in self.errors for field in fields):
                parts[part] = self._part(fields[0], builders[part])
        if self.errors or space is None:
            return None
        kept = {name: getattr(before, name) for name in WITHOUT_A_FIELD} if before is not None else {}
        job: Job | None = self._part("", lambda: Job(**{**kept, **parts}).check())
        return job

    def objective(self) -> Objective | None:
        """The objective alone, when it can be read; adds no errors."""
        given = self.data if self.is_bound else self.initial
        metrics = [read_metric(line) for line in str(given.get("metrics") or "").splitlines() if line.strip()]
        try:
            return (
                Objective.from_dict({"goal": given.get("goal") or "minimize", "metrics": metrics}) if metrics else None
            )
        except SpecError:
            return None

    def refuse(self, error: SpecError) -> None:
        """Show a refusal at the field it is about."""
        place = self._place(error.path)
        self.add_error(place, _said_at(place, error))

    def _part(self, field: str, build: Callable[[], Any]) -> Any:
        try:
            return build()
        except SpecError as error:
            place = self._place(error.path) or field or None
            self.add_error(place, _said_at(place, error))
        except ValueError as error:
            self.add_error(field or None, str(error))
        return None

    def _place(self, path: str) -> str | None:
        """The field that shows what stands at this path, if it is here."""
        place = place_of(path)
        return place if place in self.fields else None

    def _platform(self) -> Platform:
        given = self.cleaned_data
        if given["platform"] == LOCAL:
            return Platform()
        chosen = {name: given[name] for name in ("cpus", "gpus") if given[name] is not None}
        return Platform(name=given["platform"], **chosen)

    def _base(self) -> Job | None:
        text = self.cleaned_data.get("base") or ""
        try:
            return Job.from_dict(json.loads(text)) if text else None
        except ValueError:
            return None

    def _objective(self, document: Mapping[str, Any]) -> dict[str, Any]:
        given = self.cleaned_data
        metrics = [read_metric(line) for line in given["metrics"].splitlines() if line.strip()]
        before = document.get("objective", {}).get("metrics", [])
        if given["metrics"].strip() == written_metrics(before):
            metrics = before
        return {"goal": given["goal"], "mode": given["mode"], "target": given["target"], "metrics": metrics}

    def _sampling(self) -> dict[str, Any]:
        given = self.cleaned_data
        options = self._part("sampler_options", lambda: literals.read_pairs(given["sampler_options"]))
        found = {"name": given["sampler"], "options": options or {}, "seed": given["seed"]}
        if self.earlier:
            found |= {"warm_start": self.earlier, "warm_weight": given["warm_weight"]}
        return found

    def _policy(self) -> policies.Policy | None:
        given = self.cleaned_data
        if not given["policy"]:
            if given["policy_options"].strip():
                self.add_error("policy_options", "There is no rule that they could be options of; pick one.")
            return None
        options = self._part("policy_options", lambda: literals.read_pairs(given["policy_options"]))
        return policies.from_dict({"name": given["policy"], **(options or {})})

    def _limits(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document.get("limits", {}), **{name: self.cleaned_data[name] for name in LIMITS}}

    def _command(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document.get("command", {}), "steps": read_steps(self.cleaned_data["steps"])}

    def _readings(self, document: Mapping[str, Any]) -> dict[str, Any]:
        sources = [line.strip() for line in self.cleaned_data["sources"].splitlines() if line.strip()]
        before = document.get("readings", {})
        if "\n".join(before.get("sources", [])) == self.cleaned_data["sources"]:
            sources = before.get("sources", [])
        return {**before, "type": self.cleaned_data["reading"], "sources": sources}

    @property
    def earlier(self) -> list[str]:
        """Keys of the experiments to start warm from: those that are ticked, or those of the document."""
        ticked = self.data.getlist("warm") if hasattr(self.data, "getlist") else []
        if ticked or self.is_bound:
            return [key for key in dict.fromkeys(ticked) if key.isalnum()]
        return str(self.initial.get("warm_start") or "").split()

    @property
    def tag_pairs(self) -> list[tuple[str, str]]:
        return read_tags(self.cleaned_data["tags"])

    @property
    def also_set(self) -> list[str]:
        """What the document holds that has no field here, in words."""
        try:
            document = json.loads(self["base"].value() or "{}")
        except ValueError:
            return []
        command = document.get("command") or {}
        found = [name for name in ("schedule", "monitor") if document.get(name)]
        named = ("environment", "params_files", "model_path", "summary_path", "working_dir", "resume")
        return found + [name.replace("_", " ") for name in named if command.get(name)]


SpaceRows = forms.formset_factory(SpaceRow, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS, validate_max=True)


def row_set(rows: list[dict[str, Any]]) -> Any:
    """The formset that shows these rows, not yet checked."""
    return SpaceRows(prefix="space", initial=rows)
