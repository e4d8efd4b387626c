"""Whoever may not changes nothing and learns nothing by the native API or ours, with requests in which nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction

from apps.experiments.models import Experiment
from apps.tuning import experiments, shelf, trash
from apps.workspaces.access import Actor
from apps.workspaces.models import IssuedKey, Key, Member, Role, Workspace
from tests.dashboard.trials import with_trials
from tests.dialects.addresses import CHANGING
from tests.dialects.operations import contents
from tests.dialects.permits import (
    ASKED_BY_POST,
    CHANGES,
    MISSING,
    NATIVE,
    TOKEN,
    Call,
    World,
    call,
    found,
    names_of,
    populated,
    readings,
)
from tests.people import a_job

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]
READINGS = readings()
OF_TRIALS = {address: one for address, one in CHANGES.items() if one.needs == "attempt"}
OF_PEOPLE = {address: one for address, one in CHANGES.items() if one.needs != "attempt"}
OF_EXPERIMENTS = {
    address: one for address, one in (OF_PEOPLE | READINGS).items() if {"key", "experiment"} & set(names_of(address))
}
RANKS = ("viewer", "member", "admin")
MANAGED = {"GET experiments/{key}/links": "member"} | {
    f"GET workspaces/{{slug}}/{what}": "admin"
    for what in ("invitations", "requests", "webhooks", "webhooks/{webhook_id}/deliveries", "audit")
}
"""What not every member may read, with the role that may."""
NO_TEXT: tuple[str, ...] = ("request_id", "RequestId", "cursor")


@pytest.fixture
def world(
    make_experiment: Make, actor_ada: Actor, key_ada: IssuedKey, ben: User, dora: User, tmp_path: Path, settings: Any
) -> World:
    settings.TUNEBOOK_DATA = tmp_path
    return populated(make_experiment, actor_ada, key_ada, tmp_path)


@pytest.fixture
def dora(workspace: Workspace) -> User:
    """A member, who may change what is not hers, but manage nothing."""
    user = User.objects.create_user("dora")
    Member.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def key_dora(dora: User, workspace: Workspace) -> IssuedKey:
    return Key.objects.issue(user=dora, workspace=workspace, role=Role.ADMIN)


@pytest.fixture
def outsiders(ada: User, workspace: Workspace, strangers: dict[str, str | None]) -> dict[str, str | None]:
    """Tokens of those who have no business in the lab, whatever they may elsewhere."""
    issue = Key.objects.issue
    other = Workspace.objects.create(slug="other", name="Another one of ada's")
    Member.objects.create(workspace=other, user=ada, role=Role.ADMIN)
    left, asleep = User.objects.create_user("eve"), User.objects.create_user("finn", is_active=False)
    Member.objects.create(workspace=workspace, user=asleep, role=Role.ADMIN)
    return {
        **{who: token for who, token in strangers.items() if who not in ("a viewer", "a key that only reads")},
        "a wrong token": "tb_nonsense",
        "an attempt": TOKEN,
        "ada's key of another workspace": issue(user=ada, workspace=other, role="admin").token,
        "who is no member any more": issue(user=left, workspace=workspace, role="admin").token,
        "who may not sign in any more": issue(user=asleep, workspace=workspace, role="admin").token,
    }


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refusal(answer: Any) -> tuple[int, str]:
    """(status, word) of an answer that has to be an error in its dialect's envelope, whole."""
    if answer.status_code < 400:
        return answer.status_code, ""
    document = answer.json()
    if "error" in document:
        assert set(document) == {"error"} and set(document["error"]) == {"code", "message", "field", "request_id"}
        return answer.status_code, document["error"]["code"]
    more = {"AccessDeniedDetail"} if answer.status_code == 403 else set()
    assert set(document) == {"RequestId", "Code", "Message"} | more
    return answer.status_code, document["Code"]


def is_native(address: str) -> bool:
    return address.partition(" ")[2].startswith(NATIVE)


def not_there(address: str) -> tuple[int, str]:
    return (404, "INVALID_USER_OR_EXP") if is_native(address) else (404, "not_found")


def forbidden(address: str) -> tuple[int, str]:
    return (403, "NoPermission") if is_native(address) else (403, "not_allowed")


def unknown(address: str) -> set[tuple[int, str]]:
    """How one who is nobody is answered."""
    if is_native(address):
        return {(400, "MissingParameter"), (404, "InvalidAccessKeyId.NotFound")}
    return {(401, "unauthenticated")}


