"""Every change and every reading of the native API and of our own, of things that are there, and a world that has them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.artifacts import artifacts
from apps.experiments.models import Experiment
from apps.sharing.models import AccessRequest
from apps.trials.models import Attempt, Trial
from apps.tuning import discussion, hooks, sharing, shelf, trash
from apps.workspaces.access import Actor
from apps.workspaces.models import IssuedKey, Key, Workspace, hash_token
from tests.dashboard.trials import with_trials
from tests.dialects.addresses import CHANGING, addresses
from tests.dialects.operations import contents
from tests.dialects.pai.documents import a_configuration
from tests.people import a_job
from tests.tuning.test_transfer import a_document
from tunebook import mirror

NATIVE = "v1/hpo/"
TOKEN = "tba_of_a_trial_that_runs"
MISSING = 999_999
"""A number that nothing has here."""
TELLING = {"key", "experiment", "slug"}
"""What an address names first; whoever does not reach that is told of nothing behind it."""


def packed(name: str, content: bytes) -> bytes:
    """A tar with one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


@dataclass(frozen=True)
class Call:
    """What is sent to an address, and the least role that may; names are those of the world, in braces in the body."""

    needs: str
    body: Any = None
    query: str = ""
    names: dict[str, str] = field(default_factory=dict)


def call(needs: str, body: Any = None, query: str = "", **names: str) -> Call:
    return Call(needs, body, query, names)


SPACE = a_job().space.to_dict()
CHANGES: dict[str, Call] = {
    "POST v1/hpo/experiment": call(
        "member", {"Name": "new", "WorkspaceId": "lab", "HpoExperimentConfiguration": a_configuration()}
    ),
    "PUT v1/hpo/experiment/{experiment}/update": call("member", {"Name": "new"}),
    "PUT v1/hpo/experiment/{experiment}/stop": call("member"),
    "PUT v1/hpo/experiment/{experiment}/delete": call("member"),
    "PUT v1/hpo/experiment/{experiment}/stop_trials": call("member", {"TrialIds": ["{running}"]}),
    "PUT v1/hpo/experiment/{experiment}/restart_trials": call("member", {"TrialIds": ["{failed}"]}),
    "POST experiments": call("member", {"name": "new", "workspace": "lab", "job": a_job().to_dict()}),
    "POST experiments/import": call("member", {"workspace": "lab", "document": a_document()}),
    "PATCH experiments/{key}": call("member", {"name": "new"}),
    "DELETE experiments/{key}": call("member"),
    "POST experiments/{key}/stop": call("member"),
    "POST experiments/{key}/pause": call("member"),
    "POST experiments/{key}/resume": call("member", key="waits"),
    "POST experiments/{key}/drain": call("member"),
    "POST experiments/{key}/reopen": call("member", {"max_trials": 500}, key="ended"),
    "POST experiments/{key}/restore": call("member", key="trashed"),
    "POST experiments/{key}/purge": call("admin", key="trashed"),
    "PUT experiments/{key}/note": call("member", {"text": "new"}),
    "POST experiments/{key}/comments": call("member", {"text": "new"}),
    "PATCH experiments/{key}/comments/{comment_id}": call("admin", {"text": "new"}),
    "DELETE experiments/{key}/comments/{comment_id}": call("admin"),
    "POST experiments/{key}/links": call("member", {"days": 7}),
    "DELETE experiments/{key}/links/{link_id}": call("admin"),
    "PATCH experiments/{key}/limits": call("member", {"max_trials": 500}),
    "PUT experiments/{key}/archive": call("member", key="ended"),
    "DELETE experiments/{key}/archive": call("member", key="archived"),
    "PUT experiments/{key}/star": call("viewer"),
    "DELETE experiments/{key}/star": call("viewer", key="starred"),
    "POST experiments/{key}/restart-failed": call("member"),
    "PUT experiments/{key}/space": call("member", {"space": {**SPACE, "y": SPACE["x"]}}),
    "POST experiments/{key}/trials": call("member", {"params": {"x": 0.125}}),
    "POST experiments/{key}/trials/{number}/stop": call("member", number="running_number"),
    "POST experiments/{key}/trials/{number}/exclude": call("member", {"reason": "odd"}),
    "POST experiments/{key}/trials/{number}/include": call("member", number="left_out_number"),
    "POST experiments/{key}/trials/{number}/restart": call("member", number="failed_number"),
    "PUT experiments/{key}/trials/{number}/note": call("member", {"text": "new"}),
    "POST experiments/{key}/trials/{number}/comments": call("member", {"text": "new"}),
    "PUT attempts/self/files/{path}": call("attempt", b"said\n", path="log"),
    "POST attempts/self/alive": call("attempt"),
    "POST attempts/self/gone": call("attempt"),
    "POST attempts/report": call("attempt", {"items": [{"metric": "loss", "step": 1, "value": 1}]}),
    "POST code": call("member", packed("train.py", b"print(1)\n"), "workspace=lab"),
    "PATCH workspaces/{slug}": call("admin", {"name": "new"}),
    "POST workspaces/{slug}/views": call("member", {"name": "new", "query": "", "shared": True}),
    "PATCH workspaces/{slug}/views/{number}": call("admin", {"name": "new"}, number="view"),
    "DELETE workspaces/{slug}/views/{number}": call("admin", number="view"),
    "POST workspaces/{slug}/members": call("admin", {"username": "dan", "role": "admin"}),
    "DELETE workspaces/{slug}/members/{username}": call("admin"),
    "POST workspaces/{slug}/invitations": call("admin", {"role": "admin"}),
    "DELETE workspaces/{slug}/invitations/{invitation_id}": call("admin"),
    "POST workspaces/{slug}/requests/{request_id}": call("admin", {"role": "admin"}),
    "DELETE workspaces/{slug}/requests/{request_id}": call("admin"),
    "POST workspaces/{slug}/webhooks": call("admin", {"url": "https://example.org/new"}),
    "PATCH workspaces/{slug}/webhooks/{webhook_id}": call("admin", {"paused": True}),
    "DELETE workspaces/{slug}/webhooks/{webhook_id}": call("admin"),
    "POST workspaces/{slug}/webhooks/{webhook_id}/deliveries": call("admin"),
    "POST workspaces/{slug}/keys": call("member", {"role": "member"}),
    "DELETE workspaces/{slug}/keys/{access_key_id}": call("admin"),
}
"""With what each changes something of ada's, who is an administrator."""

