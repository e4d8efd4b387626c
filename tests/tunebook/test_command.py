"""How a trial's values enter its commands."""

import json
import subprocess

import pytest

from tunebook import Choice, SpecError, Uniform
from tunebook.command import Command, parameter_environment
from tunebook.space import Space

SPACE = Space({"lr": Uniform(0, 1), "opt": Choice(["adam", "it's 5 $HOME"])})


def filled(step, params, *, literals=None, space=None, **where):
    command = Command(steps=(step,), literals=literals or {})
    values = command.variables(params, space=space, **where)
    return command.filled_steps(values)[0]


def printed(line: str) -> list[str]:
    """The words that a shell makes of a line."""
    script = f'printf "%s\\n" {line}'
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_value_that_needs_no_quoting_stays_bare():
    assert filled("train --lr ${lr} --opt ${opt}", {"lr": 1e-05, "opt": "adam"}) == "train --lr 1e-05 --opt adam"


def test_the_placeholders_are_filled_in_the_documented_spellings():
    line = "${exp_id} ${trial_id} ${NNI_OUTPUT_DIR} ${tuner_params_list}| ${tuner_params_dict}| ${params}"

    text = filled(line, {"lr": 0.001, "batch_size": 64}, exp_id="sORVEck", trial_id="mf99W4", output_dir="/out")

    assert text == "sorveck mf99w4 /out lr 0.001 batch_size 64 | lr=0.001 batch_size=64 | lr0.001_batchsize64"


def test_the_whole_set_is_one_word_of_json():
    params = {"lr": 0.001, "name": "a b"}

    assert json.loads(printed(filled("${tuner_params_json}", params))[0]) == params


def test_a_parameter_wins_over_a_word_of_the_run():
    assert filled("${params}", {"params": "mine"}) == "mine"


def test_a_value_may_hold_placeholders_that_come_later():
    params = {"dir": "/data/${exp_id}/${lr}", "lr": 0.5}

    assert filled("cp ${dir}", params, exp_id="AB") == "cp /data/ab/0.5"


@pytest.mark.parametrize(
    "line",
    ["${v}", "'${v}'", '"${v}"', 'x"${v}"', '"$(printf %s ${v})"', '"$(printf \'%s\' "${v}")"'],
)
@pytest.mark.parametrize("value", ["plain", "it's", 'say "hi"', "$HOME;`id`$(id)", "back\\slash", "; rm -rf /", "*"])
def test_a_value_reaches_the_program_unchanged_whatever_quotes_stand_around_it(line, value):
    words = printed(filled(line, {"v": value}))

    assert words == [line.startswith("x") * "x" + value + line.endswith("x") * "x"]


def test_an_empty_value_stays_a_word():
    assert filled("train --note ${v} --end", {"v": ""}) == "train --note '' --end"


def test_a_placeholder_behind_a_backslash_or_in_a_comment_is_left_alone():
    assert filled("echo \\${lr} ${lr} # ${lr}, don't", {"lr": 1}) == "echo \\${lr} 1 # ${lr}, don't"


def test_an_argument_list_gets_its_values_as_they_are():
    assert filled(["train", "--v=${v}", "${tuner_params_json}"], {"v": "a b$x"}) == [
        "train",
        "--v=a b$x",
        '{"v": "a b$x"}',
    ]


def test_the_shells_own_variables_are_left_to_the_shell():
    assert filled("echo ${HOME} $PATH ${lr}", {"lr": 1}) == "echo ${HOME} $PATH 1"


def test_a_key_without_braces_is_replaced_where_it_stands_alone():
    line = "python lr.py --lr lr --rate=lr -lr ${lr} lr_max"

    assert filled(line, {"lr": 0.1}, literals={"lr": "lr"}) == "python lr.py --lr 0.1 --rate=0.1 -lr 0.1 lr_max"


def test_a_nested_choice_gives_its_label_and_its_members():
    params = {"model": {"_name": "svm", "C": 0.5}}

    assert filled("fit ${model} --c ${model.C}", params) == "fit svm --c 0.5"


