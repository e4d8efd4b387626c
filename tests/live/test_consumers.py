"""What a client of the websocket may rely on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client as Browser

from apps.experiments.models import Experiment
from apps.feed.models import Event, Stream, experiment_stream, feed_id, workspace_stream
from apps.live import consumers
from apps.workspaces.models import IssuedKey, Member
from tests.live.sockets import PATIENCE, Client, happen
from tunebook import disk

pytestmark = pytest.mark.django_db(transaction=True)


def bearer(key: IssuedKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.token}"}


async def commit(*happenings: Any) -> int:
    return await database_sync_to_async(happen, thread_sensitive=False)(*happenings)


def test_a_subscriber_hears_what_is_kept_then_that_it_has_caught_up_then_what_comes(live, key_ada, make_experiment):
    stream = experiment_stream(make_experiment().key)
    happen(stream, ("note", {"text": "one"}))
    head = Stream.objects.get(pk=stream).head

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=head - 1)
        past = await client.hear()
        caught_up = await client.hear()
        await commit(stream, ("note", {"text": "two"}))
        news = await client.hear()

        assert (past["type"], past["seq"], past["payload"]["text"]) == ("event", head, "one")
        assert (caught_up["type"], caught_up["seq"]) == ("caught_up", head)
        assert (news["type"], news["stream"], news["seq"], news["kind"]) == ("event", stream, head + 1, "note")
        await client.leave()

    live(story)


def test_a_client_that_comes_back_with_its_cursor_misses_and_repeats_nothing(live, key_ada, make_experiment):
    stream = experiment_stream(make_experiment().key)

    async def story() -> None:
        first = await Client(**bearer(key_ada)).open()
        await first.say(type="subscribe", stream=stream, after=0)
        seen = [message["seq"] for message in await first.hear_until("caught_up") if message["type"] == "event"]
        await first.leave()
        for number in range(5):
            await commit(stream, ("note", {"text": str(number)}))
        second = await Client(**bearer(key_ada)).open()
        await second.say(type="subscribe", stream=stream, after=seen[-1])
        seen += [message["seq"] for message in await second.hear_until("caught_up") if message["type"] == "event"]

        assert seen == list(range(1, seen[-1] + 1))
        await second.leave()

    live(story)


def test_every_event_of_many_writers_comes_once_and_in_order_to_everybody(live, key_ada, make_experiment):
    stream = experiment_stream(make_experiment().key)
    start = Stream.objects.get(pk=stream).head

    async def story() -> None:
        clients = [await Client(**bearer(key_ada)).open() for _ in range(3)]
        for client in clients:
            await client.say(type="subscribe", stream=stream, after=start, batch=True)
        for number in range(40):
            await commit(stream, ("note", {"text": str(number)}))
        for client in clients:
            seen: list[int] = []
            while len(seen) < 40:
                seen += [event["seq"] for event in (await client.hear()).get("events", ())]
            assert seen == list(range(start + 1, start + 41))
            await client.leave()

    live(story)


def test_events_come_with_all_wake_ups_lost(live, key_ada, make_experiment, monkeypatch):
    stream = experiment_stream(make_experiment().key)
    monkeypatch.setattr("apps.live.hub.Receiver", _no_receiver)

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=0)
        await client.hear_until("caught_up")
        await commit(stream, ("note", {"text": "quiet"}))

        assert (await client.hear())["payload"] == {"text": "quiet"}
        await client.leave()

    live(story)


def _no_receiver(_: str) -> Any:
    raise OSError("no room for a socket")


@pytest.mark.parametrize(
    "cursor",
    [
        {"after": 10_000},
        {"after": -1},
        {"after": "soon"},
        {"after": True},
        {"after": 1.5},
        {"after": 1, "feed": "older"},
    ],
)
def test_a_cursor_that_cannot_be_resumed_is_told_to_load_anew(live, key_ada, make_experiment, cursor):
    stream = experiment_stream(make_experiment().key)
    head = Stream.objects.get(pk=stream).head

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, **cursor)
        answer = await client.hear()

        assert answer == {
            "type": "reset",
            "stream": stream,
            "cursor": f"{await database_sync_to_async(feed_id)()}:{head}",
        }
        await client.leave()

    live(story)


def test_a_cursor_behind_what_is_kept_is_told_to_load_anew(live, key_ada, make_experiment):
    stream = experiment_stream(make_experiment().key)
    happen(stream, *[("note", {"text": "old"})] * 5)
    Event.objects.filter(stream=stream, seq__lte=4).delete()
    Stream.objects.filter(pk=stream).update(floor=4)

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=2)
        assert (await client.hear())["type"] == "reset"
        await client.say(type="subscribe", stream=stream, after=0)
        assert (await client.hear())["seq"] == 5
        await client.leave()

    live(story)


def test_a_stream_out_of_reach_looks_like_one_that_does_not_exist(live, key_cleo, make_experiment):
    streams = [experiment_stream(make_experiment().key), "exp:nothing", "ws:lab", "ws:nowhere", "else:x", "", "exp:'"]

    async def story() -> None:
        client = await Client(**bearer(key_cleo)).open()
        for stream in streams:
            await client.say(type="subscribe", stream=stream, after=0)
            assert await client.hear() == {"type": "denied", "stream": stream}
        await client.leave()

    live(story)


def test_a_viewer_is_not_told_of_others_private_experiments(live, key_ben, key_ada, make_experiment):
    stream = workspace_stream("lab")
    secret = make_experiment(name="secret", accessibility="PRIVATE")
    shown = make_experiment(name="shown")

    async def story() -> None:
        names = {}
        for key in (key_ben, key_ada):
            client = await Client(**bearer(key)).open()
            await client.say(type="subscribe", stream=stream, after=0, batch=True)
            heard = await client.hear_until("caught_up")
            names[key] = {event["payload"]["key"] for message in heard for event in message.get("events", ())}
            await client.leave()

        assert names[key_ben] == {shown.key}
        assert names[key_ada] == {shown.key, secret.key}

    live(story)


def test_a_browser_session_is_let_in_and_thrown_out_when_it_ends(live, ada: User, make_experiment):
    stream = experiment_stream(make_experiment().key)
    browser = Browser()
    browser.force_login(ada)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].OutputString()

    async def story() -> None:
        client = await Client(cookie=cookie, origin="http://testserver").open()
        await client.say(type="subscribe", stream=stream, after=0)
        await client.hear_until("caught_up")
        await database_sync_to_async(browser.logout)()

        assert await client.close_code() == consumers.SIGNED_OUT

    live(story)


def test_a_removed_member_hears_no_more(live, key_ben: IssuedKey, ben: User, make_experiment):
    stream = experiment_stream(make_experiment().key)

    async def story() -> None:
        client = await Client(**bearer(key_ben)).open()
        await client.say(type="subscribe", stream=stream, after=0)
        await client.hear_until("caught_up")
        await database_sync_to_async(lambda: Member.objects.get(user=ben).delete())()

        assert await client.hear() == {"type": "denied", "stream": stream}
        await client.leave()

    live(story)


def test_a_page_of_another_site_is_refused(live, ada: User):
    async def story() -> None:
        client = Client(origin="http://evil.example")

        assert not await client.knock()

    live(story)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer nonsense"}, {"cookie": "sessionid=nonsense"}])
def test_a_stranger_is_told_to_sign_in(live, db, headers):
    async def story() -> None:
        client = await Client(**headers).open()

        assert await client.close_code() == consumers.SIGNED_OUT

    live(story)


def test_a_ping_is_answered_with_what_is_wrong_with_the_disk(live, key_ada, monkeypatch):
    monkeypatch.setattr(disk, "LEAST_FREE", 2**62)
    monkeypatch.setattr(disk, "LEAST_SHARE", 1.0)

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong", "standing": disk.NOTICES["disk_low"]}
        await client.leave()

    live(story)


@pytest.mark.parametrize("message", ["", "{", "[]", '{"type": "dance"}', "[" * 15_000])
def test_what_is_no_message_gets_an_error_and_the_socket_stays(live, key_ada, message):
    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say_text(message)
        assert (await client.hear())["type"] == "error"
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong", "standing": ""}
        await client.leave()

    live(story)


def test_a_huge_message_closes_the_socket(live, key_ada):
    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say_text("x" * 17_000)

        assert await client.close_code() == consumers.TOO_LARGE

    live(story)


def test_a_flood_of_messages_closes_the_socket(live, key_ada):
    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        for _ in range(consumers.MOST_PER_SECOND + 1):
            await client.say(type="ping")

        assert await client.close_code() == consumers.TOO_FAST

    live(story)


def test_the_fifty_first_subscription_is_refused(live, key_ada, make_experiment, monkeypatch):
    monkeypatch.setattr(consumers, "MOST_SUBSCRIPTIONS", 1)
    one, two = (experiment_stream(make_experiment().key) for _ in range(2))

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=one, after=0)
        await client.hear_until("caught_up")
        await client.say(type="subscribe", stream=two, after=0)
        assert (await client.hear())["code"] == "too_many"
        await client.say(type="unsubscribe", stream=one)
        await client.say(type="subscribe", stream=two, after=0)
        assert (await client.hear_until("caught_up"))[-1]["stream"] == two
        await client.leave()

    live(story)


def test_a_client_that_does_not_read_is_cut_off_as_lagging(live, key_ada, make_experiment, monkeypatch):
    stream = experiment_stream(make_experiment().key)

    async def stuck(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=0)
        await client.hear_until("caught_up")
        monkeypatch.setattr(consumers.LiveConsumer, "send", stuck)
        for _ in range(3):
            await commit(stream, *[("note", {"text": "n"})] * 200)
            await asyncio.sleep(0.1)

        assert await client.close_code() == consumers.LAGGING

    live(story)


def test_the_tailer_reads_an_event_once_however_many_listen(live, key_ada, make_experiment: Any, monkeypatch):
    experiment: Experiment = make_experiment()
    stream = experiment_stream(experiment.key)
    reads: list[str] = []
    read = consumers.reading.after

    def counted(name: str, seq: int, limit: int = 500) -> Any:
        reads.append(name)
        return read(name, seq, limit)

    async def story() -> None:
        clients = [await Client(**bearer(key_ada)).open() for _ in range(5)]
        for client in clients:
            await client.say(type="subscribe", stream=stream, after=0)
            await client.hear_until("caught_up")
        monkeypatch.setattr(consumers.reading, "after", counted)
        await commit(stream, ("note", {"text": "once"}))
        for client in clients:
            await client.hear()

        assert reads == [stream]
        for client in clients:
            await client.leave()

    live(story)


def test_events_that_were_purged_on_the_way_are_not_missed_silently(live, key_ada, make_experiment, monkeypatch):
    stream = experiment_stream(make_experiment().key)
    head = happen(stream, *[("note", {"text": "old"})] * 3)

    def purged(name: str, after: Any, feed: Any) -> Any:
        answer = start(name, after, feed)
        Event.objects.filter(stream=stream, seq__lt=head).delete()
        return answer

    start = consumers._start
    monkeypatch.setattr(consumers, "_start", purged)

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=head - 2)
        answer = await client.hear()

        assert (answer["type"], answer["stream"]) == ("reset", stream)
        assert answer["cursor"].endswith(f":{head}")
        await client.leave()

    live(story)


def test_a_database_that_is_away_for_a_moment_only_delays(live, key_ada, make_experiment, monkeypatch):
    stream = experiment_stream(make_experiment().key)
    heads, is_away, looked = consumers.reading.heads, threading.Event(), threading.Event()
    monkeypatch.setattr("apps.live.tailer.RETRY", 0.01)

    def sometimes(streams: Any) -> Any:
        if is_away.is_set():
            looked.set()
            raise OperationalError("gone away")
        return heads(streams)

    async def story() -> None:
        client = await Client(**bearer(key_ada)).open()
        await client.say(type="subscribe", stream=stream, after=0)
        await client.hear_until("caught_up")
        is_away.set()
        assert await asyncio.to_thread(looked.wait, PATIENCE)
        await commit(stream, ("note", {"text": "late"}))
        is_away.clear()

        assert (await client.hear())["payload"] == {"text": "late"}
        await client.leave()

    monkeypatch.setattr(consumers.reading, "heads", sometimes)
    live(story)