def text_of(answer: Any) -> str:
    """What an answer says, without what differs from answer to answer."""
    try:
        document = json.loads(answer.said)
    except ValueError:
        return str(answer.said)
    return json.dumps(without(document), sort_keys=True)


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without(one) for name, one in value.items() if name not in NO_TEXT}
    return [without(one) for one in value] if isinstance(value, list) else value


def looks_like_nothing(world: World, token: str, address: str, one: Call) -> list[Any]:
    """What tells the thing that the address names from one that there is not; nothing, as it has to be."""
    names = {**world.names, **{name: world.names[known] for name, known in one.names.items()}}
    nothing = dict.fromkeys((*names_of(address), "key", "experiment", "slug"), "nothing")
    numbers = {name: str(MISSING) for name in names_of(address) if name == "number" or name.endswith("_id")}
    keys = {name: names[name] for name in (*names_of(address), "key") if name not in numbers}

    hidden = world.send(token, address, one)
    missing = world.send(token, address, one, **{**nothing, **numbers, "access_key_id": "nothing"})

    said = text_of(hidden)
    for known in sorted(keys.values(), key=len, reverse=True):
        said = said.replace(known, "nothing")
    if refusal(hidden) == refusal(missing) == not_there(address) and said == text_of(missing):
        return []
    return [(address, refusal(hidden), refusal(missing), said, text_of(missing))]


def test_every_address_is_tried_here() -> None:
    known = set(CHANGES) | set(ASKED_BY_POST)

    assert found(lambda method: method in CHANGING) == known


@pytest.mark.parametrize("role", RANKS)
def test_each_change_needs_its_role(
    world: World, key_ada: IssuedKey, key_ben: IssuedKey, key_dora: IssuedKey, role: str
) -> None:
    tokens = {"viewer": key_ben.token, "member": key_dora.token, "admin": key_ada.token}
    before = world.contents()
    wrong = []

    for address, one in OF_PEOPLE.items():
        may = RANKS.index(role) >= RANKS.index(one.needs)
        with undone() if may else nullcontext():
            answer = world.send(tokens[role], address, one)
            changes = contents() if role == "admin" else {}
        if may != (answer.status_code < 300) or (changes.items() <= before.items() and role == "admin"):
            wrong.append((address, answer.status_code, answer.said[:200]))
        elif not may and refusal(answer) not in (forbidden(address), not_there(address)):
            wrong.append((address, refusal(answer)))

    assert wrong == []
    assert contents().items() <= before.items()


def test_a_key_that_only_reads_changes_nothing_of_its_owners(world: World, strangers: dict[str, str | None]) -> None:
    before = world.contents()
    wrong = []

    for address, one in OF_PEOPLE.items():
        if one.needs != "viewer":
            got = refusal(world.send(strangers["a key that only reads"], address, one))
            if got != forbidden(address):
                wrong.append((address, got))

    assert wrong == []
    assert world.contents() == before


def test_who_has_no_business_there_changes_nothing(world: World, outsiders: dict[str, str | None]) -> None:
    before = world.contents()
    wrong = []

    for who, token in outsiders.items():
        for address, one in OF_PEOPLE.items():
            cache.clear()
            got = refusal(world.send(token, address, one))
            if got not in unknown(address) | {not_there(address)}:
                wrong.append((who, address, got))
        if world.contents() != before:
            wrong.append((who, "changed something", ()))
            before = world.contents()

    assert wrong == []


def test_only_a_trial_speaks_for_itself(
    world: World, key_ada: IssuedKey, key_dora: IssuedKey, outsiders: dict[str, str | None]
) -> None:
    del outsiders["an attempt"]
    before = world.contents()

    answers = {
        (who, address): refusal(world.send(token, address, one))
        for who, token in {**outsiders, "ada": key_ada.token, "dora": key_dora.token}.items()
        for address, one in OF_TRIALS.items()
    }
    after = world.contents()

    assert set(answers.values()) == {(401, "unauthenticated")}
    assert after == before
    for address, one in OF_TRIALS.items():
        assert world.send(TOKEN, address, one).status_code < 300, address
        assert world.contents() != before
        before = world.contents()


@pytest.mark.parametrize("who", ["dora", "ben"])
def test_what_is_private_looks_like_nothing(world: World, key_dora: IssuedKey, key_ben: IssuedKey, who: str) -> None:
    Experiment.objects.update(accessibility="PRIVATE")
    token = {"dora": key_dora, "ben": key_ben}[who].token
    before = world.contents()

    wrong = [what for address, one in OF_EXPERIMENTS.items() for what in looks_like_nothing(world, token, address, one)]

    assert wrong == []
    assert world.contents() == before


