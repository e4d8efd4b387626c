"""Sweeps on a server, with the verbs of MLClient: `Client().jobs.create_or_update(job)`."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL
from tunebook.sweep.conversion import from_job, to_job
from tunebook.sweep.errors import ValidationException
from tunebook.sweep.loading import load_document
from tunebook.sweep.sweep_job import SweepJob
from tunebook.sweep.yaml_form import sweep_form
from tunebook.wire.run_words import experiment_status

if TYPE_CHECKING:
    from tunebook.client import Client

EXPERIMENT_TAG = "experiment"
PAGE = 100


class Jobs:
    """The sweeps that a client can see. A sweep that comes from the server has its key as `name`."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def create_or_update(self, job: SweepJob, **kwargs: Any) -> SweepJob:
        """Submit a sweep; what comes back has its key, its status and its page.

        Raises SpecError, before anything is sent, with the place in the sweep of what is wrong.
        """
        tags = {**job.tags, **({EXPERIMENT_TAG: job.experiment_name} if job.experiment_name else {})}
        made = self._client.submit(
            self._client.with_code(to_job(job)).to_dict(),
            name=job.display_name or job.name or "",
            description=job.description or "",
            tags={name: str(value) for name, value in tags.items()},
            made_from=_file_of(job),
        )
        return self._sweep(made)

    def get(self, name: str) -> SweepJob:
        """One sweep. Raises ClientError when there is none, SpecError when Azure has no words for it."""
        return self._sweep(self._client.experiment(name))

    def list(self, *, max_results: int | None = None, **filters: Any) -> Iterator[SweepJob]:
        """The sweeps, newest first: name, display name, tags and status of each.

        filters: as `Client.experiments` has them.
        """
        seen, page = 0, 1
        while True:
            found = self._client.experiments(page=page, page_size=PAGE, **filters)
            for one in found["items"]:
                if max_results is not None and seen >= max_results:
                    return
                seen += 1
                yield SweepJob(**self._known(one))
            if seen >= found["total"] or not found["items"]:
                return
            page += 1

    def begin_cancel(self, name: str) -> SweepJob:
        """Ask a sweep to stop."""
        self._client.stop(name)
        return self.get(name)

    cancel = begin_cancel

    def stream(self, name: str, *, file: IO[str] | None = None) -> SweepJob:
        """Print each change of a sweep until it has ended; the sweep as it then stands."""
        shown = ""
        for found in self._client.watch(name):
            line = _line(found)
            if line != shown:
                print(line, file=file or sys.stdout, flush=True)
            shown = line
        return self.get(name)

    def best_trial(self, name: str) -> dict[str, Any] | None:
        """The trial with the best value so far: its number, parameters and value; None while there is none."""
        best = self._client.experiment(name).get("best")
        return self._client.trial(name, best["trial"]) if best else None

    def _sweep(self, found: Mapping[str, Any]) -> SweepJob:
        sweep = from_job(Job.from_dict(found["job"]))
        members = vars(SweepJob(**self._known(found)))
        known = ("name", "display_name", "description", "experiment_name", "tags", "services", "_id", "_status")
        for member in known:
            setattr(sweep, member, members[member])
        return sweep

    def _known(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """What every answer tells of a sweep."""
        tags = dict(found.get("tags") or {})
        page = f"{self._client.url}/w/{found.get('workspace', '')}/e/{found['key']}/"
        return {
            "id": found["key"],
            "name": found["key"],
            "display_name": found.get("name") or None,
            "description": found.get("description") or None,
            "experiment_name": tags.pop(EXPERIMENT_TAG, None),
            "tags": tags,
            "status": experiment_status(found["status"], found.get("desired", "run")),
            "services": {"Studio": {"endpoint": page}},
        }


def _file_of(job: SweepJob) -> str:
    """The sweep file that says the same, as JSON, which is YAML too; empty where a sweep is more than a file can say."""
    try:
        form = sweep_form(job)
        load_document(form)
        return json.dumps(form, indent=2, ensure_ascii=False)
    except (SpecError, ValidationException, TypeError, ValueError):
        return ""


def _line(found: Mapping[str, Any]) -> str:
    counts = found.get("counts") or {}
    best = found.get("best") or {}
    ended = sum(number for status, number in counts.items() if status in ENDED_TRIAL)
    parts = [
        experiment_status(found["status"], found.get("desired", "run")),
        f"{ended}/{found.get('max_trials') or sum(counts.values())} trials ended",
        *([f"best {best['value']} (trial {best['trial']})"] if best else []),
        *([str(found["reason"])] if found["status"] in ENDED_EXPERIMENT and found.get("reason") else []),
    ]
    return ", ".join(parts)
