"""What PAI's answers say about experiments and trials, from plain data."""

import json

import pytest

from tunebook import ExperimentStatus, TrialStatus
from tunebook.wire import pai


def test_parameters_are_told_with_the_keys_of_the_submitted_space():
    params = {"centerCount": 5, "kind": "cityblock", "model": {"_name": "svm", "C": 0.5}}

    told = json.loads(pai.hyperparam(params, {"kind": "kind", "model.C": "${C}"}))

    assert told == {"${centerCount}": 5, "kind": "cityblock", "${model}": {"_name": "svm", "${C}": 0.5}}
    assert pai.unwrap_params(told) == params


def test_measurements_are_told_in_order_and_the_final_one_last():
    told = json.loads(pai.metric([(0.5, {"vrc": 0.5}), (0.75, {"vrc": 0.75})], final=0.75))

    assert told == [
        {"default": 0.5, "vrc": 0.5, "type": "PERIODICAL"},
        {"default": 0.75, "vrc": 0.75, "type": "PERIODICAL"},
        {"default": 0.75, "vrc": 0.75, "type": "FINAL"},
    ]


def test_a_measurement_without_all_its_metrics_has_no_default():
    assert json.loads(pai.metric([(None, {"a": 1.0})])) == [{"a": 1.0, "type": "PERIODICAL"}]


def test_what_is_not_finite_is_told_in_words_so_that_the_text_is_json():
    told = json.loads(pai.metric([(float("nan"), {"a": float("inf"), "b": float("-inf")})]), parse_constant=pytest.fail)

    assert told == [{"default": "NaN", "a": "Infinity", "b": "-Infinity", "type": "PERIODICAL"}]


def test_no_measurements_are_an_empty_list():
    assert pai.metric([]) == "[]"


def test_the_final_metric_is_the_number_as_text():
    assert (pai.final_metric(9999.2), pai.final_metric(None)) == ("9999.2", "")


def test_the_ids_are_told_as_the_back_end_has_them():
    assert json.loads(pai.job_meta("sORVEck", "mf99W4", 3)) == {
        "nni_trial_id": "mf99W4",
        "nni_exp_id": "sORVEck",
        "nni_trial_sequence_id": 3,
    }


@pytest.mark.parametrize("status", list(TrialStatus))
def test_every_trial_status_has_a_documented_word_that_is_understood(status):
    word = pai.trial_status(status)

    assert word in {
        "UNKNOWN", "RUNNING", "WAITING", "EARLY_STOPPED", "SUCCEEDED", "FAILED", "USER_CANCELED", "SYS_CANCELED",
    }  # fmt: skip
    assert status in (pai.trial_statuses(word) or ())


@pytest.mark.parametrize("status", list(ExperimentStatus))
def test_every_experiment_status_is_its_own_word(status):
    assert pai.experiment_status(status) == status
    assert pai.experiment_statuses(status.lower()) == {status}


def test_a_trial_that_is_only_created_is_told_as_waiting():
    assert pai.trial_status("CREATED") == "WAITING"
    assert pai.trial_statuses("WAITING") == {TrialStatus.CREATED, TrialStatus.WAITING}


@pytest.mark.parametrize("word", ["SUCCEEDED", "finished"])
def test_both_words_for_success_are_understood(word):
    assert pai.trial_statuses(word) == {TrialStatus.FINISHED}


def test_an_experiment_that_has_to_stop_is_terminating_until_it_has():
    assert pai.experiment_status("RUNNING", "stop") == "TERMINATING"
    assert pai.experiment_status("USER_CANCELED", "stop") == "USER_CANCELED"
    assert ExperimentStatus.RUNNING in (pai.experiment_statuses("TERMINATING") or ())


@pytest.mark.parametrize("word", ["", "DONE", "SUCCEEDED"])
def test_words_of_others_stand_for_no_experiment_status(word):
    assert pai.experiment_statuses(word) is None


@pytest.mark.parametrize("final", [None, 0.25, float("inf")])
@pytest.mark.parametrize("values", [[], [0.5], [1e-9, 3.0, 12345678.9]])
def test_one_metric_alone_is_written_as_any_others(values, final):
    write = pai.single_metric('loss "x"')

    written = write([json.dumps(value) for value in values], final)

    measured = [(value, {'loss "x"': value}) for value in values]
    assert json.loads(written) == json.loads(pai.metric(measured, final))
