"""Azure's paths: which workspace an address is about. Words of a path are compared without case."""

from __future__ import annotations

import re

from apps.workspaces.access import Actor, OutOfReach
from apps.workspaces.models import Workspace

PROVIDER = "Microsoft.MachineLearningServices"


def any_case(text: str) -> str:
    """A pattern for a text in whatever case; Django cannot reverse addresses with inline flags, which would do too."""
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else re.escape(one) for one in text)


SUBSCRIPTIONS = any_case("subscriptions")
IN_SUBSCRIPTION = (
    f"(?P<subscription>[^/]+)/{any_case('resourceGroups')}/(?P<group>[^/]+)"
    f"/{any_case(f'providers/{PROVIDER}/workspaces')}/(?P<workspace>[^/]+)"
)
"""The pattern of a workspace's path behind its first word; any subscription and group will do, the workspace is ours."""
WORKSPACE = f"{SUBSCRIPTIONS}/{IN_SUBSCRIPTION}"


def workspace_path(subscription: str, group: str, workspace: str) -> str:
    """The path of a workspace as its own answers spell it."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{PROVIDER}/workspaces/{workspace}"


def workspace_named(actor: Actor, name: str) -> Workspace:
    """The workspace that an address names, compared without case: its id and slug. Raises OutOfReach; no query."""
    slug = next((slug for slug in actor.slugs if slug.lower() == name.lower()), None)
    if slug is None:
        raise OutOfReach("workspace", name)
    return Workspace(pk=actor.slugs[slug], slug=slug)
