"""PAI configurations read into jobs."""

import copy

import pytest

from tunebook import Choice, LogUniform, Metric, Randint, SpecError, Uniform
from tunebook.command import Command
from tunebook.job import Job
from tunebook.monitor import Monitor
from tunebook.policies import CurveFittingPolicy, MedianStoppingPolicy, NniMedianstopPolicy, PaiAssessorPolicy
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule
from tunebook.wire import pai

ROOT = "HpoExperimentConfiguration"
MINIMAL = {
    "platform_config": {"name": "LOCAL", "cmd": ["python train.py --lr ${lr}"]},
    "metric_config": {
        "metric_type": "stdout",
        "metric_source": ["cmd1"],
        "final_mode": "best",
        "metric_dict": {"accuracy=([0-9.]+)": 1},
    },
    "search_space": {"${lr}": {"_type": "loguniform", "_value": [0.0001, 0.1]}},
}


def a_configuration(**sections):
    """The smallest configuration with some sections' members changed; None takes a member away."""
    document = copy.deepcopy(MINIMAL)
    for name, members in sections.items():
        if members is None:
            document.pop(name, None)
        elif name == "search_space":
            document[name] = members
        else:
            document[name] = {**document.get(name, {}), **members}
    return document


def refusal(**sections):
    with pytest.raises(SpecError) as refused:
        pai.load(a_configuration(**sections))
    return refused.value


def test_the_smallest_configuration_is_a_job():
    job = pai.load(MINIMAL)

    assert job.space == {"lr": LogUniform.between(0.0001, 0.1)}
    assert job.command == Command(steps=("python train.py --lr ${lr}",))
    assert job.readings == Readings("stdout", ("cmd1",), "best")
    assert (job.objective.goal, job.objective.mode) == ("maximize", "best")
    assert job.objective.metrics == (Metric("accuracy=([0-9.]+)", 1.0),)
    assert (job.sampling, job.policy) == (Sampling("tpe"), None)
    assert (job.limits.max_trials, job.limits.max_concurrent) == (None, 1)
    assert (job.schedule, job.monitor) == (None, None)


def test_every_documented_member_is_taken():
    job = pai.load(
        a_configuration(
            platform_config={"resume": "1"},
            metric_config={"source_list_final_mode": "avg"},
            yml_config={
                "trial_concurrency": 5,
                "max_trial_number": 100,
                "experiment_name": "x",
                "debug": True,
                "log_level": "debug",
                "tuner": {"name": "TPE", "class_args": {"optimize_mode": "minimize", "seed": 7}},
                "assessor": {
                    "name": "PAIAssessor",
                    "class_args": {
                        "optimize_mode": "minimize",
                        "start_step": 2,
                        "proportion": 0.4,
                        "moving_avg": "true",
                        "earlystop": True,
                        "patience": 10,
                    },
                },
            },
            params_config={"params_src_dst_filepath": ["./in.yaml, ./out_${exp_id}.yaml"]},
            output_config={"model_path": "/m/${exp_id}_${trial_id}", "summary_path": "/s"},
            schedule_config={"day": "weekend", "start_time": "22:00", "end_time": "06:00"},
            monitor_config={
                "url": "https://hooks.example.com/",
                "keyword": "hpo",
                "at_mobiles": "['133', '144']",
                "at_user_ids": "[u1]",
                "is_at_all": "True",
            },
            oss_config={"endpoint": "e", "accessKeyID": "i", "accessKeySecret": "s", "role_arn": "r"},
            odps_config={
                "access_id": "i",
                "access_key": "k",
                "project_name": "p",
                "end_point": "e",
                "log_view_host": "l",
                "region": "r",
                "role_arn": "r",
            },
            dlc_config={"access_id": "i", "access_key": "k", "endpoint": "e", "region": "r", "protocol": "http"},
            ts_config={"access_key_id": "i", "access_key_secret": "s", "region_id": "r", "endpoint": "e"},
            paiflow_config={"access_key_id": "i", "access_key_secret": "s", "region_id": "r", "workspace_id": "w"},
            k8s_config={
                "nni_container_requested_memory": "1",
                "nni_container_requested_cpu": "1",
                "nni_container_memory_limit": "1",
                "nni_container_cpu_limit": "1",
            },
        )
    )

    assert (job.limits.max_concurrent, job.limits.max_trials) == (5, 100)
    assert job.sampling == Sampling("tpe", {}, 7)
    assert job.objective.goal == "minimize"
    assert job.policy == PaiAssessorPolicy(start_step=2, proportion=0.4, moving_avg=True, patience=10)
    assert (job.command.resume, job.limits.command_retries) == (True, 2)
    assert job.command.params_files == (("./in.yaml", "./out_${exp_id}.yaml"),)
    assert (job.command.model_path, job.command.summary_path) == ("/m/${exp_id}_${trial_id}", "/s")
    assert job.readings.combine == "avg"
    assert job.schedule == Schedule("weekend", "22:00", "06:00")
    assert job.monitor == Monitor("https://hooks.example.com/", "hpo", ("133", "144"), ("u1",), True)


