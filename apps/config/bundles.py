"""Our own scripts and styles as few files: what an entry imports is written into it when static files are collected.

In the source each behaviour is a module and each part of the style a sheet, and in development they are served so.
A visitor would make a request for each of them; so an entry takes in what it imports, in order, and nothing else is
done to the text than leaving out doc comments and indentation. Modules keep to what that needs: named imports from
relative paths, `export` in front of a declaration, and no two declarations of one name at the top of the modules of
one entry.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

ENTRIES = ("js/main.js", "js/charts/index.js", "css/site.css")

Read = Callable[[str], str]

STATIC_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<path>\.[^"]+)";\n', re.MULTILINE)
DYNAMIC_IMPORT = re.compile(r'\bimport\("(?P<path>\.[^"]+)"\)')
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
DOC_COMMENT = re.compile(r"^[ ]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
INDENTATION = re.compile(r"^[ ]+", re.MULTILINE)
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
SHEET_IMPORT = re.compile(r'@import url\("(?P<part>[\w./-]+)"\) layer\((?P<layer>\w+)\);')


class Clash(Exception):
    """Two modules of one entry declare the same name."""


def bundle(entry: str, read: Read) -> str:
    """The text of an entry with all it imports; `read` gives the text of a file by its name."""
    return _sheet(entry, read) if entry.endswith(".css") else _script(entry, read)


def _sheet(entry: str, read: Read) -> str:
    def part(match: re.Match[str]) -> str:
        return f"@layer {match['layer']} {{\n{read(_beside(entry, match['part']))}}}"

    return SHEET_IMPORT.sub(part, read(entry))


def _script(entry: str, read: Read) -> str:
    texts: dict[str, str] = {}
    _gather(entry, read, texts)
    _refuse_clashes(texts)
    return "\n".join(_bare(name, text, entry) for name, text in texts.items())


def _gather(name: str, read: Read, texts: dict[str, str]) -> None:
    """The modules that one needs, each before the ones that import it."""
    if name in texts:
        return
    text = read(name)
    texts[name] = ""  # holds the place, so that a circle ends
    for match in STATIC_IMPORT.finditer(text):
        _gather(_beside(name, match["path"]), read, texts)
    del texts[name]
    texts[name] = text


def _bare(name: str, text: str, entry: str) -> str:
    """A module's text without imports and exports; lazy imports are rewritten to where the entry stands."""

    def lazy(match: re.Match[str]) -> str:
        target = posixpath.relpath(_beside(name, match["path"]), posixpath.dirname(entry))
        return f'import("./{target}")'

    text = INDENTATION.sub("", DOC_COMMENT.sub("", STATIC_IMPORT.sub("", text)))
    return EXPORT.sub("", DYNAMIC_IMPORT.sub(lazy, text)).strip()


def _refuse_clashes(texts: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for name, text in texts.items():
        for declared in DECLARED.findall(text):
            if declared in seen:
                raise Clash(f"{declared} is declared in {seen[declared]} and in {name}; rename one of them")
            seen[declared] = name


def _beside(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
