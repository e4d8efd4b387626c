"""References in commands, durations, and the words for where a run stands."""

import pytest

from tunebook import SpecError
from tunebook.command import Command
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, ExperimentStatus, TrialStatus
from tunebook.wire import durations, run_words
from tunebook.wire.references import Bindings, command_line, environment

BOUND = Bindings(("lr", "batch"), {"n": "3", "name": "it's $HOME"}, {"model": "", "kept": "/kept"})


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("t ${{search_space.lr}}", "t 0.1"),
        ("t ${{ search_space.lr }} ${{search_space.batch}}", "t 0.1 'a b'"),
        ("t {search_space.lr}", "t 0.1"),
        ("t ${{inputs.lr}}", "t 0.1"),
        ("t {inputs.lr}", "t 0.1"),
        ("t '${{search_space.batch}}' ${{search_space.lr}}", "t 'a b' 0.1"),
        ("t --x=${{search_space.batch}}", "t --x='a b'"),
        ("t ${{search_space.lr}} ${{inputs.n}}", "t 0.1 3"),
        ("t ${{search_space.lr}} ${{inputs.name}}", "t 0.1 'it'\"'\"'s $HOME'"),
        ('t ${{search_space.lr}} "${{inputs.name}}"', 't 0.1 "it\'s \\$HOME"'),
        ("t ${{search_space.lr}} ${{outputs.model}}", "t 0.1 /out/outputs/model"),
        ("t ${{search_space.lr}} ${{outputs.kept}}", "t 0.1 /kept"),
        ("t", "t --lr 0.1 --batch 'a b'"),
        ("t ${{inputs.n}}", "t 3 --lr 0.1 --batch 'a b'"),
        ("t ${{outputs.kept}}", "t /kept --lr 0.1 --batch 'a b'"),
        ("t $lr", "t $lr"),
        ("t $AZUREML_PARAMETER_batch", "t $AZUREML_PARAMETER_batch"),
        ("t ${HOME}", "t ${HOME} --lr 0.1 --batch 'a b'"),
        ("t {lr} ${{search_space.lr}}", "t {lr} 0.1"),
        ("awk '{print $1}' ${{search_space.lr}}", "awk '{print $1}' 0.1"),
        ("t\n", "t --lr 0.1 --batch 'a b'"),
    ],
)
def test_values_enter_a_command_as_single_arguments(command, line):
    filled = Command(steps=(command_line(command, BOUND, "command"),))

    assert filled.filled_steps(filled.variables({"lr": 0.1, "batch": "a b"}, output_dir="/out")) == [line]


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("t ${{search_space.lrr}}", "did you mean lr?"),
        ("t ${{search_space.n}}", "search_space has lr, batch"),
        ("t {inputs.other}", "inputs has n, name, lr, batch"),
        ("t ${{outputs.models}}", "did you mean model?"),
    ],
)
def test_a_reference_to_nothing_is_refused_with_a_hint(command, hint):
    with pytest.raises(SpecError) as refused:
        command_line(command, BOUND, "trial.command")

    assert refused.value.path == "trial.command"
    assert hint in refused.value.message


def test_variables_hide_nothing_that_programs_need():
    found = environment(Bindings(("PATH", "PYTHONPATH", "--learning-rate", "1st")), {"lr": "mine"})

    assert "PATH" not in found and "PYTHONPATH" not in found and "1st" not in found
    assert found["AZUREML_SWEEP_PATH"] == "${PATH}"
    assert found["learning_rate"] == "${--learning-rate}"
    assert found["AZUREML_SWEEP_1st"] == "${1st}"
    assert found["lr"] == "mine"


def test_what_the_document_sets_wins():
    assert environment(BOUND, {"lr": "1", "AZUREML_SWEEP_lr": "2"})["AZUREML_SWEEP_lr"] == "2"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT2H", 7200),
        ("PT120M", 7200),
        ("PT1M30S", 90),
        ("P1DT1H", 90_000),
        ("P2W", 1_209_600),
        ("pt0.5h", 1800),
        ("PT", None),
        ("P", None),
        ("P1DT", None),
        ("P1Y", None),
        ("1H", None),
        ("PT-1H", None),
        ("", None),
    ],
)
def test_durations_are_read(text, seconds):
    assert durations.seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "PT0S"), (60, "PT1M"), (90, "PT1M30S"), (7200, "PT2H"), (86_400, "P1D"), (90_061, "P1DT1H1M1S")],
)
def test_durations_are_written(seconds, text):
    assert durations.text_of(seconds) == text
    assert durations.seconds_of(text) == seconds


def test_only_what_has_ended_is_called_by_a_word_that_ends_watching():
    for status in ExperimentStatus:
        for desired in ("run", "pause", "stop"):
            ended = run_words.experiment_status(status, desired) in run_words.TERMINAL
            assert ended == (status in ENDED_EXPERIMENT)
    for trial in TrialStatus:
        assert (run_words.trial_status(trial) in run_words.TERMINAL) == (trial in ENDED_TRIAL)


def test_a_word_stands_for_statuses():
    assert run_words.experiment_statuses("running") == {ExperimentStatus.RUNNING, ExperimentStatus.NO_MORE_TRIAL}
    assert ExperimentStatus.FINISHED not in (run_words.experiment_statuses("CancelRequested") or ())
    assert run_words.experiment_statuses("flying") is None
