"""Several experiments, or several trials, on one scale: what the charts and tables of a comparison are made of.

Every function takes all of them at once and asks the database as often for two as for twelve.
"""

from apps.insights.comparison.hues import HUES, Look, looks
from apps.insights.comparison.lines import best_so_far, curves_of, distributions
from apps.insights.comparison.results import Result, common_level, results, shares_of

__all__ = [
    "HUES",
    "Look",
    "Result",
    "best_so_far",
    "common_level",
    "curves_of",
    "distributions",
    "looks",
    "results",
    "shares_of",
]
