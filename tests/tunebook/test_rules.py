"""What failures have in common, and when nothing should be said."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from tunebook.rules import Condition, kind_of, rule


def many(count: int, seed: int = 1) -> list[dict[str, object]]:
    draw = random.Random(seed)
    return [
        {"batch_size": draw.choice([64, 128, 256, 512, 1024]), "lr": draw.random(), "kind": draw.choice("abc")}
        for _ in range(count)
    ]


def test_a_threshold_that_parts_failures_is_found_with_its_support():
    tried = many(120)
    failed = [one for index, one in enumerate(tried) if one["batch_size"] >= 512 and index % 3]
    fine = [one for one in tried if one not in failed]

    found = rule(failed, fine)

    assert found is not None
    assert str(found) == "batch_size ≥ 512"
    assert (found.inside, found.members) == (len(failed), len(failed))
    assert found.tried == sum(one["batch_size"] >= 512 for one in tried)
    assert found.total == 120
    assert found.chance < 0.001


def test_not_every_failure_need_meet_it():
    failed = [{"b": 512}] * 9 + [{"b": 64}] * 2
    fine = [{"b": 64}] * 60 + [{"b": 512}] * 5

    found = rule(failed, fine)

    assert found is not None
    assert (str(found), found.inside, found.members, found.tried) == ("b ≥ 512", 9, 11, 14)


def test_a_choice_can_be_what_they_share():
    failed = [{"kind": "b", "x": place / 10} for place in range(6)]
    fine = [{"kind": "ac"[place % 2], "x": place / 60} for place in range(60)]

    assert str(rule(failed, fine)) == "kind is b"


def test_a_second_condition_is_told_where_it_makes_the_group_much_purer():
    tried = many(200)
    failed = [one for one in tried if one["batch_size"] >= 512 and one["kind"] == "a"]
    fine = [one for one in tried if one not in failed]

    found = rule(failed, fine)

    assert found is not None
    assert {one.name for one in found.conditions} == {"batch_size", "kind"}
    assert found.inside == found.tried == len(failed)


@pytest.mark.parametrize("seed", range(20))
def test_failures_by_chance_have_nothing_in_common(seed: int):
    tried = many(100, seed)
    random.Random(seed).shuffle(tried)

    found = rule(tried[:10], tried[10:])

    assert found is None or found.chance > 0.001


def test_two_failures_or_no_others_are_too_few():
    assert rule([{"b": 1}] * 2, [{"b": 0}] * 50) is None
    assert rule([{"b": 1}] * 10, []) is None


def test_parameters_that_are_not_there_meet_nothing():
    assert not Condition("model.C", ">=", 0.0).holds({"model": "bayes"})
    assert not Condition("b", ">=", 1).holds({"b": "text"})
    assert Condition("flag", "=", True).holds({"flag": True})


def test_reasons_are_one_kind_when_only_numbers_differ():
    assert kind_of("exit code 1: tried 525 MiB at 0x7fa") == kind_of("exit code 1: tried 9.5e3 MiB at 0x12")
    assert kind_of("exit code 1") != kind_of("killed")


def test_findings_are_worked_out_by_a_program():
    asked = {
        "space": {"x": {"type": "uniform", "min_value": 0.0, "max_value": 1.0}},
        "objective": {"goal": "minimize", "metrics": [{"name": "loss"}], "mode": "final", "target": None},
        "results": [[{"x": place / 40}, place / 40] for place in range(20)],
        "failed": [[50 + place, {"x": 0.9 + place / 100}, f"exit code {place}"] for place in range(5)],
    }

    program = subprocess.run(
        [sys.executable, "-m", "tunebook.findings"], input=json.dumps(asked), capture_output=True, text=True, check=True
    )

    found = json.loads(program.stdout)
    assert found["importance"]["shares"][0]["name"] == "x"
    assert [(one["number"], one["latest"], one["rule"]["text"]) for one in found["failures"]] == [(5, 54, "x ≥ 0.9")]
