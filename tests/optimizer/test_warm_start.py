"""Starting warm: earlier experiments of the workspace teach a new one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.experiments.models import Experiment
from apps.optimizer.executors.replay import Recording
from apps.trials.earlier import earlier
from apps.trials.history import history
from apps.trials.models import Trial
from apps.tuning import experiments, trash, trials
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.optimizer.conftest import Theatre
from tests.people import a_job
from tunebook import Choice, Randint, Space, SpecError, Uniform
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]


@pytest.fixture
def known(make_experiment: Make) -> Experiment:
    """An ended experiment: 20 results of x, good around 0.3, with another parameter besides."""
    row = make_experiment(job=a_job(space=Space({"x": Uniform(0, 2), "old": Uniform(0, 1)})), start=False)
    Trial.objects.bulk_create(
        Trial(
            experiment=row,
            number=number,
            params={"x": number / 10, "old": 0.5},
            status="FINISHED" if number else "FAILED",
            value=abs(number / 10 - 0.3) if number else None,
            source="random",
        )
        for number in range(20)
    )
    return row


def warm(*keys: str, **given: object) -> Sampling:
    return Sampling("tpe", seed=1, warm_start=keys, **given)  # type: ignore[arg-type]


def test_results_are_taken_by_name_and_what_lies_outside_the_space_is_dropped(known: Experiment) -> None:
    job = a_job(space=Space({"x": Uniform(0, 1), "new": Uniform(0, 1)}), sampling=warm(known.key, warm_weight=0.5))

    found = earlier(known.workspace_id, job)

    assert [trial.params for trial in found] == [{"x": number / 10} for number in range(1, 11)]
    assert {trial.weight for trial in found} == {0.5}
    assert all(trial.number < 0 for trial in found)
    assert len({trial.number for trial in found}) == len(found)


def test_who_knows_no_budgets_of_that_name_learns_from_the_largest_alone(
    make_experiment: Make, known: Experiment
) -> None:
    line = Space({"x": Uniform(0, 1)})
    row = make_experiment(job=a_job(space=line, sampling=Sampling("bohb", {"resource": "epochs"})), start=False)
    for number, (x, epochs) in enumerate([(0.1, 3), (0.2, 9), (0.3, 9), (0.4, 1)]):
        params = {"x": x, "epochs": epochs}
        Trial.objects.create(experiment=row, number=number, params=params, status="FINISHED", value=1.0)

    def taken(space: Space = line, **options: object) -> list[dict[str, object]]:
        sampling = Sampling("bohb" if options else "tpe", options, warm_start=(row.key, known.key))
        found = [dict(trial.params) for trial in earlier(row.workspace_id, a_job(space=space, sampling=sampling))]
        assert found[:10] == [{"x": number / 10} for number in range(1, 11)]
        return found[10:]

    assert taken(resource="epochs") == [{"x": x, "epochs": e} for x, e in [(0.1, 3), (0.2, 9), (0.3, 9), (0.4, 1)]]
    searched = Space({"x": Uniform(0, 1), "epochs": Randint(10)})
    assert taken(searched) == taken(resource="epochs")
    assert taken(resource="steps") == taken() == [{"x": 0.2}, {"x": 0.3}]


def test_a_warm_experiment_searches_where_the_earlier_one_was_good(
    theatre: Callable[..., Theatre], known: Experiment
) -> None:
    stage = theatre(
        sampling=warm(known.key),
        limits=Limits(max_trials=12),
        recording=lambda spec: Recording(points=[{"loss": abs(spec.params["x"] - 0.3)}]),
    )

    stage.play()

    trials = stage.trials()
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial.source for trial in trials} == {"model"}
    assert sum(abs(trial.params["x"] - 0.3) < 0.25 for trial in trials) >= 8


def test_earlier_results_are_neither_tried_nor_best(theatre: Callable[..., Theatre], known: Experiment) -> None:
    stage = theatre(
        space=Space({"x": Choice([0.3, 0.5])}),
        sampling=Sampling("grid", warm_start=(known.key,)),
        recording=lambda spec: Recording(points=[{"loss": 5.0}]),
    )

    stage.play()

    assert sorted(trial.params["x"] for trial in stage.trials()) == [0.3, 0.5]
    assert stage.experiment.best_value == 5.0


def test_an_experiment_that_is_not_there_is_refused_by_its_place(
    make_experiment: Make, known: Experiment, actor_cleo: Actor
) -> None:
    with pytest.raises(SpecError, match="no experiment 'nothing'") as refused:
        make_experiment(job=a_job(sampling=warm(known.key, "nothing")))

    assert refused.value.path == "sampling.warm_start.1"


def test_an_experiment_out_of_reach_is_refused_like_one_that_is_not_there(
    known: Experiment, actor_cleo: Actor, db: None
) -> None:
    elsewhere = Workspace.objects.get(slug="elsewhere")

    with pytest.raises(SpecError, match="there is no experiment"):
        experiments.create(actor_cleo, a_job(sampling=warm(known.key)), workspace=elsewhere)


def test_an_experiment_with_another_objective_is_refused(make_experiment: Make, known: Experiment) -> None:
    job = a_job(sampling=warm(known.key), objective=Objective("maximize", (Metric("accuracy"),)))

    with pytest.raises(SpecError, match="minimize loss"):
        make_experiment(job=job)


def test_limits_change_after_a_source_was_deleted_but_no_other_that_is_gone_is_taken(
    make_experiment: Make, known: Experiment, actor_ada: Actor
) -> None:
    other = make_experiment(start=False)
    row = make_experiment(job=a_job(sampling=warm(known.key), limits=Limits(max_trials=10)))
    for one in (known, other):
        experiments.stop(actor_ada, one)
        trash.delete(actor_ada, one)

    experiments.limit(actor_ada, row, max_trials=20)

    row.refresh_from_db()
    assert row.max_trials == 20
    changed = a_job(sampling=warm(known.key, other.key), limits=Limits(max_trials=10))
    with pytest.raises(SpecError) as refused:
        experiments.update(actor_ada, row, experiments.Changes(job=changed))
    assert refused.value.path == "sampling.warm_start.1"


def test_a_declaration_with_sources_comes_back_and_one_without_looks_as_before() -> None:
    sampling = warm("a", "b", warm_weight=0.5)

    assert Sampling.from_dict(sampling.to_dict()) == sampling
    assert Sampling("tpe").to_dict() == {"name": "tpe", "options": {}, "seed": None}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"warm_start": "abc"}, "sampling.warm_start"),
        ({"warm_start": [1]}, "sampling.warm_start.0"),
        ({"warm_start": [""]}, "sampling.warm_start"),
        ({"warm_start": ["a"], "warm_weight": 0}, "sampling.warm_weight"),
        ({"warm_start": ["a"], "warm_weight": 2}, "sampling.warm_weight"),
        ({"warm_start": ["a"] * 21}, "sampling.warm_start"),
    ],
)
def test_nonsense_is_refused_by_name(given: dict[str, object], path: str) -> None:
    with pytest.raises(SpecError) as refused:
        Sampling.from_dict({"name": "tpe", **given})

    assert refused.value.path == path


def test_an_excluded_trial_teaches_nothing_from_the_next_step_on(
    theatre: Callable[..., Theatre], actor_ada: Actor
) -> None:
    stage = theatre(limits=Limits(max_trials=50), recording=lambda spec: Recording(points=[{"loss": 1.0}]))
    for _ in range(8):
        stage.turn()
    first = stage.trials()[0]

    trials.exclude(actor_ada, stage.experiment, [first.key])
    stage.turn()

    assert stage.driver is not None
    weights = {trial.number: trial.weight for trial in stage.driver.work.history().trials}
    assert weights.pop(0) == 0.0
    assert set(weights.values()) == {1.0}
    assert history(stage.experiment, stage.driver.work.job).trials[0].weight == 0.0
