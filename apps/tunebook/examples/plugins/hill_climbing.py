"""A small plugin algorithm that needs nothing: steps around the best trial, which get shorter with time.

"sampling": {"name": "plugin", "options": {"path": "/srv/plugins/hill_climbing.py", "arguments": {"step": 0.2}}}
"""

import random
from typing import Any


class Plugin:
    """Hill climbing over uniform parameters; all others stay at a random value.

    step: the first step's length as a share of each parameter's range.
    """

    def __init__(self, space: dict[str, Any], objective: dict[str, Any], seed: int, step: float = 0.3) -> None:
        wrong = [name for name, declared in space.items() if declared["type"] != "uniform"]
        if wrong:
            raise ValueError(f"only uniform parameters can be searched, not {', '.join(wrong)}")
        self.space = space
        self.sign = 1 if objective["goal"] == "minimize" else -1
        self.seed = seed
        self.step = step

    def ask(self, count: int, trials: list[dict[str, Any]]) -> list[dict[str, float]]:
        done = [trial for trial in trials if trial["value"] is not None]
        best = min(done, key=lambda trial: self.sign * trial["value"])["params"] if done else None
        length = self.step / (1 + len(done) / 10)
        return [self._near(best, length, random.Random(f"{self.seed}/{len(trials) + place}")) for place in range(count)]

    def _near(self, best: dict[str, float] | None, length: float, draw: random.Random) -> dict[str, float]:
        params = {}
        for name, declared in self.space.items():
            low, high = declared["min_value"], declared["max_value"]
            value = draw.uniform(low, high) if best is None else best[name] + draw.gauss(0, length) * (high - low)
            params[name] = min(max(value, low), high)
        return params