def test_a_loaded_job_comes_back_from_our_own_document():
    job = pai.load(MINIMAL)

    assert Job.from_dict(job.to_dict()) == job


@pytest.mark.parametrize("name", ["LOCAL", "local", "Local"])
def test_the_platform_is_compared_without_case(name):
    assert pai.load(a_configuration(platform_config={"name": name}))


@pytest.mark.parametrize("name", ["DLC", "MaxCompute", "paiflow", "elsewhere"])
def test_other_platforms_are_refused_with_those_there_are(name):
    error = refusal(platform_config={"name": name})

    assert error.path == f"{ROOT}.platform_config.name"
    assert "LOCAL" in error.message and name in error.message


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"platform_config": None}, "platform_config"),
        ({"metric_config": None}, "metric_config"),
        ({"platform_config": {"name": None}}, "platform_config.name"),
        ({"platform_config": {"cmd": None}}, "platform_config.cmd"),
        ({"platform_config": {"cmd": []}}, "platform_config.cmd"),
        ({"platform_config": {"cmd": "python"}}, "platform_config.cmd"),
        ({"platform_config": {"cmd": [1]}}, "platform_config.cmd.0"),
        ({"platform_config": {"cmd": [""]}}, "platform_config.cmd.0"),
        ({"platform_config": {"cmd": ["train ${lrr}"]}}, "platform_config.cmd.0"),
        ({"platform_config": {"resume": "2"}}, "platform_config.resume"),
        ({"platform_config": {"nmae": "x"}}, "platform_config.nmae"),
        ({"metric_config": {"metric_type": "paper"}}, "metric_config.metric_type"),
        ({"metric_config": {"metric_type": None}}, "metric_config.metric_type"),
        ({"metric_config": {"metric_source": None}}, "metric_config.metric_source"),
        ({"metric_config": {"metric_source": "cmd1"}}, "metric_config.metric_source"),
        ({"metric_config": {"metric_source": ["cmd2"]}}, "metric_config.metric_source.0"),
        ({"metric_config": {"metric_type": "json", "metric_source": []}}, "metric_config.metric_source"),
        ({"metric_config": {"final_mode": "last"}}, "metric_config.final_mode"),
        ({"metric_config": {"source_list_final_mode": "x"}}, "metric_config.source_list_final_mode"),
        ({"metric_config": {"metric_dict": {}}}, "metric_config.metric_dict"),
        ({"metric_config": {"metric_dict": []}}, "metric_config.metric_dict"),
        ({"metric_config": {"metric_dict": {"a=(.*)": "x"}}}, "metric_config.metric_dict.a=(.*)"),
        ({"metric_config": {"metric_dict": {"a=(.*)": True}}}, "metric_config.metric_dict.a=(.*)"),
        ({"metric_config": {"metric_dict": {"accuracy": 1}}}, "metric_config.metric_dict.accuracy"),
        ({"metric_config": {"metric_dict": {"a=(": 1}}}, "metric_config.metric_dict.a=("),
        ({"metric_config": {"optimize_mode": "up"}}, "metric_config.optimize_mode"),
        ({"yml_config": {"trial_concurrency": 0}}, "yml_config.trial_concurrency"),
        ({"yml_config": {"trial_concurrency": "5"}}, "yml_config.trial_concurrency"),
        ({"yml_config": {"trial_concurrency": 10**6}}, "yml_config.trial_concurrency"),
        ({"yml_config": {"max_trial_number": -1}}, "yml_config.max_trial_number"),
        ({"yml_config": {"max_trial_number": 1.5}}, "yml_config.max_trial_number"),
        ({"yml_config": {"debug": "yes"}}, "yml_config.debug"),
        ({"yml_config": {"max_trials": 5}}, "yml_config.max_trials"),
        ({"yml_config": {"tuner": "TPE"}}, "yml_config.tuner"),
        ({"yml_config": {"tuner": {"name": "Magic"}}}, "yml_config.tuner.name"),
        (
            {"yml_config": {"tuner": {"class_args": {"optimize_mode": "up"}}}},
            "yml_config.tuner.class_args.optimize_mode",
        ),
        ({"yml_config": {"tuner": {"class_args": {"seed": -1}}}}, "yml_config.tuner.class_args.seed"),
        ({"yml_config": {"tuner": {"class_args": {"sed": 1}}}}, "yml_config.tuner.class_args.sed"),
        (
            {"yml_config": {"tuner": {"class_args": {"tpe_args": {"gama": 1}}}}},
            "yml_config.tuner.class_args.tpe_args.gama",
        ),
        (
            {"yml_config": {"tuner": {"name": "Evolution", "class_args": {"population_size": 0}}}},
            "yml_config.tuner.class_args.population_size",
        ),
        ({"yml_config": {"tuner": {"name": "experiments"}}}, "yml_config.tuner.class_args.experiments"),
        (
            {"yml_config": {"tuner": {"name": "halving", "class_args": {"resource": "${lr}"}}}},
            "yml_config.tuner.class_args.resource",
        ),
        ({"yml_config": {"assessor": {"name": "Magic"}}}, "yml_config.assessor.name"),
        ({"yml_config": {"assessor": {"class_args": {"start_step": 1}}}}, "yml_config.assessor.name"),
        (
            {"yml_config": {"assessor": {"name": "PAIAssessor", "class_args": {"proportion": 2}}}},
            "yml_config.assessor.class_args.proportion",
        ),
        (
            {"yml_config": {"assessor": {"name": "PAIAssessor", "class_args": {"moving_avg": "maybe"}}}},
            "yml_config.assessor.class_args.moving_avg",
        ),
        ({"params_config": {"params_src_dst_filepath": ["a"]}}, "params_config.params_src_dst_filepath.0"),
        ({"params_config": {"params_src_dst_filepath": ["a,"]}}, "params_config.params_src_dst_filepath.0"),
        ({"output_config": {"model_path": 1}}, "output_config.model_path"),
        ({"output_config": {"model_path": "/m/${expid}"}}, "output_config.model_path"),
        ({"schedule_config": {"day": "never"}}, "schedule_config.day"),
        ({"schedule_config": {"start_time": "8"}}, "schedule_config.start_time"),
        ({"schedule_config": {"end_time": "24:00"}}, "schedule_config.end_time"),
        ({"monitor_config": {"keyword": "x"}}, "monitor_config.url"),
        ({"monitor_config": {"url": "x"}}, "monitor_config.url"),
        ({"monitor_config": {"url": "https://a/", "is_at_all": "x"}}, "monitor_config.is_at_all"),
        ({"monitor_config": {"url": "https://a/", "at_mobiles": 3}}, "monitor_config.at_mobiles"),
        ({"oss_config": {"accessKeySecret": 5}}, "oss_config.accessKeySecret"),
        ({"dlc_config": {"acces_id": "x"}}, "dlc_config.acces_id"),
        ({"search_space": {"${lr}": 3}}, "search_space.${lr}"),
        ({"search_space": {"${lr}": {"_type": "uniform"}}}, "search_space.${lr}._value"),
        ({"search_space": {"${lr}": {"_type": "unifrm", "_value": [0, 1]}}}, "search_space.${lr}._type"),
        ({"search_space": {"${lr}": {"_type": "uniform", "_value": [0]}}}, "search_space.${lr}._value"),
        ({"search_space": {"${lr}": {"_type": "uniform", "_value": [0, "1"]}}}, "search_space.${lr}._value.1"),
        ({"search_space": {"${lr}": {"_type": "uniform", "_value": [1, 0]}}}, "search_space.${lr}._value.1"),
        ({"search_space": {"${lr}": {"_type": "loguniform", "_value": [0, 1]}}}, "search_space.${lr}._value.0"),
        ({"search_space": {"${lr}": {"_type": "quniform", "_value": [0, 1, 0]}}}, "search_space.${lr}._value.2"),
        ({"search_space": {"${lr}": {"_type": "randint", "_value": [0, 1.5]}}}, "search_space.${lr}._value.1"),
        ({"search_space": {"${lr}": {"_type": "randint", "_value": [3, 3]}}}, "search_space.${lr}._value.1"),
        ({"search_space": {"${lr}": {"_type": "normal", "_value": [0, -1]}}}, "search_space.${lr}._value.1"),
        ({"search_space": {"${lr}": {"_type": "choice", "_value": []}}}, "search_space.${lr}._value"),
        ({"search_space": {"${}": {"_type": "choice", "_value": [1]}}}, "search_space.${}"),
        (
            {"search_space": {"${lr}": MINIMAL["search_space"]["${lr}"], "lr": {"_type": "choice", "_value": [1]}}},
            "search_space.lr",
        ),
        ({"search_spase": {}}, "search_spase"),
    ],
)
def test_each_wrong_member_is_refused_with_its_path(sections, path):
    assert refusal(**sections).path == f"{ROOT}.{path}"


