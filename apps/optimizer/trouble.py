"""What goes wrong with one experiment, and how that is kept from the others."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from apps.experiments.models import Experiment
from apps.optimizer.steps.ask import SamplerFailed
from apps.optimizer.work import SAMPLER_FAILED
from apps.tuning import leases
from apps.tuning.errors import UNAVAILABLE, Fenced, Overtaken
from apps.tuning.leases import Lease

if TYPE_CHECKING:
    from apps.optimizer.worker import OptimizerWorker

log = logging.getLogger(__name__)

LONGEST_REST = leases.LONGEST_REST.total_seconds()


class Trouble:
    """Around the handling of one experiment: what goes wrong is recorded on it and delays only it."""

    def __init__(self, worker: OptimizerWorker, lease: Lease) -> None:
        self.worker, self.lease = worker, lease

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if error is None or not isinstance(error, Exception) or isinstance(error, UNAVAILABLE):
            if error is not None:
                self.worker.drop(self.lease.experiment_id)
                if isinstance(error, Exception):
                    self.note(f"the database failed in the middle of a turn: {error}", level="warning")
            return False
        self.worker.drop(self.lease.experiment_id)
        if isinstance(error, Fenced):
            log.info("experiment %s has another driver", self.lease.key)
            self.note(f"{self.worker.name} lost it to another driver", level="warning")
            return True
        if isinstance(error, Overtaken):
            log.info("experiment %s is read anew: %s", self.lease.key, error)
            self.note(f"read anew: {error}")
            self.worker.take(self.lease)
            return True
        reason = (
            f"{SAMPLER_FAILED}: {error}"
            if isinstance(error, SamplerFailed)
            else f"{kind.__name__ if kind else ''}: {error}"
        )
        log.error("experiment %s is set aside", self.lease.key, exc_info=error)
        rest = self.set_aside(reason)
        self.note(f"set aside for {rest:g} s: {reason}", level="error", error=error)
        return True

    def note(self, text: str, *, level: str = "info", error: BaseException | None = None) -> None:
        self.worker.note(self.lease, text, level=level, error=error)

    def set_aside(self, reason: str) -> float:
        """Record what is wrong; for how many seconds the experiment rests."""
        row = Experiment.objects.filter(pk=self.lease.experiment_id).values_list("troubles", flat=True).first()
        rest = min(2.0 ** (row or 0), LONGEST_REST)
        try:
            leases.set_aside(self.lease, reason[:2000], again_in=timedelta(seconds=rest))
        except Fenced:
            log.info("experiment %s has another driver", self.lease.key)
        return rest
