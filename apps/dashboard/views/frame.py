"""What all pages of a workspace share: who asks, where, what they may, and what refusals look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render as render_template
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.feed.models import feed_id
from apps.tuning import asking
from apps.tuning.errors import Conflict, LimitReached
from apps.workspaces.access import NEEDS, Actor, NotAllowed, OutOfReach, actor_of_user
from apps.workspaces.models import Role, Workspace
from tunebook import disk
from tunebook.errors import SpecError
from tunebook.status import STATUS_WORDS

LAST_WORKSPACE = "workspace"  # a cookie
NOWHERE = "You are not a member of any workspace yet. Ask for access to one whose address you know."
ANYWHERE = {"slug": "", "roles": ((Role.VIEWER.value, "look"), (Role.MEMBER.value, "look, create and run"))}
"""What the form that asks for access expects where nothing is known."""
View = Callable[..., HttpResponse]
REFUSALS = (Conflict, LimitReached, SpecError)


@dataclass(frozen=True)
class Place:
    """A signed-in user in one of their workspaces."""

    actor: Actor
    workspace: Workspace
    workspaces: tuple[Workspace, ...]

    def may(self, action: str) -> bool:
        return self.actor.may(action, self.workspace.pk)

    def context(self) -> dict[str, Any]:
        """What templates/base.html expects. One query, for the feed's id."""
        return {
            "workspace": self.workspace,
            "workspaces": self.workspaces,
            "actor": self.actor,
            "may": {action: self.may(action) for action in NEEDS},
            "feed": feed_id(),
            "prefix": get_script_prefix().rstrip("/"),
            "standing": disk.notice(settings.TUNEBOOK_DATA),
        }


def enter(request: HttpRequest, slug: str | None) -> Place:
    """The place of a signed-in request; without a slug the one used last. Http404 for workspaces of others. Two queries."""
    actor = actor_of_user(request.user)
    workspaces = tuple(Workspace.objects.filter(pk__in=actor.roles).order_by("name", "pk"))
    wanted = slug or request.COOKIES.get(LAST_WORKSPACE)
    found = next((one for one in workspaces if one.slug == wanted), None)
    if slug is None and found is None:
        found = next(iter(workspaces), None)
    if found is None:
        raise Http404
    return Place(actor, found, workspaces)


def in_workspace(view: View) -> View:
    """A view of a workspace's page: sends strangers to sign in, and gives members `view(request, place, ...)`.

    What is out of reach is 404; what the role does not allow is 403.
    """

    @wraps(view)
    def checked(request: HttpRequest, slug: str | None = None, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return sign_in(request)
        if slug is None and not request.user.memberships.exists():
            return render_template(request, "403.html", {"words": NOWHERE, "ask": ANYWHERE}, status=403)
        place = enter(request, slug)
        request.place = place  # type: ignore[attr-defined]  # for the error pages
        try:
            return view(request, place, **kwargs)
        except OutOfReach as error:
            raise Http404(str(error)) from error
        except NotAllowed as error:
            return forbidden(request, place, error)

    return checked


def sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and from there back to where one was; after a form was sent, with the word that it was not taken.

    A part of a page is refused: a sign-in page inside another helps nobody.
    """
    if getattr(request, "htmx", False):
        return HttpResponse(status=401)
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    messages.error(request, "You are not signed in any more, so nothing was changed. Sign in, then do it again.")
    sent_from = urlsplit(request.headers.get("Referer", ""))
    return redirect_to_login(urlunsplit(("", "", sent_from.path, sent_from.query, "")) or reverse("dashboard:home"))


def render(
    request: HttpRequest, place: Place, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    return render_template(request, template, {**place.context(), **context}, status=status)


def forbidden(request: HttpRequest, place: Place, error: NotAllowed) -> HttpResponse:
    """The 403 page: which role is missing, and who can give it."""
    admins = place.workspace.members.filter(role="admin", user__is_active=True).order_by("user__username")
    names = list(admins.values_list("user__username", flat=True)[:5])
    has = error.has or "none"
    words = f"In {place.workspace.name} this needs the role {error.needs.label}; yours is {str(has).capitalize()}."
    waits = asking.asked(place.actor, place.workspace)
    ask = {"slug": place.workspace.slug, "role": error.needs.value, "words": error.needs.label, "asked": waits}
    return render(request, place, "403.html", {"words": words, "admins": names, "ask": ask}, status=403)


def given(request: HttpRequest, name: str) -> str:
    """A posted text, without the NUL characters that a database refuses; empty when it is not there."""
    return request.POST.get(name, "").replace("\x00", "").strip()


def back(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """To the page named in `next`, if it is one of ours."""
    target = request.POST.get("next", "")
    fine = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if fine else default)


def said(error: Exception) -> str:
    """What a refusal says, with a status by the word that the pages have for it."""
    status = error.status if isinstance(error, Conflict) else ""
    return str(error).replace(status, STATUS_WORDS[status].lower()) if status in STATUS_WORDS else str(error)


def attempt(request: HttpRequest, verb: Callable[[], Any], done: str) -> bool:
    """Run a verb and say on the next page what came of it: `done`, or why it was refused. Whether it was done."""
    try:
        verb()
    except REFUSALS as error:
        messages.error(request, f"Not done: {said(error)}")
        return False
    messages.success(request, done)
    return True
