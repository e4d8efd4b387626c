"""Whoever may change nothing changes nothing by a page's form, also with one in which everything is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern

from apps.dashboard.urls import urlpatterns
from apps.experiments.models import Experiment
from apps.sharing.models import AccessRequest
from apps.tuning import discussion, hooks, shelf, trash
from apps.tuning import sharing as sharing_verbs
from apps.workspaces.access import Actor
from apps.workspaces.models import IssuedKey, Workspace
from tests.dashboard.trials import with_trials
from tests.dialects.operations import contents

pytestmark = pytest.mark.django_db
W, E = "/w/lab/", "/w/lab/e/{key}/"
Form = tuple[str, str, dict[str, Any]]
# The address's name, what is sent to, and the form.
FORMS: list[Form] = [
    *(("act", f"{W}act", {"act": name, "key": "{key}", "tags": "a=b"}) for name in ("tag", "pause", "stop", "trash")),
    ("act", f"{W}act", {"act": "archive", "key": "{ended}"}),
    ("act", f"{W}act", {"one": "restore:{trashed}"}),
    ("act", f"{W}act", {"one": "purge:{trashed}"}),
    ("views", f"{W}views", {"name": "new", "query": "", "shared": "on"}),
    ("view", f"{W}views/{{view}}", {"do": "rename", "name": "new"}),
    ("view", f"{W}views/{{view}}", {"do": "keep"}),
    ("view", f"{W}views/{{view}}", {"do": "drop"}),
    ("queue", f"{E}queue", {"x": "0.5"}),
    ("write", f"{E}write", {"act": "note", "text": "new"}),
    ("write", f"{E}write", {"act": "say", "text": "new"}),
    ("write", f"{E}write", {"act": "change", "comment": "{comment}", "text": "new"}),
    ("write", f"{E}write", {"act": "delete", "comment": "{comment}"}),
    ("trial-write", f"{E}t/0/write", {"act": "say", "text": "new"}),
    ("share", f"{E}share", {"days": "7", "name": "new"}),
    ("share", f"{E}share", {"act": "close", "link": "{link}"}),
    *(("experiment-act", f"{E}act", {"act": name}) for name in ("pause", "drain", "stop", "trash", "restart-failed")),
    ("experiment-act", "/w/lab/e/{ended}/act", {"act": "reopen", "max_trials": "50"}),
    ("experiment-act", "/w/lab/e/{trashed}/act", {"act": "restore"}),
    ("experiment-act", "/w/lab/e/{trashed}/act", {"act": "purge", "typed": "in the trash"}),
    ("experiment-act", f"{E}act", {"act": "exclude-trials", "trial": "{finished}"}),
    ("experiment-act", f"{E}act", {"act": "stop-trials", "trial": "{running}"}),
    ("experiment-act", f"{E}act", {"act": "restart-trials", "trial": "{failed}"}),
    ("trial-act", f"{E}t/2/act", {"act": "stop"}),
    ("trial-act", f"{E}t/1/act", {"act": "restart"}),
    ("trial-act", f"{E}t/0/act", {"act": "exclude"}),
    (
        "experiment-tab",
        f"{E}settings",
        {"form": "settings", "name": "new", "accessibility": "PUBLIC", "version": "{version}"},
    ),
    (
        "experiment-tab",
        f"{E}settings",
        {"form": "limits", "max_trials": "50", "max_concurrent": "2", "version": "{version}"},
    ),
    ("new", f"{W}new", {"do": "save-draft", "name": "new"}),
    ("settings", f"{W}settings/general", {"name": "new"}),
    ("settings", f"{W}settings/members", {"act": "admit", "username": "ben", "role": "member"}),
    ("settings", f"{W}settings/members", {"act": "remove", "username": "ben"}),
    ("settings", f"{W}settings/members", {"act": "invite", "role": "viewer"}),
    ("settings", f"{W}settings/members", {"act": "withdraw", "invitation": "{invitation}"}),
    ("settings", f"{W}settings/members", {"act": "accept", "request": "{request}", "role": "viewer"}),
    ("settings", f"{W}settings/members", {"act": "decline", "request": "{request}"}),
    ("settings", f"{W}settings/keys", {"act": "make", "role": "member", "days": "90"}),
    ("settings", f"{W}settings/keys", {"act": "revoke", "key": "{access_key}"}),
    ("settings", f"{W}settings/connect", {}),
    ("settings", f"{W}settings/webhooks", {"act": "add", "url": "https://example.org/x", "kinds": "experiment.best"}),
    ("settings", f"{W}settings/webhooks", {"act": "pause", "webhook": "{webhook}"}),
    ("settings", f"{W}settings/webhooks", {"act": "remove", "webhook": "{webhook}"}),
]
FOR_EVERYBODY = {
    "logout",
    "login",
    "setup",
    "join",
    "ask",
    "appearance",
    "me",
    "sign-out-others",
    "compare",
    "import",
}
"""Of oneself, without an account, or tried with their own tests."""


@pytest.fixture
def names(
    make_experiment: Callable[..., Experiment],
    actor_ada: Actor,
    workspace: Workspace,
    ben: User,
    key_ada: IssuedKey,
) -> dict[str, str]:
    """Of everything that the forms name one, made by ada."""
    experiment, ended, trashed = make_experiment(), make_experiment(), make_experiment(name="in the trash")
    trials = with_trials(experiment, "FINISHED", "FAILED", "RUNNING")
    Experiment.objects.filter(pk=ended.pk).update(status="FINISHED", ended=ended.created)
    trash.delete(actor_ada, trashed)
    view = shelf.save_view(actor_ada, workspace, name="there", query="", shared=True)
    hook, _ = hooks.add_webhook(actor_ada, workspace, url="https://example.org/", kinds=["experiment.best"])
    invitation, _ = sharing_verbs.invite(actor_ada, workspace, role="viewer", days=7)
    dan = User.objects.create_user("dan")
    asked = AccessRequest.objects.create(slug="lab", user=dan, role="viewer")
    link, _ = sharing_verbs.share(actor_ada, experiment, days=7)
    return {
        "key": experiment.key,
        "version": str(experiment.version),
        "ended": ended.key,
        "trashed": trashed.key,
        "finished": trials[0].key,
        "failed": trials[1].key,
        "running": trials[2].key,
        "view": str(view.pk),
        "comment": str(discussion.comment(actor_ada, experiment, "hello").pk),
        "link": str(link.pk),
        "invitation": str(invitation.pk),
        "request": str(asked.pk),
        "access_key": key_ada.access_key_id,
        "webhook": str(hook.pk),
    }


def send(client: Client, names: dict[str, str], form: Form) -> Any:
    _, path, fields = form
    return client.post(path.format(**names), {name: str(value).format(**names) for name, value in fields.items()})


def signed_in(user: User, *, checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks)
    client.force_login(user)
    session = client.session
    session["begun"] = 2**40
    session.save()
    return client


def test_every_address_that_takes_forms_is_tried_here() -> None:
    tried = {name for name, _, _ in FORMS} | FOR_EVERYBODY
    client = Client()

    untried = [
        one.name
        for one in urlpatterns
        if isinstance(one, URLPattern)
        and one.name
        and one.name not in tried
        and client.post("/" + re.sub("<[^>]*>", "0", str(one.pattern))).status_code != 405
    ]

    assert untried == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]} {' '.join(map(str, form[2].values()))}"[:60])
def test_only_who_may_change_something_changes_it(
    names: dict[str, str], ada: User, ben: User, cleo: User, form: Form
) -> None:
    before = contents()
    forger = signed_in(ada, checks=True)

    statuses = [send(client, names, form).status_code for client in (Client(), signed_in(ben), signed_in(cleo), forger)]
    after = contents()
    done = send(signed_in(ada), names, form)

    # what a viewer may not know of is not there; the card of links says on its own page that it shared nothing
    assert statuses == [302, {"revoke": 404}.get(form[2].get("act", ""), 302 if form[0] == "share" else 403), 404, 403]
    assert after == before
    assert done.status_code in (200, 302), done.content
    assert contents() != before