def test_an_unknown_member_is_answered_with_what_was_meant():
    assert "did you mean max_trial_number?" in refusal(yml_config={"max_trial_numbr": 5}).message


@pytest.mark.parametrize("document", [None, [], "x", {}])
def test_what_is_no_configuration_is_refused(document):
    with pytest.raises(SpecError, match=ROOT):
        pai.load(document)


@pytest.mark.parametrize(
    ("name", "sampling"),
    [
        ("TPE", Sampling("tpe")),
        ("tpe", Sampling("tpe")),
        ("Random", Sampling("random")),
        ("GridSearch", Sampling("grid")),
        ("sobol", Sampling("sobol")),
        ("Evolution", Sampling("evolution")),
        ("GP", Sampling("gp")),
    ],
)
def test_tuners_are_known_by_their_names(name, sampling):
    assert pai.load(a_configuration(yml_config={"tuner": {"name": name}})).sampling == sampling


def test_a_tuner_that_is_not_there_is_refused_with_those_that_are():
    error = refusal(yml_config={"tuner": {"name": "SMAC"}})

    assert "TPE" in error.message and "GridSearch" in error.message and "Random" in error.message


def test_the_arguments_of_tpe_keep_their_meaning():
    arguments = {"n_startup_jobs": 5, "n_ei_candidates": 3, "gamma": 0.25, "constant_liar_type": None}

    job = pai.load(a_configuration(yml_config={"tuner": {"name": "TPE", "class_args": {"tpe_args": arguments}}}))

    assert job.sampling.options == {
        "n_startup": 5,
        "n_candidates": 3,
        "gamma": 0.25,
        "rule": "sqrt",
        "constant_liar": "none",
    }


