"""Judge: ask the policy about each trial that has reported since the last time."""

from __future__ import annotations

from apps.optimizer.work import Work
from apps.tuning.driving import Tick


def judge(work: Work, tick: Tick) -> None:
    """Note which trials the policy wants to end; their processes are stopped after the tick."""
    policy = work.job.policy
    for live in work.live.values():
        if not live.has_new_points:
            continue
        live.has_new_points = False
        if policy is None:
            continue
        trial = work.views[live.trial.number]
        decision = policy.review(trial, work.history(), judged=live.judged)
        live.judged = len(trial.curve)
        if decision.stop:
            tick.ask_to_stop(live.trial, by="policy", reason=decision.reason)