ASKED_BY_POST = {
    "POST experiments/{key}/space/preview": call("viewer", {"space": SPACE}),
    "POST workspaces/{slug}/warm-start": call("viewer", {"job": a_job().to_dict(), "sources": ["{ended}"]}),
}
QUERIES: dict[str, str] = {
    "GET v1/hpo/experiment/{experiment}/logs": "LogName=nnimanager.log",
    "GET v1/hpo/experiment/{experiment}/trial/{trial}/logs": "LogName=stdout",
    "GET events": "stream=exp:{key}",
    "GET query-words": "experiment={key}",
}
"""What these addresses cannot be read without."""


def found(method_of: Callable[[str], bool]) -> set[str]:
    """The addresses of both APIs with such methods."""
    return {
        f"{method.upper()} {path}"
        for dialect in ("pai", "tunebook")
        for path, view in addresses(dialect)
        for method in ("get", *CHANGING)
        if method_of(method) and hasattr(view, method)
    }


def readings() -> dict[str, Call]:
    """What can be read, as far as it is for people."""
    read = sorted(one for one in found(lambda method: method == "get") if " attempts/" not in one)
    return {one: call("viewer", query=QUERIES.get(one, "")) for one in read} | ASKED_BY_POST


def names_of(address: str) -> list[str]:
    return re.findall(r"{(\w+)}", address)


