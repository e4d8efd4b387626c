"""Who may import whom, and what may lie at the top of the tree. Reads the sources; imports none of them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "apps"

TOP_LEVEL = {
    "manage.py",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "apps",
    "templates",
    "static",
    "tests",
    "docker",
}

# Each part may import the parts named here (and itself), and `tunebook`. The design's rules 2 to 4.
MODELS = {"workspaces", "tags", "experiments", "trials", "feed", "search"}
PEOPLE = {"audit", "discussion", "sharing"}
ALLOWED = {
    "tunebook": set(),
    "workspaces": set(),
    "tags": {"workspaces"},
    "feed": set(),
    "experiments": {"workspaces", "tags"},
    "trials": {"workspaces", "tags", "experiments"},
    "search": {"workspaces", "tags", "experiments", "trials", "discussion"},
    "artifacts": {"workspaces", "tags", "experiments", "trials"},
    "insights": {"workspaces", "tags", "experiments", "trials", "feed"},
    "audit": {"workspaces"},
    "discussion": {"workspaces", "tags", "experiments", "trials"},
    "sharing": {"workspaces", "tags", "experiments"},
    "reports": {"workspaces", "tags", "experiments", "trials", "insights", "discussion"},
    "tuning": MODELS | {"artifacts"} | PEOPLE,
    "optimizer": MODELS | {"insights", "artifacts", "tuning"} | PEOPLE,
    "dialects": MODELS | {"insights", "artifacts", "tuning", "reports"} | PEOPLE,
    "dashboard": MODELS | {"insights", "artifacts", "tuning", "reports"} | PEOPLE,
    "live": MODELS | {"tuning"},
    "config": MODELS | {"insights", "tuning", "optimizer", "dialects", "dashboard", "live"},
}
# What the library may use of others, and where (rule 1); everywhere else it is the standard library alone.
NUMERICS = {"numpy", "scipy", "sklearn", "threadpoolctl"}
NUMERIC_PARTS = ("tunebook.samplers", "tunebook.importance", "tunebook.examples")
YAML_READERS = {"tunebook.wire.text", "tunebook.sweep.files"}
POSTGRESQL_READERS = {"tunebook.imports.store"}


@dataclass(frozen=True)
class Import:
    """One imported module, in the module and line where it is asked for."""

    module: str
    line: int
    target: str
    inside_function: bool
    for_types: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def name_of(path: Path) -> str:
    """The dotted name of a file as its own layer is called: `tunebook.x` for the library, else `apps.x`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts[1:] if parts[:2] == ("apps", "tunebook") else parts)


def sources(folder: Path = APPS) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


MODULES = {name_of(path) for path in sources()}


def imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """Every import of a source, also those inside functions, under `if TYPE_CHECKING` and by import_module("...")."""
    package = module.split(".") if is_package else module.split(".")[:-1]

    def visit(node: ast.AST, inside: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            for target in targets(child, package):
                yield Import(module, child.lineno, target, inside, typing)
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            yield from visit(child, inside or is_function, typing or is_typing)

    yield from visit(ast.parse(source), False, False)


def targets(node: ast.AST, package: list[str]) -> list[str]:
    """The modules that one statement asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        return [inner if (inner := f"{origin}.{alias.name}") in MODULES else origin for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


@cache
def all_imports() -> list[Import]:
    """Every import of ours. Reading them takes seconds: the first test that asks does it, not whoever collects tests."""
    found = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        found += imports_of(text, name_of(path), is_package=path.name == "__init__.py")
    return found


def part(module: str) -> str:
    """The part of the design a module belongs to: "experiments", "tunebook" ...; empty for what is not ours."""
    names = module.split(".")
    if names[0] == "tunebook":
        return "tunebook"
    return names[1] if names[0] == "apps" and len(names) > 1 else ""


def dialect(module: str) -> str:
    """Which vendor's folder a module lies in; empty for what the dialects share."""
    names = module.split(".")
    return (
        names[2]
        if names[:2] == ["apps", "dialects"] and len(names) > 2 and (APPS / "dialects" / names[2]).is_dir()
        else ""
    )


def listed(imports: list[Import]) -> str:
    return "\n".join(map(str, imports))


def test_every_part_has_its_place_in_the_table():
    parts = {path.name for path in APPS.iterdir() if path.is_dir() and path.name[0] not in "._"}

    assert parts <= set(ALLOWED)


def test_imports_point_down_only():
    wrong = [
        found
        for found in all_imports()
        if (wanted := part(found.target))
        and wanted not in ALLOWED[part(found.module)] | {part(found.module), "tunebook"}
    ]

    assert not wrong, listed(wrong)


def test_the_library_is_imported_by_its_own_name():
    wrong = [found for found in all_imports() if found.target.startswith("apps.tunebook")]

    assert not wrong, listed(wrong)


def test_the_library_needs_only_the_standard_library():
    wrong = []
    for found in all_imports():
        root = found.target.split(".")[0]
        if part(found.module) != "tunebook" or root in sys.stdlib_module_names or root == "tunebook":
            continue
        if root in NUMERICS and found.module.startswith(NUMERIC_PARTS):
            continue
        if root == "yaml" and found.module in YAML_READERS:
            continue
        if root == "psycopg" and found.module in POSTGRESQL_READERS:
            continue
        if found.module.startswith("tunebook.examples.plugins"):
            continue  # run by their own requirements, in processes of their own
        wrong.append(found)

    assert not wrong, listed(wrong)


def test_no_dialect_imports_another():
    wrong = [
        found
        for found in all_imports()
        if dialect(found.module) and dialect(found.target) not in {"", dialect(found.module)}
    ]

    assert not wrong, listed(wrong)


def test_the_executors_and_the_runner_know_no_models_and_no_verbs():
    reached = [name for name in MODULES if name.startswith(("apps.optimizer.executors", "apps.optimizer.runner"))]
    wrong = []
    for name in reached:  # grows: what they import of the optimizer's must keep to it too
        for found in [found for found in all_imports() if found.module == name]:
            if part(found.target) not in {"", "optimizer", "tunebook"} or found.target.startswith("django.db"):
                wrong.append(found)
            if found.target in MODULES and part(found.target) == "optimizer" and found.target not in reached:
                reached.append(found.target)

    assert not wrong, listed(wrong)


def test_the_runner_needs_only_the_standard_library():
    runner = "apps.optimizer.runner"
    wrong = [
        found
        for found in all_imports()
        if f"{found.module}.".startswith(f"{runner}.")
        and not f"{found.target}.".startswith((f"{runner}.", "runner."))  # its own, the latter when started by its path
        and found.target.split(".")[0] not in sys.stdlib_module_names
    ]

    assert not wrong, listed(wrong)


def test_what_runs_before_anything_is_installed_needs_only_the_standard_library():
    early = {"apps.config.bootstrap", "apps.config.supervisor", "apps.config.readiness"}
    wrong = [
        found
        for found in all_imports()
        if found.module in early
        and found.target not in early
        and found.target.split(".")[0] not in sys.stdlib_module_names
    ]

    assert not wrong, listed(wrong)


def test_nothing_of_ours_is_imported_inside_a_function_to_get_around_the_rules():
    wrong = [
        found
        for found in all_imports()
        if found.inside_function
        and part(found.target)
        and part(found.module) != "tunebook"
        # everybody may import the library, so loading it late gets around nothing; its samplers bring numpy along
        and part(found.target) != "tunebook"
        # an AppConfig may load its own part's modules once the models are ready
        and not (found.module.endswith(".apps") and part(found.target) == part(found.module))
    ]

    assert not wrong, listed(wrong)


def test_an_import_for_types_only_points_down_too():
    wrong = [
        found
        for found in all_imports()
        if found.for_types
        and part(found.target)
        and part(found.target) not in ALLOWED[part(found.module)] | {part(found.module), "tunebook"}
    ]

    assert not wrong, listed(wrong)


def test_the_top_level_holds_only_what_the_design_names():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = {line.split("/")[0] for line in listing.splitlines()} or {path.name for path in ROOT.iterdir()}

    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize(
    "source",
    [
        "import apps.tuning.trials",
        "from apps.tuning import trials",
        "from apps import tuning",
        "from ..tuning import trials",
        "from .. import tuning",
        "def f():\n    import apps.tuning",
        "if TYPE_CHECKING:\n    from apps.tuning import trials",
        "import importlib\nimportlib.import_module('apps.tuning')",
    ],
)
def test_every_way_to_write_an_import_is_seen(source):
    found = imports_of(source, "apps.trials.models")

    assert "tuning" in [part(one.target) for one in found]
