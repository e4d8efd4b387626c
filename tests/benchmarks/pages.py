"""How fast pages and charts come from the server: `.venv/bin/python -m tests.benchmarks.pages [--experiment KEY]`.

Takes the installation that TUNEBOOK_DATA and TUNEBOOK_DATABASE_URL name (fill it with `manage.py seed_catalog`), serves it
with one web process, and asks for the catalog by many queries, and for the tabs and charts of the largest experiment, over
one kept connection. Per address: median and slowest wall time, processor time of the server per answer, its size as sent.
Facets are asked for as a page does, apart; the answers they keep for a quarter of a minute count as slowest.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode, urlsplit

from tests.benchmarks.live import ROOT, _processor_time, _serving

QUERIES: Mapping[str, Mapping[str, str | int]] = {
    "plain": {},
    "page 90": {"page": 90},
    "page 900": {"page": 900},
    "last page of 100": {"size": 100, "page": 1_000},
    "by name": {"sort": "name"},
    "by best": {"sort": "best"},
    "by best, page 900": {"sort": "best", "page": 900},
    "by trials": {"sort": "-trials"},
    "by running": {"sort": "-running"},
    "by owner": {"sort": "owner"},
    "by updated": {"sort": "-updated"},
    "by status": {"sort": "status"},
    "word": {"q": "resnet"},
    "word of all": {"q": "seed_catalog"},
    "two words": {"q": "resnet cifar"},
    "word of none": {"q": "nothinglikethis"},
    "word by name": {"q": "resnet", "sort": "name"},
    "name": {"q": "name:cifar"},
    "status": {"q": "status:failed"},
    "status by best": {"q": "status:failed", "sort": "best"},
    "mine": {"q": "owner:me"},
    "running": {"q": "status:active"},
    "starred": {"q": "is:starred"},
    "failed this week": {"q": "status:failed updated>7d"},
    "tag": {"q": "tag:team=vision"},
    "two tags": {"q": "tag:team=vision tag:stage=final"},
    "tag, page 200": {"q": "tag:team=vision", "page": 200},
    "best": {"q": "best<0.01"},
    "param": {"q": "param.lr>0.05"},
    "param range and choice": {"q": "param.depth:3..5 param.kernel:rbf"},
    "metric": {"q": "metric.loss<0.1"},
    "either": {"q": "tag:team=vision or best<0.001"},
    "not": {"q": "-tag:team status:finished"},
    "all kinds": {"q": "resnet tag:team=vision status:finished param.lr<0.02 trials>5", "sort": "best"},
}
FACETS = ("", "resnet", "status:failed", "tag:team=vision", "param.lr>0.05", "owner:me")
TABS = (
    "",
    "trials",
    "trials?sort=value",
    "trials?q=param.lr<0.01",
    "trials?page=100",
    "analyse",
    "curves",
    "space",
    "replay",
)
CHARTS = (
    "history",
    "importance",
    "sample",
    "contour",
    "edf",
    "timeline",
    "curves",
    "curves?by=time",
    "history?after=5000",
)


@dataclass
class Cost:
    """What one address cost."""

    name: str
    median_ms: float
    slowest_ms: float
    processor_ms: float
    kilobytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="", help="its tabs and charts (that with the most trials)")
    parser.add_argument("--rounds", type=int, default=5, help="requests of each (5)")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    slug, key, cookie = visitor(options.experiment)
    costs = []
    with _serving([sys.executable, str(ROOT / "manage.py")]) as (url, server):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        for name, path in addresses(slug, key):
            if options.only not in name:
                continue
            costs.append(cost(connection, server, name, path, cookie, options.rounds))
            if not options.json:
                one = costs[-1]
                times = f"median {one.median_ms:7.1f} ms   slowest {one.slowest_ms:7.1f} ms"
                print(f"{name:36} {times}   processor {one.processor_ms:7.1f} ms   {one.kilobytes:6.1f} kB", flush=True)
    if options.json:
        print(json.dumps([asdict(one) for one in costs], indent=1))


def visitor(key: str) -> tuple[str, str, str]:
    """The workspace and key of the experiment, and the session of its creator."""
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from apps.experiments.models import Experiment

    rows = Experiment.objects.lean().select_related("workspace", "creator")
    one = rows.get(key=key) if key else rows.order_by("-trial_count")[0]
    client = Client()
    client.force_login(one.creator)
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    return one.workspace.slug, one.key, f"{session.key}={session.value}"


def addresses(slug: str, key: str) -> Iterator[tuple[str, str]]:
    for name, query in QUERIES.items():
        yield f"catalog: {name}", f"/w/{slug}/?{urlencode(query)}"
    for query in FACETS:
        yield f"facets: {query or 'all'}", f"/w/{slug}/facets?{urlencode({'q': query})}"
    for tab in TABS:
        yield f"tab: {tab or 'overview'}", f"/w/{slug}/e/{key}/{tab}"
    for chart in CHARTS:
        data, _, query = chart.partition("?")
        yield f"chart: {chart}", f"/w/{slug}/e/{key}/data/{data}.json?{query}"


def cost(connection: http.client.HTTPConnection, server: int, name: str, path: str, cookie: str, rounds: int) -> Cost:
    busy, times, size = _processor_time(server), [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
        size = len(body if answer.headers.get("Content-Encoding") else gzip.compress(body))
    return Cost(
        name=name,
        median_ms=round(statistics.median(times), 1),
        slowest_ms=round(max(times), 1),
        processor_ms=round((_processor_time(server) - busy) * 1000 / rounds, 1),
        kilobytes=round(size / 1000, 1),
    )


if __name__ == "__main__":
    main()
