"""The webhook declaration."""

import pytest

from tunebook import SpecError
from tunebook.monitor import Monitor


def test_a_monitor_comes_back_from_its_document():
    monitor = Monitor("https://hooks.example.com/robot?id=7", "sweep", ("133",), ("u1", "u2"), True)

    assert Monitor.from_dict(monitor.to_dict()) == monitor


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com", "ftp://example.com/", "https://", "https://[::1", "http://a:99999/", "file:///etc", 3],
)
def test_only_web_addresses_are_taken(url):
    with pytest.raises(SpecError) as refused:
        Monitor(url)

    assert refused.value.path == "url"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "monitor.url"),
        ({"url": "https://a/", "at_mobiles": "133"}, "monitor.at_mobiles"),
        ({"url": "https://a/", "at_user_ids": [1]}, "monitor.at_user_ids.0"),
        ({"url": "https://a/", "is_at_all": "True"}, "monitor.is_at_all"),
        ({"url": "https://a/", "token": "x"}, "monitor.token"),
    ],
)
def test_a_wrong_document_is_refused_with_its_path(document, path):
    with pytest.raises(SpecError) as refused:
        Monitor.from_dict(document)

    assert refused.value.path == path
