"""What pyproject.toml and the pins promise."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = (ROOT / "apps" / "config" / "constraints.txt").read_text(encoding="ascii").splitlines()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: str) -> set[str]:
    requirements = PROJECT["project"]["optional-dependencies"][extra]
    return {plain(re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]) for requirement in requirements}


def imported(folder: Path) -> set[str]:
    """The top-level names that the sources below a folder import."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        if "examples" in path.parts:
            continue  # scripts of users, which run in an environment of their own choice
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


def test_the_packages_listed_are_those_in_the_tree():
    library = ROOT / "apps" / "tunebook"
    found = {path.parent.relative_to(library.parent) for path in library.rglob("__init__.py")}

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {".".join(path.parts) for path in found}


def test_whatever_the_server_imports_is_a_declared_dependency():
    distributions = metadata.packages_distributions()
    ours = {"apps", "tunebook", "tests", "runner"}  # the last is a folder started by its path: its own imports are bare
    others = {name for name in imported(ROOT / "apps") if name not in sys.stdlib_module_names and name not in ours}
    owners = {plain(distributions[name][0]) for name in others}

    assert owners <= declared("server")


def test_every_declared_dependency_has_one_pinned_version():
    pinned = [plain(line.split("==")[0]) for line in PINS if not line.startswith("#")]

    assert len(pinned) == len(set(pinned))
    assert declared("server") | declared("dev") <= set(pinned)


def test_the_pins_name_packages_and_versions_and_never_an_address():
    assert all(line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+]+", line) for line in PINS)


def test_the_library_alone_needs_nothing_installed():
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'apps')!r}); import tunebook, tunebook.run, tunebook.job, tunebook.sampling"

    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_containers_get_every_variable_that_is_written_down_for_them():
    services = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text(encoding="utf-8"))["services"]

    for name in ("web", "optimizer"):
        assert services[name]["env_file"] == "env"
        assert services[name]["environment"].keys() == {"TUNEBOOK_DATABASE_URL", "TUNEBOOK_SECRET_KEY"}


def test_the_example_of_the_containers_names_variables_that_there_are():
    text = (ROOT / "docker" / "env.example").read_text(encoding="utf-8")
    known = (ROOT / "apps" / "config" / "env.py").read_text(encoding="utf-8")

    named = set(re.findall(r"^(?:# )?(TUNEBOOK_\w+)=", text, re.MULTILINE)) - {"TUNEBOOK_LISTEN"}

    assert {name for name in named if f'"{name}"' not in known} == set()