def test_the_arguments_of_gp_keep_their_meaning():
    arguments = {
        "utility": "ucb",
        "kappa": 5,
        "xi": 0,
        "nu": 2.5,
        "alpha": 1e-6,
        "cold_start_num": 10,
        "selection_num_warm_up": 500,
        "selection_num_starting_points": 250,
    }

    job = pai.load(a_configuration(yml_config={"tuner": {"name": "GP", "class_args": arguments}}))

    assert job.sampling == Sampling("gp", arguments)


def test_our_own_samplers_and_policies_are_known_by_their_names_too():
    job = pai.load(
        a_configuration(
            yml_config={
                "tuner": {"name": "evolution", "class_args": {"sample_size": 4, "seed": 3}},
                "assessor": {"name": "median_stopping", "class_args": {"delay_evaluation": 2}},
            }
        )
    )

    assert job.sampling == Sampling("evolution", {"sample_size": 4}, 3)
    assert job.policy == MedianStoppingPolicy(delay_evaluation=2)


def test_our_own_samplers_know_parameters_as_the_search_space_writes_them():
    listed, budget = (
        pai.load(a_configuration(yml_config={"tuner": {"name": name, "class_args": arguments}})).sampling.options
        for name, arguments in (
            ("experiments", {"experiments": [{"${lr}": 0.1, "batch": 16}]}),
            ("hyperband", {"resource": "${epochs}"}),
        )
    )

    assert listed == {"experiments": [{"lr": 0.1, "batch": 16}]}
    assert budget == {"resource": "epochs"}


def test_tuner_and_assessor_must_agree_on_the_direction():
    error = refusal(
        yml_config={
            "tuner": {"name": "TPE", "class_args": {"optimize_mode": "maximize"}},
            "assessor": {"name": "PAIAssessor", "class_args": {"optimize_mode": "minimize"}},
        }
    )

    assert error.path == f"{ROOT}.yml_config.assessor.class_args.optimize_mode"


@pytest.mark.parametrize("place", ["tuner", "assessor"])
def test_the_direction_may_be_said_in_one_place(place):
    said = {"name": "TPE" if place == "tuner" else "PAIAssessor", "class_args": {"optimize_mode": "Minimize"}}

    assert pai.load(a_configuration(yml_config={place: said})).objective.goal == "minimize"


def test_nnis_median_stop_is_known():
    assessor = {"name": "Medianstop", "class_args": {"start_step": 3}}

    assert pai.load(a_configuration(yml_config={"assessor": assessor})).policy == NniMedianstopPolicy(start_step=3)


