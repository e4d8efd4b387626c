"""What people keep for finding things again: stars, saved views, and the archive for what they are done with."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from apps.audit.recording import record
from apps.experiments.models import Experiment
from apps.search.grammar import CATALOG
from apps.search.models import COLUMNS, MAX_NAME, Archived, FirstView, SavedView, Star
from apps.search.parser import LONGEST, parse
from apps.tuning.announce import announce_listing
from apps.tuning.errors import Conflict, LimitReached
from apps.workspaces.access import Actor, NotAllowed, OutOfReach, require
from apps.workspaces.models import Role, Workspace
from tunebook.errors import SpecError

MOST_VIEWS = 100


def star(actor: Actor, experiment: Experiment) -> None:
    """Mark an experiment for oneself. Twice is once."""
    require(actor, experiment.workspace_id, "read")
    Star.objects.get_or_create(user_id=actor.user_id, experiment=experiment)


def unstar(actor: Actor, experiment: Experiment) -> None:
    """Take one's mark away. Twice is once."""
    require(actor, experiment.workspace_id, "read")
    Star.objects.filter(user_id=actor.user_id, experiment=experiment).delete()


def archive(actor: Actor, experiment: Experiment) -> None:
    """Put an experiment that has ended away from the catalog, for everybody. Twice is once."""
    require(actor, experiment.workspace_id, "edit")
    if not experiment.has_ended:
        raise Conflict("it has not ended; stop it first, or let it finish", status=experiment.status)
    with transaction.atomic():
        _, is_new = Archived.objects.get_or_create(experiment=experiment, defaults={"by_id": actor.user_id})
        if is_new:
            announce_listing(experiment, "removed")
            record(actor, experiment.workspace_id, "experiment.archive", experiment.key, experiment.name)


def unarchive(actor: Actor, experiment: Experiment) -> None:
    """Take an experiment back into the catalog. Twice is once."""
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        gone, _ = Archived.objects.filter(experiment=experiment).delete()
        if gone:
            announce_listing(experiment, "restored")
            record(actor, experiment.workspace_id, "experiment.unarchive", experiment.key, experiment.name)


def find_view(actor: Actor, workspace: Workspace, key: int) -> SavedView:
    """One's own view, or a shared one of the workspace. One query."""
    found = SavedView.objects.visible_to(actor).filter(workspace=workspace, pk=key).first()
    if found is None:
        raise OutOfReach("view", str(key))
    return found


def own_view(actor: Actor, workspace: Workspace, name: str) -> SavedView | None:
    """One's own view of that name. One query."""
    own = SavedView.objects.filter(workspace=workspace, owner_id=actor.user_id)
    return own.filter(name=" ".join(name.split())).first()


def save_view(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    query: str,
    sort: str = "",
    columns: Iterable[str] = (),
    shared: bool = False,
) -> SavedView:
    """Keep a query under a name, with the columns that show what it finds if any are given; sharing it with the
    workspace needs the right to edit there."""
    require(actor, workspace.pk, "edit" if shared else "read")
    view = SavedView(workspace=workspace, owner_id=actor.user_id, shared=shared, sort=sort[:16])
    view.name, view.query, view.columns = _name(name), _query(query), _columns(columns)
    if SavedView.objects.filter(workspace=workspace, owner_id=actor.user_id).count() >= MOST_VIEWS:
        raise LimitReached(f"at most {MOST_VIEWS} views of one person in a workspace")
    return _stored(view)


def change_view(
    actor: Actor,
    view: SavedView,
    *,
    name: str | None = None,
    query: str | None = None,
    sort: str | None = None,
    columns: Iterable[str] | None = None,
    shared: bool | None = None,
) -> SavedView:
    """Change what is given of a view: one's own, or a shared one as an administrator.

    One that is or becomes shared is everybody's: with the right to edit there.
    """
    _require_own(actor, view)
    if shared:
        require(actor, view.workspace_id, "edit")
    view.name = view.name if name is None else _name(name)
    view.query = view.query if query is None else _query(query)
    view.sort = view.sort if sort is None else sort[:16]
    view.columns = view.columns if columns is None else _columns(columns)
    view.shared = view.shared if shared is None else shared
    return _stored(view)


def drop_view(actor: Actor, view: SavedView) -> None:
    """Delete a view: one's own, or a shared one as an administrator."""
    _require_own(actor, view)
    view.delete()


def open_with(actor: Actor, view: SavedView) -> None:
    """Let one's own catalog open with a view from now on, in place of the one that it opened with."""
    require(actor, view.workspace_id, "read")
    FirstView.objects.update_or_create(user_id=actor.user_id, workspace_id=view.workspace_id, defaults={"view": view})


def open_with_all(actor: Actor, workspace: Workspace) -> None:
    """Let one's own catalog open with everything again."""
    FirstView.objects.filter(user_id=actor.user_id, workspace=workspace).delete()


def _require_own(actor: Actor, view: SavedView) -> None:
    if view.owner_id != actor.user_id and not actor.may("manage", view.workspace_id):
        raise NotAllowed("change a view of somebody else", Role.ADMIN, actor.role_in(view.workspace_id))
    if view.shared:
        require(actor, view.workspace_id, "edit")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise SpecError("name", f"must be 1 to {MAX_NAME} printable characters")
    return name


def _query(text: str) -> str:
    """The query as typed, if it can be understood."""
    if len(text) > LONGEST:
        raise SpecError("query", f"at most {LONGEST} characters, got {len(text)}")
    problems = parse(text, CATALOG).problems
    if problems:
        raise SpecError("query", problems[0].message)
    return text.strip()


def _columns(names: Iterable[str]) -> str:
    asked = set(names)
    unknown = sorted(asked - set(COLUMNS))
    if unknown:
        raise SpecError("columns", f"there is no column {unknown[0][:40]!r}; there are {', '.join(COLUMNS)}")
    return ".".join(name for name in COLUMNS if name in asked | {"name"}) if asked else ""


def _stored(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Conflict(f"you have a view named {view.name!r} already") from None
    return view
