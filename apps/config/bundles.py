"""Our own scripts and styles as few files: what an entry imports is written into it when static files are collected.

In the source each behaviour is a module and each part of the style a sheet, and in development they are served so.
A visitor would make a request for each of them; so an entry takes in what it imports. Each module becomes a function's
scope that returns what it exports; comments and indentation are left out; nothing is renamed.
Modules keep to what that needs: named imports from relative paths, `export` in front of a declaration, no circles.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

ENTRIES = (
    "js/main.js",
    "js/charts/index.js",
    "js/charts/analyse.js",
    "js/charts/far.js",
    "js/charts/compare.js",
    "js/page/complete.js",
    "js/page/logs.js",
    "js/page/palette.js",
    "css/site.css",
)
EXTENSIONS = {"js/charts/far.js": "js/charts/analyse.js"}
"""An entry that only another one asks for, late: what that one has already is handed on, not written into both."""

Read = Callable[[str], str]

STATIC_IMPORT = re.compile(r'^import \{(?P<names>[^}]*)\} from "(?P<path>\.[^"]+)";\n', re.MULTILINE)
DYNAMIC_IMPORT = re.compile(r'\bimport\("(?P<path>\.[^"]+)"\)')
OTHER_IMPORT = re.compile(
    r"^(?:import\b(?! \{)(?!\().*|export (?!(?:async )?(?:function|class|const|let)\b).*)", re.MULTILINE
)
EXPORT = re.compile(r"^export (?P<declaration>(?:async )?(?:function|class|const|let) (?P<name>\w+))", re.MULTILINE)
COMMENT = re.compile(r"^[ ]*(?:/\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
"""A comment that has its lines for itself."""
INDENTATION = re.compile(r"^[ ]+|\n(?=\n)", re.MULTILINE)
"""And empty lines."""
SHEET_IMPORT = re.compile(r'@import url\("(?P<part>[\w./-]+)"\) layer\((?P<layer>\w+)\);')


class CannotBundle(Exception):
    """A module does what the bundle cannot keep: it imports in a circle or in another form."""


def bundle(entry: str, read: Read) -> str:
    """The text of an entry with all it imports; `read` gives the text of a file by its name."""
    return _sheet(entry, read) if entry.endswith(".css") else _script(entry, read)


def _sheet(entry: str, read: Read) -> str:
    def part(match: re.Match[str]) -> str:
        text = INDENTATION.sub("", COMMENT.sub("", read(_beside(entry, match["part"]))))
        return f"@layer {match['layer']} {{\n{text}}}"

    return SHEET_IMPORT.sub(part, read(entry))


def _script(entry: str, read: Read) -> str:
    texts: dict[str, str] = {}
    _gather(entry, read, texts, ())
    variables = {name: f"m{number}" for number, name in enumerate(texts)}
    if entry not in EXTENSIONS:
        return "".join(_scope(name, text, entry, variables) for name, text in texts.items())
    theirs: dict[str, str] = {}
    _gather(EXTENSIONS[entry], read, theirs, ())
    variables |= {name: f'given["{name}"]' for name in texts if name in theirs}
    own = "".join(_scope(name, text, "", variables) for name, text in texts.items() if name not in theirs)
    return f"export const open = (given) => {{\n{own}return {variables[entry]};\n}};\n"


def _gather(name: str, read: Read, texts: dict[str, str], path: tuple[str, ...]) -> None:
    """The modules that one needs, each before the ones that import it."""
    if name in path:
        raise CannotBundle(f"{' imports '.join([*path, name])}: a circle")
    if name in texts:
        return
    text = read(name)
    if odd := OTHER_IMPORT.search(text):
        raise CannotBundle(f"{name}: {odd[0]}")
    for match in STATIC_IMPORT.finditer(text):
        _gather(_beside(name, match["path"]), read, texts, (*path, name))
    texts[name] = text


def _scope(name: str, text: str, entry: str, variables: Mapping[str, str]) -> str:
    """One module as a scope of its own. The entry exports to the page what it exported before."""

    def taken(match: re.Match[str]) -> str:
        return f"const {{{match['names']}}} = {variables[_beside(name, match['path'])]};\n".replace(" as ", ": ")

    def lazy(match: re.Match[str]) -> str:
        target = _beside(name, match["path"])
        asked = f'import("./{posixpath.relpath(target, posixpath.dirname(entry))}")'
        if EXTENSIONS.get(target) != entry:
            return asked
        known = ", ".join(f'"{module}": {variable}' for module, variable in variables.items() if module != entry)
        return f"{asked}.then((late) => late.open({{ {known} }}))"

    exported = [match["name"] for match in EXPORT.finditer(text)]
    body = DYNAMIC_IMPORT.sub(lazy, STATIC_IMPORT.sub(taken, COMMENT.sub("", text)))
    body = INDENTATION.sub("", EXPORT.sub(r"\g<declaration>", body)).strip()
    members = ", ".join(exported)
    scope = f"(() => {{\n{body}\nreturn {{ {members} }};\n}})();\n"
    if name == entry and exported:
        return f"export const {{ {members} }} = {scope}"
    return f"const {variables[name]} = {scope}"


def _beside(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
