"""Rights are looked at when a revocation can be seen, not while it is still being written."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client as Browser

from apps.live.hub import Hub
from apps.workspaces.models import Member, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


class Listener:
    """In the place of the hub; notes how many sessions and members there were at each look."""

    sockets = (object(),)

    def __init__(self) -> None:
        self.looks: list[tuple[int, int]] = []

    def revoked(self) -> None:
        self.looks.append((Session.objects.count(), Member.objects.count()))


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    made = Listener()
    monkeypatch.setattr(Hub, "current", made)
    return made


def test_a_logout_is_looked_at_when_its_session_is_gone(ada: User, listener: Listener) -> None:
    browser = Browser()
    browser.force_login(ada)
    listener.looks.clear()  # a login gives its session another key

    browser.logout()

    assert {sessions for sessions, _ in listener.looks} == {0}


def test_a_removed_member_is_looked_at_after_the_commit(ben: User, workspace: Workspace, listener: Listener) -> None:
    members = Member.objects.count()

    with transaction.atomic():
        Member.objects.get(user=ben).delete()
        before = list(listener.looks)

    assert before == []
    assert {left for _, left in listener.looks} == {members - 1}
