"""What is collected is what was written, in fewer files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import brotli
import pytest

from apps.config.bundles import ENTRIES, EXTENSIONS, CannotBundle, bundle

ROOT = Path(__file__).parents[2]


def text_of(files: Mapping[str, str], entry: str) -> str:
    return bundle(entry, files.__getitem__)


def test_a_module_becomes_a_scope_before_the_one_that_imports_it():
    files = {
        "js/main.js": 'import { one } from "./part/one.js";\n\nconsole.log(one());\n',
        "js/part/one.js": 'import { two as pair } from "../two.js";\nconst EVERY = 1;\n/** One. */\nexport function one() {\n  return pair - EVERY;\n}\n',
        "js/two.js": "const EVERY = 2;\nexport const two = EVERY;\n",
    }

    text = text_of(files, "js/main.js")

    assert text.index("const EVERY = 2") < text.index("function one") < text.index("console.log")
    assert "const { two: pair } = m0;" in text
    assert "return { one };" in text
    assert "/** One. */" not in text
    assert "import {" not in text


def test_the_entry_goes_on_exporting_and_lazy_imports_point_to_the_same_file():
    files = {
        "js/main.js": 'import { load } from "./part/load.js";\nexport function go() {\n  return load();\n}\n',
        "js/part/load.js": 'export function load() {\n  return import("../charts/index.js");\n}\n',
    }

    text = text_of(files, "js/main.js")

    assert "export const { go } = " in text
    assert 'import("./charts/index.js")' in text


def test_a_sheet_takes_its_parts_in_as_layers():
    files = {"css/site.css": '@layer a;\n@import url("a.css") layer(a);\n', "css/a.css": "p { color: red; }\n"}

    assert text_of(files, "css/site.css") == "@layer a;\n@layer a {\np { color: red; }\n}\n"


def test_a_circle_of_imports_is_refused_with_its_way():
    files = {
        "js/a.js": 'import { b } from "./b.js";\nexport const a = 1;\n',
        "js/b.js": 'import { a } from "./a.js";\nexport const b = 1;\n',
    }

    with pytest.raises(CannotBundle, match=r"js/a.js imports js/b.js imports js/a.js"):
        text_of(files, "js/a.js")


@pytest.mark.parametrize(
    "line", ['import * as x from "./b.js";', 'import x from "./b.js";', "export default 3;", 'export * from "./b.js";']
)
def test_other_forms_of_import_and_export_are_refused(line):
    with pytest.raises(CannotBundle):
        text_of({"js/a.js": line + "\n", "js/b.js": ""}, "js/a.js")


@pytest.mark.parametrize("entry", ENTRIES)
def test_our_own_entries_can_be_bundled(entry):
    text = bundle(entry, lambda name: (ROOT / "static" / name).read_text(encoding="utf-8"))

    assert "@import" not in text
    assert '} from "./' not in text


@pytest.mark.parametrize(
    ("entry", "most"), [("js/main.js", 15_000), ("js/charts/index.js", 25_000), ("css/site.css", 10_000)]
)
def test_an_entry_keeps_its_budget(entry, most):
    text = bundle(entry, lambda name: (ROOT / "static" / name).read_text(encoding="utf-8"))

    assert len(brotli.compress(text.encode())) <= most


def test_what_is_asked_for_late_takes_what_is_there_already(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(EXTENSIONS, "js/late.js", "js/base.js")
    files = {
        "js/base.js": 'import { one } from "./one.js";\nexport function go() {\n  return import("./late.js");\n}\nexport const first = one;\n',
        "js/late.js": 'import { one } from "./one.js";\nimport { two } from "./two.js";\nexport const sum = one + two;\n',
        "js/one.js": "export const one = 1;\n",
        "js/two.js": "export const two = 2;\n",
    }

    base, late = text_of(files, "js/base.js"), text_of(files, "js/late.js")

    assert 'import("./late.js").then((late) => late.open({ "js/one.js": m0 }))' in base
    assert late.startswith("export const open = (given) => {")
    assert 'const { one } = given["js/one.js"];' in late
    assert "const one = 1" not in late
    assert "const two = 2" in late
    assert late.rstrip().endswith("return m2;\n};")
