"""What `demo` puts into the database: a workspace, someone to sign in as, a key, and a real sweep."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.workspaces.access import Actor, actor_of_user
from apps.workspaces.models import Key, Member, Role, Workspace
from tunebook.job import Job

EXAMPLE = Path(settings.ROOT) / "apps" / "tunebook" / "examples" / "digits.json"
NAME, SLUG = "demo", "demo"


@dataclass(frozen=True)
class Credentials:
    """How to get in. Kept in the data folder, so that a second run can print them again."""

    user: str
    password: str
    token: str


def people() -> tuple[Actor, Workspace, Credentials]:
    """The demo's user in the demo's workspace, made if need be. The password is drawn, never a known one."""
    path = Path(settings.TUNEBOOK_DATA) / "demo.json"
    with transaction.atomic():
        user, new = get_user_model().objects.get_or_create(username=NAME)
        workspace, _ = Workspace.objects.get_or_create(slug=SLUG, defaults={"name": "Demo"})
        Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": Role.ADMIN})
        kept = None if new else _kept(path)
        if kept is None:
            token = Key.objects.issue(user=user, workspace=workspace, role=Role.ADMIN, name="demo").token
            kept = Credentials(NAME, secrets.token_urlsafe(12), token)
            user.set_password(kept.password)
            user.save()
            _keep(path, kept)
    return actor_of_user(user), workspace, kept


def sweep(actor: Actor, workspace: Workspace) -> Experiment:
    """The demo's sweep: the one that is still going on, else a new one."""
    earlier = Experiment.objects.filter(workspace=workspace, creator_id=actor.user_id, tags__key="demo")
    for experiment in earlier.order_by("-pk"):
        if not experiment.has_ended and not experiment.trashed:
            return experiment
    text = EXAMPLE.read_text(encoding="utf-8")
    return experiments.create(
        actor,
        Job.from_dict(json.loads(text)),
        workspace=workspace,
        name="Handwritten digits",
        description="Which classifier, with which settings, reads scikit-learn's 8x8 digits best?",
        accessibility=Accessibility.PUBLIC,
        tags=[("demo", "digits")],
        submitted=text,
        dialect="tunebook",
    )


def _kept(path: Path) -> Credentials | None:
    try:
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _keep(path: Path, credentials: Credentials) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(credentials), file)
