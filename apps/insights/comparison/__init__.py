"""Several experiments, or several trials, on one scale: what the charts and tables of a comparison are made of.

Every function takes all of them at once and asks the database as often for two as for twelve.
"""

from apps.insights.comparison.densities import Density, Parameter, densities, names_of
from apps.insights.comparison.hues import HUES, Look, looks
from apps.insights.comparison.lines import best_so_far, curves_of, distributions
from apps.insights.comparison.results import Result, common_level, results, shares_of
from apps.insights.comparison.tables import table

__all__ = [
    "HUES",
    "Density",
    "Look",
    "Parameter",
    "Result",
    "best_so_far",
    "common_level",
    "curves_of",
    "densities",
    "distributions",
    "looks",
    "names_of",
    "results",
    "shares_of",
    "table",
]