@pytest.mark.parametrize("who", ["an admin elsewhere", "ada's key of another workspace", "who is no member any more"])
def test_what_is_elsewhere_looks_like_nothing(world: World, outsiders: dict[str, str | None], who: str) -> None:
    before = world.contents()
    of_an_object = {address: one for address, one in (OF_PEOPLE | READINGS).items() if "{" in address}

    wrong = [
        what
        for address, one in of_an_object.items()
        for what in looks_like_nothing(world, str(outsiders[who]), address, one)
    ]

    assert wrong == []
    assert world.contents() == before


def test_what_is_in_the_trash_is_only_restored_or_deleted(world: World, key_ada: IssuedKey) -> None:
    Experiment.objects.update(trashed=True)
    before = world.contents()
    others = {address: one for address, one in OF_EXPERIMENTS.items() if one.names.get("key") != "trashed"}

    wrong = [what for address, one in others.items() for what in looks_like_nothing(world, key_ada.token, address, one)]

    assert len(others) == len(OF_EXPERIMENTS) - 2
    assert wrong == []
    assert world.contents() == before


def test_what_was_deleted_for_good_is_nothing_also_while_its_rows_are_there(
    world: World, key_ada: IssuedKey, actor_ada: Actor
) -> None:
    Experiment.objects.update(trashed=True, status="FINISHED")
    for row in Experiment.objects.all():
        Experiment.objects.filter(pk=row.pk).update(ended=row.created)
        trash.discard(actor_ada, experiments.find(actor_ada, row.key, trashed=True))
    before = world.contents()

    wrong = [
        what
        for address, one in OF_EXPERIMENTS.items()
        for what in looks_like_nothing(world, key_ada.token, address, one)
    ]

    assert wrong == []
    assert world.contents() == before


def test_a_number_of_elsewhere_is_nothing_under_ones_own_address(
    world: World, actor_cleo: Actor, key_cleo: IssuedKey
) -> None:
    elsewhere = Workspace.objects.get(slug="elsewhere")
    own = experiments.create(actor_cleo, a_job(), workspace=elsewhere)
    own_trial = with_trials(own, "FINISHED", attempt_count=1)[0]
    Experiment.objects.filter(pk=own.pk).update(status="FINISHED", ended=own.created)
    mine = {"key": own.key, "experiment": own.key, "slug": "elsewhere", "number": str(own_trial.number)}
    nested = {
        address: one
        for address, one in (CHANGES | READINGS).items()
        if {"trial", "comment_id", "link_id", "username", "invitation_id", "request_id", "webhook_id", "access_key_id"}
        & set(names_of(address))
        or "view" in one.names.values()
    }
    before = world.contents()

    answers = {
        address: refusal(
            world.send(key_cleo.token, address, one, **{**mine, "number": world.names[one.names.get("number", "view")]})
        )
        for address, one in nested.items()
    }

    assert answers == {address: not_there(address) for address in nested}
    assert world.contents() == before


def test_trials_of_elsewhere_are_neither_stopped_nor_started_again(
    world: World, actor_cleo: Actor, key_cleo: IssuedKey
) -> None:
    own = experiments.create(actor_cleo, a_job(), workspace=Workspace.objects.get(slug="elsewhere"))
    before = world.contents()

    stopped, started = (
        world.send(key_cleo.token, address, CHANGES[address], experiment=own.key)
        for address in CHANGES
        if address.endswith("_trials") and is_native(address)
    )

    assert stopped.status_code == 404
    assert "successfully" not in started.said.decode()
    assert world.contents() == before


