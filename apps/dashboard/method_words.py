"""What the options of samplers and early-termination rules do, in words, for the form that asks for them.

Those of samplers are what `tunebook.samplers` says, which a web process does not load; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, tuple[str, ...]]

OF_EVERY_POLICY = (
    "delay_evaluation (0): do not judge before so many measurements",
    "evaluation_interval (1): judge at every so-manieth measurement",
)
POLICY_OPTIONS: Words = {
    "bandit": (
        "slack_factor: the distance from the best that is allowed, as a ratio, e.g. 0.2; this or slack_amount is required",
        "slack_amount: the same as an amount",
        *OF_EVERY_POLICY,
    ),
    "median_stopping": OF_EVERY_POLICY,
    "truncation_selection": (
        "truncation_percentage: the share to cut, a whole number from 1 to 99; required",
        "exclude_finished_jobs (false): rank only trials that still run",
        *OF_EVERY_POLICY,
    ),
    "pai_assessor": (
        "start_step (0): measurements before the first judgement",
        "proportion (0.5): the quantile that stands for the middle, counted from the worst",
        "moving_avg (false): compare with the others' means up to the step instead of their values at it",
        "earlystop (true): false switches the comparison with others off",
        "patience: stop after so many measurements in a row without improvement; without it never",
        *OF_EVERY_POLICY,
    ),
    "nni_medianstop": ("start_step (0): measurements before the first judgement", *OF_EVERY_POLICY),
    "curve_fitting": (
        "epoch_num (20): the last measurement, whose value is predicted",
        "start_step (6): measurements before the first judgement",
        "threshold (0.95): the share of the best finished value that must be reached",
        "gap (1): judge at every so-manieth measurement after the first",
        *OF_EVERY_POLICY,
    ),
    "halving": (
        "min_steps (1): the first step at which trials are compared",
        "eta (3): so many trials for each that goes on, and so much further to the next comparison",
        *OF_EVERY_POLICY,
    ),
}
OF_BUDGETS = (
    "resource (budget): the name under which a trial gets its budget",
    "min_resource (1): the smallest budget",
    "max_resource (81): the largest budget, which the best trials get",
    "eta (3.0): of so many trials one goes on with so many times the budget",
)
OF_BRACKETS = (
    *OF_BUDGETS,
    "exec_mode (serial): whether brackets wait for one another; one of serial, parallelism",
    "rounds (0): how often all brackets are run; 0 is without end",
)
SAMPLER_OPTIONS: Words = {
    "random": (
        "rule (random): random, or sobol for evenly spread points; one of random, sobol",
        "logbase (e): the base of which the bounds of log types are exponents",
    ),
    "grid": ("order (bisect): bisect: middles first, then quarters; listed: ascending; one of bisect, listed",),
    "tpe": (
        "n_startup (10): trials spread evenly before the model is asked",
        "n_candidates (64): draws from the good trials' density, of which the best is taken",
        "rule (linear): good trials are gamma x n, or gamma x sqrt(n); one of linear, sqrt",
        "gamma (0.1): the ratio in that rule",
        "linear_forgetting (25): at most so many good trials, and so many latest ones count fully",
        "prior_weight (1.0): how many trials the prior counts for",
        "constant_liar (worst): what running trials count as; one of worst, mean, best, none",
        "failures (avoid): whether failed trials count as bad ones; one of avoid, ignore",
    ),
    "bayesian": (
        "n_startup (10): trials spread evenly before the model is asked",
        "acquisition (ei): expected improvement, confidence bound or probability; one of ei, ucb, poi",
        "kappa (2.0): how many deviations the confidence bound reaches",
        "xi (0.0): the least improvement that counts, in deviations of all values",
        "n_candidates (2000): random points at which the promise is reckoned first",
        "noise (fitted): none: the same parameters always come to the same value; one of fitted, none",
        "beside_choices (tpe): what is asked in turn where parameters are choices; one of tpe, nothing",
    ),
    "gp": (
        "utility (ei): expected improvement, confidence bound or probability; one of ei, ucb, poi",
        "kappa (5.0): how many deviations the confidence bound reaches",
        "xi (0.0): the least improvement that counts, in deviations of all values",
        "nu (2.5): smoothness of the kernel; it always is 2.5 here",
        "alpha (1e-06): noise of the values; it is fitted here",
        "cold_start_num (10): trials spread evenly before the model is asked; 2 at least",
        "selection_num_warm_up (2000): points looked at first; 10,000 at most",
        "selection_num_starting_points (5): points from which to look on; there always are 5 here",
    ),
    "evolution": (
        "population_size (32): so many latest trials are the population; so many start it",
        "sample_size (8): of so many members drawn at random the best is the parent",
    ),
    "cmaes": (
        "population_size (0): trials in a generation; 0: 4 + 3 ln(parameters)",
        "sigma (0.15): the first step, as a share of each range",
        "n_startup (0): trials spread evenly at the start; 0: as many as a generation",
    ),
    "anneal": (
        "n_startup (6): trials spread evenly before a neighbourhood is drawn from",
        "best_rank (2.0): the mean rank, from 1 on, of the trial that is started from",
        "shrink (0.1): how fast neighbourhoods get smaller with the number of trials",
    ),
    "experiments": ("experiments: the parameter sets, in the order in which they are to be tried",),
    "hyperband": OF_BRACKETS,
    "halving": OF_BUDGETS,
    "bohb": (
        *OF_BRACKETS,
        "min_points (0): results of one budget before its model is asked; 0: parameters + 2",
        "random_fraction (0.3333333333333333): the share of new configurations that is drawn at random",
        "n_candidates (64): draws from the model, of which the best is taken",
        "gamma: the share of results that are good ones; without it as tpe has it",
    ),
    "pbt": (
        "all_checkpoint_dir: the folder of all checkpoints; without it the server keeps them",
        "population_size (10): trials of a generation",
        "factor (0.2): by which share numbers are changed",
        "resample_probability (0.25): how often a parameter is drawn anew instead",
        "fraction (0.2): the share of the worst that is replaced by copies of the best",
        "generations (0): how many there are; 0 is without end",
    ),
    "plugin": (
        "path: the plugin's file, or the folder of its module",
        "module: the module's name; that of the file where path is one",
        "class (Plugin): the class in that module",
        "arguments: what the class is made with, by name",
        "python: the interpreter; without it the one that runs the optimizer",
        "call_seconds (60.0): how long one call may take, not counting the start",
        "memory_mb (2048): how much memory the process may have, in MiB",
    ),
}
