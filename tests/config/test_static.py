"""Collecting static files under names that carry their content."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import override_settings

from apps.config import static

PRODUCT = {"staticfiles": {"BACKEND": "apps.config.static.HashedFiles"}}


@pytest.fixture
def collected(tmp_path: Path):
    """A checkout's own static folder, and where it is collected to."""
    source, target = tmp_path / "static", tmp_path / "collected"
    (source / "js").mkdir(parents=True)
    (source / "css").mkdir()
    (source / "js" / "page.js").write_text('import { word } from "./words.js";\nimport("./late.js");\n')
    (source / "js" / "words.js").write_text("export const word = 1;\n")
    (source / "js" / "late.js").write_text("export const late = 1;\n")
    (source / "css" / "site.css").write_text("body { background: url(../js/late.js) }\n")
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(
        STATICFILES_DIRS=[source], STATIC_ROOT=target, STATICFILES_FINDERS=finders, STORAGES=PRODUCT
    ):
        yield source, target


def names(target: Path) -> dict[str, str]:
    return json.loads((target / "staticfiles.json").read_text())["paths"]


def test_a_module_imports_the_hashed_names_of_the_others(collected):
    _, target = collected

    static.collect()

    paths = names(target)
    page = (target / paths["js/page.js"]).read_text()
    assert f'from "./{Path(paths["js/words.js"]).name}"' in page
    assert f'import("./{Path(paths["js/late.js"]).name}")' in page


def test_files_are_stored_compressed_too(collected):
    source, target = collected
    (source / "js" / "long.js").write_text("export const long = 1; " * 200)

    static.collect()

    stored = target / names(target)["js/long.js"]
    assert stored.with_name(f"{stored.name}.br").stat().st_size < stored.stat().st_size / 4


def test_nothing_is_collected_again_until_a_file_changes(collected):
    source, _ = collected
    first, second = static.collect(), static.collect()

    (source / "js" / "words.js").write_text("export const word = 2;  // changed\n")

    assert (first, second, static.collect()) == (True, False, True)


def test_of_two_that_start_at_once_one_collects_and_the_other_waits_for_it(collected):
    _, target = collected
    with ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(static.collect) for _ in range(2)]

    assert sorted(start.result() for start in starts) == [False, True]
    assert all((target / name).is_file() for name in names(target).values())


def test_what_no_page_asks_for_is_left_out(collected):
    source, target = collected
    (source / "redoc").mkdir()
    (source / "redoc" / "redoc.js").write_text("1")

    static.collect()

    assert "redoc/redoc.js" not in names(target)


def test_the_products_own_files_can_be_collected(tmp_path):
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=PRODUCT):
        static.collect()

    assert "django_htmx/htmx-2.min.js" in names(tmp_path)


@pytest.mark.parametrize("emptied", [".collected", "staticfiles.json", "js/page.js"])
def test_what_a_power_cut_has_emptied_is_collected_anew(collected, emptied: str):
    _, target = collected
    static.collect()
    (target / emptied).write_text("")
    os.utime(target / emptied, (1_000_000_000, 1_000_000_000))

    assert static.collect()

    assert all(path.stat().st_size for path in target.rglob("*") if path.is_file())
    assert names(target)["js/page.js"]