@dataclass
class World:
    """What the addresses name, and how they are called."""

    names: dict[str, str]
    folder: Path

    def send(self, token: str | None, address: str, one: Call, **others: str) -> Any:
        """Do what the table says; `others` stand for what the world has."""
        names = {**self.names, **{name: self.names[known] for name, known in one.names.items()}, **others}
        method, _, path = address.partition(" ")
        body = one.body if isinstance(one.body, bytes) else b"" if one.body is None else json.dumps(one.body).encode()
        if not isinstance(one.body, bytes):
            for name, value in names.items():
                body = body.replace(f'"{{{name}}}"'.encode(), json.dumps(value).encode())
        base = "/api/automl/" if path.startswith(NATIVE) else "/api/tunebook/v1/"
        query = f"?{one.query.format(**names)}" if one.query else ""
        client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"} if token else {})
        kind = "application/octet-stream" if isinstance(one.body, bytes) else "application/json" if body else ""
        answer: Any = client.generic(method, f"{base}{path.format(**names)}{query}", body, content_type=kind)
        answer.said = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer

    def contents(self) -> dict[str, Any]:
        """Everything that is stored, rows and files."""
        files = {path: path.stat().st_mtime_ns for path in self.folder.rglob("*") if path.is_file()}
        return {**contents(), "files": files}


def populated(
    make_experiment: Callable[..., Experiment], ada: Actor, key: IssuedKey, folder: Path, **given: Any
) -> World:
    """Of everything that the addresses name one, made by ada; experiments as given."""
    cache.clear()
    lab = Workspace.objects.get(slug="lab")
    row, ended, archived, trashed, starred = (make_experiment(name=f"hidden {n}", **given) for n in range(5))
    waits = make_experiment(name="hidden wait", start=False, **given)
    trials = with_trials(row, "FINISHED", "FINISHED", "RUNNING", "FAILED", attempt_count=1)
    Trial.objects.filter(pk=trials[1].pk).update(excluded=True)
    running = trials[2]
    for trial in trials:
        of_it = hash_token(TOKEN if trial == running else trial.key)
        Attempt.objects.create(
            trial=trial, experiment=row, number=1, launch_key=f"launch-{trial.key}", token_hash=of_it
        )
    work = folder / "trials" / row.key / str(running.number) / "1"
    (work / "work").mkdir(parents=True)
    (work / mirror.ORDER).write_text('{"key": "k"}')
    artifacts.add(row, trials[0], "outputs/notes.txt", b"there")
    now = timezone.now()
    over = Experiment.objects.filter(pk__in=[ended.pk, archived.pk, trashed.pk])
    over.update(status="FINISHED", ended=now, started=now)
    archived.refresh_from_db()
    shelf.archive(ada, archived)
    trash.delete(ada, trashed)
    for user in User.objects.all():
        starred.stars.create(user=user)
    comment = discussion.comment(ada, row, "hidden comment")
    discussion.write_note(ada, row, "hidden note")
    discussion.comment(ada, row, "hidden comment", trial=trials[0])
    link, _ = sharing.share(ada, row, days=7, name="hidden link")
    invitation, _ = sharing.invite(ada, lab, role="viewer", days=7, name="hidden invitation")
    dan = User.objects.create_user("dan")
    wish = AccessRequest.objects.create(slug="lab", user=dan, role="viewer")
    hook, _ = hooks.add_webhook(ada, lab, url="https://example.org/hidden", kinds=["experiment.best"])
    view = shelf.save_view(ada, lab, name="hidden view", query="", shared=True)
    spare = Key.objects.issue(user=key.row.user, workspace=lab, role="admin")
    return World(
        {
            "key": row.key,
            "experiment": row.key,
            "ended": ended.key,
            "archived": archived.key,
            "trashed": trashed.key,
            "starred": starred.key,
            "waits": waits.key,
            "trial": trials[0].key,
            "running": running.key,
            "failed": trials[3].key,
            "number": "0",
            "left_out_number": "1",
            "running_number": "2",
            "failed_number": "3",
            "comment_id": str(comment.pk),
            "link_id": str(link.pk),
            "slug": "lab",
            "view": str(view.pk),
            "username": "ben",
            "invitation_id": str(invitation.pk),
            "request_id": str(wish.pk),
            "webhook_id": str(hook.pk),
            "access_key_id": spare.access_key_id,
            "chart": "history",
            "path": "outputs/notes.txt",
            "log": "out.log",
        },
        folder,
    )