def test_nnis_curve_fitting_is_known():
    assessor = {"name": "Curvefitting", "class_args": {"optimize_mode": "maximize", "epoch_num": 30, "gap": 2}}

    assert pai.load(a_configuration(yml_config={"assessor": assessor})).policy == CurveFittingPolicy(
        epoch_num=30, gap=2
    )


def test_a_curve_fitting_argument_out_of_its_bounds_is_refused_by_its_path():
    assessor = {"name": "Curvefitting", "class_args": {"threshold": 2}}

    with pytest.raises(SpecError) as refused:
        pai.load(a_configuration(yml_config={"assessor": assessor}))

    assert refused.value.path.endswith("yml_config.assessor.class_args.threshold")


def test_the_population_tuner_is_known():
    tuner = {
        "name": "PBT",
        "class_args": {"optimize_mode": "maximize", "population_size": 8, "all_checkpoint_dir": "/c"},
    }

    sampling = pai.load(a_configuration(yml_config={"tuner": tuner})).sampling

    assert (sampling.name, dict(sampling.options)) == ("pbt", {"population_size": 8, "all_checkpoint_dir": "/c"})


def test_weights_may_be_negative_and_written_as_text():
    job = pai.load(a_configuration(metric_config={"metric_dict": {"a=(.*)": "0.5", "b=(.*)": -2}}))

    assert job.objective.metrics == (Metric("a=(.*)", 0.5), Metric("b=(.*)", -2.0))


def test_metrics_may_come_by_report():
    job = pai.load(
        a_configuration(metric_config={"metric_type": "api", "metric_source": [], "metric_dict": {"auc": 1}})
    )

    assert job.readings.type == "report"


def test_a_configuration_without_a_space_is_one_trial():
    job = pai.load(a_configuration(search_space=None, platform_config={"cmd": ["train"]}))

    assert (len(job.space), job.space.size, job.sampling.name) == (0, 1, "grid")


def test_empty_sections_say_nothing():
    job = pai.load(a_configuration(schedule_config={}, monitor_config={}, output_config={}, yml_config={}))

    assert (job.schedule, job.monitor, job.command.model_path) == (None, None, None)


def test_keys_may_be_written_without_braces():
    job = pai.load(
        a_configuration(
            search_space={"lr": {"_type": "uniform", "_value": [0, 1]}, "${n}": {"_type": "randint", "_value": [1, 5]}}
        )
    )

    assert job.space == {"lr": Uniform(0, 1), "n": Randint(5, 1)}
    assert job.command.literals == {"lr": "lr"}


def test_options_with_a_name_make_a_nested_space():
    space = {
        "${model}": {
            "_type": "choice",
            "_value": [{"_name": "svm", "C": {"_type": "uniform", "_value": [0, 1]}}, {"_name": "tree"}, "none"],
        }
    }

    job = pai.load(a_configuration(search_space=space, platform_config={"cmd": ["train ${model} ${model.C}"]}))

    assert job.space["model"] == Choice([{"_name": "svm", "C": Uniform(0, 1)}, {"_name": "tree"}, "none"])


def test_errors_inside_a_nested_space_name_the_whole_path():
    space = {"m": {"_type": "choice", "_value": [{"_name": "a", "C": {"_type": "uniform", "_value": [1, 0]}}]}}

    assert refusal(search_space=space).path == f"{ROOT}.search_space.m._value.0.C._value.1"


@pytest.mark.parametrize(
    ("kind", "value", "samples"),
    [
        ("randint", [1, 4], [1, 2, 3]),
        ("quniform", [2, 10, 5], [2.0, 5.0, 10.0]),
        ("qloguniform", [1, 100, 50], [1.0, 50.0, 100.0]),
        ("choice", ["a", 1, None], ["a", 1, None]),
    ],
)
def test_values_are_what_the_vendor_says(kind, value, samples):
    job = pai.load(a_configuration(search_space={"${lr}": {"_type": kind, "_value": value}}))
    seen = {repr(job.space["lr"].sample(step / 1000)): None for step in range(1000)}

    assert sorted(seen) == sorted(map(repr, samples))


def test_the_bounds_of_log_types_are_values():
    lr = pai.load(MINIMAL).space["lr"]

    assert (lr.sample(0.0), lr.sample(0.5)) == (0.0001, pytest.approx(0.00316227766))


def test_an_unknown_day_is_told_with_the_days_there_are():
    with pytest.raises(SpecError) as refused:
        pai.load(a_configuration(schedule_config={"day": "someday"}))

    assert refused.value.message.endswith("saturday, sunday, got 'someday'")
