"""Samplers: which parameters to try next. They need numpy and scipy, and are imported by name only.

Example:
    >>> from tunebook.samplers import build
    >>> build(Sampling("tpe"), space, objective, seed=7).ask(history, 4)
"""

from collections.abc import Mapping
from typing import Any, Protocol

from tunebook.errors import SpecError
from tunebook.fields import below, unknown
from tunebook.limits import Limits
from tunebook.objective import Objective
from tunebook.samplers.anneal import AnnealSampler
from tunebook.samplers.auto import AutoSampler
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.bayesian import BayesianSampler
from tunebook.samplers.bohb import BohbSampler
from tunebook.samplers.cmaes import CmaesSampler
from tunebook.samplers.evolution import EvolutionSampler
from tunebook.samplers.experiments import ExperimentsSampler
from tunebook.samplers.gp import GpSampler
from tunebook.samplers.grid import GridSampler
from tunebook.samplers.halving import HalvingSampler
from tunebook.samplers.hyperband import HyperbandSampler
from tunebook.samplers.pbt import PbtSampler
from tunebook.samplers.plugin import PluginSampler
from tunebook.samplers.random_search import RandomSampler
from tunebook.samplers.sobol import SobolSampler
from tunebook.samplers.tpe import TpeSampler
from tunebook.space import Space

__all__ = ["SAMPLERS", "Sampler", "Suggestion", "build"]

SAMPLERS: dict[str, type[Sampler]] = {
    "auto": AutoSampler,
    "random": RandomSampler,
    "sobol": SobolSampler,
    "grid": GridSampler,
    "tpe": TpeSampler,
    "bayesian": BayesianSampler,
    "gp": GpSampler,
    "evolution": EvolutionSampler,
    "cmaes": CmaesSampler,
    "anneal": AnnealSampler,
    "experiments": ExperimentsSampler,
    "hyperband": HyperbandSampler,
    "halving": HalvingSampler,
    "bohb": BohbSampler,
    "pbt": PbtSampler,
    "plugin": PluginSampler,
}


class Declaration(Protocol):
    """What is needed of a ``tunebook.sampling.Sampling``."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> Mapping[str, Any]: ...


def build(
    sampling: Declaration, space: Space, objective: Objective, seed: int, limits: Limits | None = None
) -> Sampler:
    """The sampler that is declared, ready to be asked. ``limits`` tell it what is planned, where that is known.

    Raises SpecError with a path below ``sampling`` for an unknown name or option, below ``space`` for a space that
    this sampler cannot search.
    """
    if sampling.name not in SAMPLERS:
        raise SpecError("sampling.name", unknown(sampling.name, SAMPLERS, "sampler"))
    kind = SAMPLERS[sampling.name]
    kind.check(space)
    with below("sampling.options"):
        return kind(space, objective, seed, limits=limits, **sampling.options)