def test_a_nested_member_that_was_not_chosen_is_empty():
    space = Space({"model": Choice([{"_name": "svm", "C": Uniform(0, 1)}, {"_name": "bayes"}])})

    assert filled("fit ${model} --c ${model.C}", {"model": {"_name": "bayes"}}, space=space) == "fit bayes --c ''"


def test_the_environment_carries_the_parameters_by_safe_names():
    params = {"--learning-rate": 0.1, "model": {"_name": "svm", "C": 1}}

    assert parameter_environment(params) == {
        "TUNEBOOK_PARAM___learning_rate": "0.1",
        "TUNEBOOK_PARAM_model": "svm",
        "TUNEBOOK_PARAM_model_C": "1",
    }


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ("train --lr ${Lr}", "steps.0"),
        ("train --lr ${LR}", "steps.0"),
        ("train ${trialid}", "steps.0"),
        (["train", "${rate}"], "steps.0.1"),
    ],
)
def test_a_placeholder_that_nearly_names_a_parameter_is_refused(step, path):
    with pytest.raises(SpecError) as refused:
        Command(steps=(step,)).check(SPACE)

    assert refused.value.path == path


@pytest.mark.parametrize(
    "step",
    [
        "train --lr ${lr} > ${HOME}/log",
        "for lrx in 1 2; do echo ${lrx}; done",
        "LRS=3; echo ${LRS} ${lr}",
        "echo ${CUDA_VISIBLE_DEVICES} ${TUNEBOOK_TRIAL}",
        "echo \\${Lr}",
    ],
)
def test_variables_of_the_shell_are_no_mistakes(step):
    assert problem_of(Command(steps=(step,))) == ""


def test_unknown_placeholders_are_listed_once():
    command = Command(steps=("a ${x} ${x} ${lr}", ["b", "${y}"]), model_path="/m/${z}")

    assert command.unknown_placeholders(SPACE) == ["x", "y", "z"]


def test_a_variable_of_the_commands_environment_is_known():
    assert problem_of(Command(steps=("a ${lrs}",), environment={"lrs": "1"})) == ""


def problem_of(command):
    """Why a command is refused; empty when it is not."""
    try:
        command.check(SPACE)
    except SpecError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"steps": "echo"}, "steps"),
        ({"steps": ("",)}, "steps.0"),
        ({"steps": ("a\0b",)}, "steps.0"),
        ({"steps": ((),)}, "steps.0"),
        ({"steps": (("a", 1),)}, "steps.0.1"),
        ({"environment": {"1a": "x"}}, "environment.1a"),
        ({"environment": {"TUNEBOOK_URL": "x"}}, "environment.TUNEBOOK_URL"),
        ({"environment": {"A": 1}}, "environment.A"),
        ({"params_files": (("a",),)}, "params_files.0"),
        ({"literals": {"lr": ""}}, "literals.lr"),
        ({"model_path": ""}, "model_path"),
        ({"grace": -1}, "grace"),
        ({"grace": True}, "grace"),
    ],
)
def test_nonsense_is_refused_by_name(given, path):
    with pytest.raises(SpecError) as refused:
        Command(**given)

    assert refused.value.path == path


def test_a_command_comes_back_from_its_document():
    command = Command(
        steps=("a ${lr}", ("b", "${lr}")),
        environment={"A": "1"},
        params_files=(("in", "out"),),
        resume=True,
        model_path="m",
        working_dir="/w",
        literals={"lr": "lr"},
        grace=3,
    )

    assert Command.from_dict(json.loads(json.dumps(command.to_dict()))) == command


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"steps": ["a"], "stepz": 1}, "command.stepz"),
        ({"steps": "a"}, "command.steps"),
        ({"steps": ["a"], "environment": {"A": 1}}, "command.environment.A"),
        ({"steps": ["a"], "params_files": [{"source": "a"}]}, "command.params_files.0.destination"),
        ({"steps": ["a"], "grace": "1"}, "command.grace"),
        ([], "command"),
    ],
)
def test_a_wrong_document_is_refused_with_its_path(document, path):
    with pytest.raises(SpecError) as refused:
        Command.from_dict(document)

    assert refused.value.path == path