WARM = a_job().to_dict()
ELSEWHERE: dict[str, tuple[str, Any]] = {
    "moved to the lab": ("PATCH experiments/{key}", {"workspace": "lab"}),
    "moved to the lab, natively": ("PUT v1/hpo/experiment/{experiment}/update", {"WorkspaceId": "lab"}),
    "started warm": (
        "POST experiments",
        {"name": "new", "job": {**WARM, "sampling": {**WARM["sampling"], "warm_start": ["{ended}"]}}},
    ),
    "with code": (
        "POST experiments",
        {"name": "new", "job": {**WARM, "command": {**WARM["command"], "code": "{code}"}}},
    ),
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_document_reaches_nothing_of_elsewhere(
    world: World, actor_cleo: Actor, key_ada: IssuedKey, key_cleo: IssuedKey, what: str
) -> None:
    own = experiments.create(actor_cleo, a_job(), workspace=Workspace.objects.get(slug="elsewhere"))
    address, body = ELSEWHERE[what]
    world.names["code"] = world.send(key_ada.token, "POST code", CHANGES["POST code"]).json()["key"]
    names = {"key": own.key, "experiment": own.key}
    if "job" in body:
        done = world.send(key_ada.token, address, call("member", body))
        assert done.status_code == 201, done.content
    before = world.contents()

    there = world.send(key_cleo.token, address, call("member", body), **names)
    nowhere = world.send(
        key_cleo.token,
        address,
        call("member", json.loads(json.dumps(body).replace("lab", "nothing"))),
        **{**names, "ended": "nothing", "code": "nothing"},
    )

    assert there.status_code in (404, 422)
    assert refusal(there) == refusal(nowhere)
    said = text_of(there).replace("lab", "nothing")
    for name in ("ended", "code"):
        said = said.replace(world.names[name], "nothing")
    assert said == text_of(nowhere)
    assert world.contents() == before


@pytest.mark.parametrize(
    "who", ["nobody", "a wrong token", "an expired key", "a revoked key", "an attempt", "who may not sign in any more"]
)
def test_nobody_reads_anything(world: World, outsiders: dict[str, str | None], who: str) -> None:
    answers = {address: refusal(world.send(outsiders[who], address, one)) for address, one in READINGS.items()}

    assert {address: got for address, got in answers.items() if got not in unknown(address)} == {}


def test_everything_is_there_for_who_may_read_it(
    world: World, key_ada: IssuedKey, key_ben: IssuedKey, key_dora: IssuedKey
) -> None:
    people = {"admin": key_ada.token, "member": key_dora.token, "viewer": key_ben.token}
    wrong = [
        (role, address, got)
        for role, token in people.items()
        for address, one in READINGS.items()
        for got in [refusal(world.send(token, address, one))]
        if (got[0] == 200) != (RANKS.index(role) >= RANKS.index(MANAGED.get(address, "viewer")))
        or got not in ((200, ""), forbidden(address))
    ]

    assert wrong == []


LISTS: dict[str, tuple[str, ...]] = {
    "GET v1/hpo/experiments": ("", "IncludeConfigData=True", "Name=hidden", "Status=WAITING", "WorkspaceId=lab"),
    "GET experiments": (
        "",
        "trashed=true",
        "word=hidden",
        "name=hidden",
        "key={key}",
        "query=hidden",
        "status=WAITING",
    ),
    "GET events": ("stream=ws:lab",),
    "GET query-words": (
        "workspace=lab&text=name:",
        "workspace=lab&text=tag:",
        "workspace=lab&text=key:",
        "text=param.",
    ),
    "GET workspaces/{slug}/export": ("", "format=json", "query=hidden"),
}
"""With what else is asked of these than nothing."""


def test_what_is_private_is_in_no_list_and_no_count(
    make_experiment: Make,
    workspace: Workspace,
    actor_ada: Actor,
    key_ada: IssuedKey,
    key_cleo: IssuedKey,
    key_ben: IssuedKey,
    key_dora: IssuedKey,
    tmp_path: Path,
    settings: Any,
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    shown = make_experiment(name="shown", tags=[("shown", "1")])
    with_trials(shown, "FINISHED", attempt_count=1)
    lists = {address: one for address, one in READINGS.items() if address not in OF_EXPERIMENTS}
    tokens = {"ben": key_ben.token, "dora": key_dora.token, "cleo": key_cleo.token}
    nothing = World({"key": "nothing", "slug": "lab", "ended": "nothing", "webhook_id": str(MISSING)}, tmp_path)

    def answers(keys: dict[str, str]) -> dict[Any, str]:
        world = World({**nothing.names, **keys}, tmp_path)
        asked = [
            (who, address, query)
            for who in tokens
            for address, one in lists.items()
            for query in LISTS.get(address, (one.query,))
        ]
        got = {
            (who, address, query): text_of(world.send(tokens[who], address, Call("viewer", lists[address].body, query)))
            for who, address, query in asked
        }
        return {asked: said.replace(keys.get("key", "nothing"), "nothing") for asked, said in got.items()}

    before = answers({})
    hidden = make_experiment(name="hidden", accessibility="PRIVATE", tags=[("hidden", "1")])
    with_trials(hidden, "FINISHED", "RUNNING", "FAILED", attempt_count=1)
    in_trash = make_experiment(name="hidden in the trash", accessibility="PRIVATE", tags=[("hidden", "2")])
    trash.delete(actor_ada, in_trash)
    shelf.save_view(actor_ada, workspace, name="hidden", query="")
    after = answers({"key": hidden.key, "ended": hidden.key})

    assert {asked: (was, after[asked]) for asked, was in before.items() if after[asked] != was} == {}
