"""What the results of an experiment say: which parameters matter, and what failures have in common.

Runs as a program: `python -m tunebook.findings [SECONDS]` reads a request as JSON from the standard input and writes the
answer, so that a server leaves the work, and the libraries it needs, to a process of its own. It is ended by SIGXCPU when
it has taken so many seconds of the processor's time.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.importance import importance
from tunebook.objective import Objective
from tunebook.rules import kind_of, rule
from tunebook.space import Space

MOST_GROUPS = 20


def findings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to {"space", "objective", "results": [[params, value]], "failed": [[number, params, reason]], "seed"}.

    `importance` is None when there are too few results; `failures` are groups of one reason each, the largest first.
    """
    space, objective = Space.from_dict(request["space"]), Objective.from_dict(request["objective"])
    results = [(params, value) for params, value in request["results"]]
    found = importance(space, objective, results, request.get("seed", 0))
    fine = [space.flatten(params) for params, _ in results]
    failed = [(number, space.flatten(params), reason) for number, params, reason in request["failed"]]
    return {"importance": found.to_dict() if found is not None else None, "failures": groups(failed, fine)}


def groups(
    failed: Sequence[tuple[int, Mapping[str, Any], str]], fine: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Failures by reason, numbers in it aside, each with what they have in common that the others have not."""
    alike: dict[str, list[tuple[int, Mapping[str, Any], str]]] = defaultdict(list)
    for one in failed:
        alike[kind_of(one[2])].append(one)
    ordered = sorted(alike.values(), key=lambda group: -len(group))[:MOST_GROUPS]
    made = []
    for group in ordered:
        common = rule([params for _, params, _ in group], fine)
        made.append(
            {
                "reason": group[-1][2],
                "number": len(group),
                "latest": max(number for number, _, _ in group),
                "rule": common.to_dict() if common is not None else None,
            }
        )
    return made


def main() -> None:
    """Answer one request, behind everything else this machine has to do."""
    if hasattr(os, "nice"):
        os.nice(10)
    for seconds in sys.argv[1:2]:
        limit_time(int(seconds))
    json.dump(findings(json.load(sys.stdin)), sys.stdout)


def limit_time(most: int) -> None:
    """End this process when it has taken so many seconds of the processor's time, where the system can do that."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
