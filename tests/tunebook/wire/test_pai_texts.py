"""ConfigIni, ConfigYml and SearchSpace, and configurations written for jobs that came another way."""

import configparser
import json

import pytest
import yaml

from tests.tunebook.wire.test_pai_load import MINIMAL, a_configuration
from tunebook import (
    Choice,
    LogNormal,
    LogUniform,
    Metric,
    Normal,
    Objective,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    Uniform,
)
from tunebook.command import Command
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.monitor import Monitor
from tunebook.policies import PaiAssessorPolicy
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule
from tunebook.space import Space
from tunebook.wire import pai

SECRET = a_configuration(
    oss_config={"endpoint": "e", "accessKeyID": "LTAI1", "accessKeySecret": "hidden1", "role_arn": "arn"},
    odps_config={"access_id": "LTAI2", "access_key": "hidden2", "project_name": "p"},
    dlc_config={"access_id": "LTAI3", "access_key": "hidden3", "region": "r"},
    ts_config={"access_key_id": "LTAI4", "access_key_secret": "hidden4"},
    paiflow_config={"access_key_id": "LTAI5", "access_key_secret": ""},
)


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_the_ini_text_has_a_section_per_member_and_numbered_lists():
    ini = parsed(
        pai.config_ini(
            a_configuration(
                platform_config={"cmd": ["a", "b"]},
                params_config={"params_src_dst_filepath": ["s,d"]},
                yml_config={"debug": True},
            )
        )
    )

    assert ini.sections() == ["platform_config", "metric_config", "params_config"]
    assert dict(ini["platform_config"]) == {"name": "LOCAL", "cmd1": "a", "cmd2": "b"}
    assert ini["metric_config"]["metric_source_1"] == "cmd1"
    assert ini["metric_config"]["metric_dict"] == "{'accuracy=([0-9.]+)': 1}"
    assert ini["params_config"]["params_src_dst_filepath1"] == "s,d"


@pytest.mark.parametrize("command", ["one\ntwo", "one\n[platform_config]\nname=x", "a # b ; c", "a\r\nb"])
def test_a_command_of_several_lines_stays_one_value(command):
    ini = parsed(pai.config_ini(a_configuration(platform_config={"cmd": [command]})))

    assert ini["platform_config"]["cmd1"].split() == command.split()


@pytest.mark.parametrize("text", [pai.config_ini(SECRET), json.dumps(pai.mask(SECRET))])
def test_secrets_never_come_back_in_clear(text):
    assert "hidden" not in text and "LTAI" not in text
    assert "******" in text


def test_masking_changes_nothing_else():
    masked = pai.mask(SECRET)

    assert masked["oss_config"] == {
        "endpoint": "e",
        "accessKeyID": "******",
        "accessKeySecret": "******",
        "role_arn": "arn",
    }
    assert masked["paiflow_config"]["access_key_secret"] == ""
    assert masked["metric_config"] == SECRET["metric_config"]
    assert pai.mask(MINIMAL) == MINIMAL


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a/robot?access_token=abc&x=1", "https://a/robot?access_token=******&x=1"),
        ("https://a/robot?x=1&apiKey=abc#end", "https://a/robot?x=1&apiKey=******#end"),
        ("https://user:word@a/robot", "https://******@a/robot"),
        ("https://a/robot?id=7", "https://a/robot?id=7"),
    ],
)
def test_of_an_address_only_the_secret_parts_are_hidden(url, shown):
    assert pai.mask(a_configuration(monitor_config={"url": url}))["monitor_config"]["url"] == shown


def test_a_hyperparameter_called_like_a_secret_is_not_masked():
    space = {"${token_count}": {"_type": "choice", "_value": [1]}}

    assert pai.mask(a_configuration(search_space=space))["search_space"] == space


def test_the_yml_text_is_an_experiment_file_of_nni():
    text = pai.config_yml(
        a_configuration(
            yml_config={
                "experiment_name": "dlc: oss #1",
                "trial_concurrency": 1,
                "max_trial_number": 4,
                "debug": False,
                "tuner": {"name": "TPE", "class_args": {"optimize_mode": "maximize", "tpe_args": {"gamma": 0.25}}},
                "assessor": {"name": "PAIAssessor", "class_args": {"optimize_mode": "maximize", "moving_avg": "true"}},
            }
        )
    )

    assert yaml.safe_load(text) == {
        "experimentName": "dlc: oss #1",
        "experimentWorkingDirectory": "../expdir",
        "searchSpaceFile": "search_space.json",
        "trialCommand": "python3 -m hpo_tools.core.utils.run --config=./trial.ini",
        "trialConcurrency": 1,
        "maxTrialNumber": 4,
        "debug": False,
        "tuner": {"name": "TPE", "classArgs": {"optimize_mode": "maximize", "tpe_args": {"gamma": 0.25}}},
        "trainingService": {"platform": "local"},
        "assessor": {"name": "PAIAssessor", "classArgs": {"optimize_mode": "maximize", "moving_avg": "true"}},
    }
    assert "experimentWorkingDirectory: ../expdir\n" in text


def test_a_configuration_without_yml_names_the_default_tuner():
    assert yaml.safe_load(pai.config_yml(MINIMAL))["tuner"] == {"name": "TPE"}


def test_the_search_space_is_json_text():
    assert json.loads(pai.search_space_text(MINIMAL)) == MINIMAL["search_space"]


def test_a_job_from_elsewhere_is_told_as_a_configuration_that_means_the_same():
    job = Job(
        space=Space(
            {
                "a": Choice(["x", 1, {"_name": "n", "b": Uniform(0, 1)}]),
                "c": Randint(5, 2),
                "d": QUniform(0, 1, 0.25, clip=True),
                "e": LogUniform.between(0.001, 1),
                "f": QLogUniform.between(1, 100, 10),
                "g": Normal(0, 1),
                "h": QNormal(0, 1, 0.5),
                "i": LogNormal(0, 1),
                "j": QLogNormal(0, 1, 2),
            }
        ),
        objective=Objective("minimize", (Metric("loss=(.*)", -1.0),), "avg"),
        command=Command(
            steps=("train ${a}",),
            params_files=(("s", "d"),),
            resume=True,
            model_path="/m",
            literals={"c": "c"},
        ),
        sampling=Sampling("grid", {"order": "bisect"}),
        policy=PaiAssessorPolicy(start_step=3, moving_avg=True),
        limits=Limits(max_trials=5, max_concurrent=2, command_retries=2),
        readings=Readings("stdout", ("cmd1",), "final"),
        schedule=Schedule("weekend", "22:00", "06:00"),
        monitor=Monitor("https://hooks.example.com/", "k", ("1", "2"), (), True),
    )

    assert pai.load(json.loads(json.dumps(pai.dump(job)))) == job


def test_an_argument_list_becomes_a_shell_line():
    job = Job(
        space=Space({"lr": Uniform(0, 1)}),
        objective=Objective("maximize", (Metric("auc"),)),
        command=Command(steps=(("train it", "--lr", "${lr}"),)),
    )

    document = pai.dump(job)

    assert document["platform_config"]["cmd"] == ["'train it' --lr ${lr}"]
    assert document["metric_config"]["metric_type"] == "api"
    assert pai.load(document).readings.type == "report"
