"""Cheap functions of mixed and nested parameters: as losses of models are, but thousands of them, in milliseconds.

Few parameters count much, the best lies on a bound at times, each option moves it, shuts some parameters off and costs
something itself, the whole lies across the axes or not, is rough or stepped or smooth, and levels off far from the best.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.benchmarks.optimizer.problems import Problem
from tunebook import Choice, LogUniform, Randint, Space, Uniform


def nested(number: int) -> Problem:
    """The function of this number, to be minimised; only the best of all runs is known of its optimum."""
    draw = np.random.default_rng(90_000 + number)
    dimension, choices = int(draw.integers(2, 6)), int(draw.integers(1, 4))
    space: dict[str, Any] = {f"x{index}": _numeric(draw) for index in range(dimension)}
    sizes = [int(draw.integers(2, 5)) for _ in range(choices)]
    has_nested = bool(draw.integers(2))
    for place, size in enumerate(sizes):
        space[f"c{place}"] = _choice(size, has_nested and place == 0)
    return Problem("nested", f"f{number}", Space(space), _function(draw, Space(space), dimension, sizes))


def _numeric(draw: np.random.Generator) -> Any:
    kind, whole = draw.integers(3), int(draw.integers(6, 40))
    return (Uniform(0, 1), LogUniform.between(1e-4, 1.0), Randint(whole, lower=1))[kind]


def _choice(size: int, has_nested: bool) -> Choice:
    options: list[Any] = [f"o{option}" for option in range(size)]
    if has_nested:
        options[-1] = {"_name": options[-1], "y": Uniform(0, 1), "z": LogUniform.between(1e-3, 1)}
        if size > 2:
            options[0] = {"_name": options[0], "w": Uniform(0, 1)}
    return Choice(options)


def _function(
    draw: np.random.Generator, space: Space, dimension: int, sizes: list[int]
) -> Callable[[Mapping[str, Any]], float]:
    weight, centre = np.exp(draw.normal(0, 1.2, dimension)), draw.uniform(-0.1, 1.1, dimension)
    moves = [draw.normal(0, 0.15, (size, dimension)) * (draw.random((size, dimension)) < 0.5) for size in sizes]
    counts = [(draw.random((size, dimension)) > 0.25).astype(float) for size in sizes]
    costs = [np.abs(draw.normal(0, 0.25, size)) * (draw.random() < 0.8) for size in sizes]
    costs = [cost - cost.min() for cost in costs]
    tilt = np.eye(dimension)
    if draw.random() < 0.5:
        tilt = np.linalg.qr(draw.normal(size=(dimension, dimension)))[0]
    power, roughness, steps = draw.choice([1.0, 2.0, 2.0]), draw.choice([0.0, 0.02, 0.05]), draw.choice([0, 0, 20, 40])
    inner, far = draw.uniform(0, 1, 4), draw.uniform(0.3, 1.5)
    waves, phase = draw.normal(0, 6, (3, dimension)), draw.uniform(0, 6.28, 3)
    leaves = space.leaves()

    def evaluate(params: Mapping[str, Any]) -> float:
        flat = space.flatten(params)
        x = np.array([leaves[f"x{index}"][0].position(flat[f"x{index}"]) for index in range(dimension)])
        if steps:
            x = (np.floor(x * steps) + 0.5) / steps
        chosen = [int(str(flat[f"c{place}"])[1:]) for place in range(len(sizes))]
        middle = centre + sum(move[option] for move, option in zip(moves, chosen, strict=True))
        along = weight * np.prod([count[option] for count, option in zip(counts, chosen, strict=True)], axis=0)
        away = float((np.abs(tilt @ ((x - middle) * along)) ** power).sum())
        away += sum(float(cost[option]) for cost, option in zip(costs, chosen, strict=True))
        below = sorted(name for name in flat if "." in name)
        for name, best in zip(below, inner, strict=False):
            away += 0.5 * float(leaves[name][0].position(flat[name]) - best) ** 2
        rough = float(roughness * np.sin(waves @ x + phase + sum(chosen)).sum())
        return 1.1 - math.exp(-away / far) + rough

    return evaluate
