"""The program that runs attempts on other machines: one file, which each of them fetches from the server.

It holds the runner as it is used here, the courier around it, and the library, for scripts that say `from tunebook import
run` on a machine where it is not installed.
"""

from __future__ import annotations

import os
import secrets
import shlex
import zipfile
from pathlib import Path

import tunebook
from apps.optimizer import courier, home, runner
from tunebook import mirror

LIBRARY = "lib"
"""The folder of the library in the file; it goes to the end of the script's search path."""
MAIN = "from apps.optimizer.courier import main\n\nraise SystemExit(main())\n"
FETCH = """
import os,ssl,sys,tempfile,time,urllib.request as r
e=os.environ
c=ssl.create_default_context(cadata=e["TUNEBOOK_AUTHORITY"]) if e.get("TUNEBOOK_AUTHORITY") else None
q=r.Request(e["TUNEBOOK_URL"]+"/api/tunebook/v1/attempts/self/runner",headers={"Authorization":"Bearer "+e["TUNEBOOK_TOKEN"]})
for n in range(6):
 try:
  d=r.urlopen(q,context=c,timeout=20).read();break
 except OSError as x:
  if getattr(x,"code",0) in (401,409) or n==5: sys.exit("Tunebook at %s gives no work: %s"%(e["TUNEBOOK_URL"],x))
  time.sleep(2**n)
f=os.path.join(tempfile.mkdtemp(prefix="tunebook-"),"remote.pyz")
open(f,"wb").write(d)
os.execv(sys.executable,[sys.executable,"-E",f])
"""


def entrypoint() -> str:
    """The shell line that fetches the file and runs it, on a machine that has Python and nothing of ours."""
    return f"exec python3 -c {shlex.quote(FETCH)}"


def write(data: Path) -> Path:
    """Put the file where the server finds it; one that is being fetched stays whole."""
    target = data / "run" / mirror.BUNDLE
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{mirror.BUNDLE}-{secrets.token_hex(4)}")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", MAIN)
        for package in ("apps", "apps/optimizer"):
            archive.writestr(f"{package}/__init__.py", "")
        for file in (Path(courier.__file__), Path(home.__file__), *sources_of(runner.__file__)):
            archive.write(file, f"apps/optimizer/{file.relative_to(Path(courier.__file__).parent)}")
        library = Path(tunebook.__file__).parent
        for file in sorted(library.rglob("*.py")):
            if "examples" not in file.parts:
                archive.write(file, f"{LIBRARY}/tunebook/{file.relative_to(library)}")
    os.replace(draft, target)
    return target


def sources_of(module: str) -> list[Path]:
    """The file of a module, or all files of a package."""
    file = Path(module)
    return sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
