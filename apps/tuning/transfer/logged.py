"""What scripts have logged in words, as parameters and tags, to a document and out of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from apps.artifacts import remarks
from apps.artifacts.models import Remark
from apps.trials.models import Trial
from tunebook.errors import SpecError
from tunebook.fields import Fields

MEMBER = "logged"
TEXTS = {"params": remarks.PARAM, "tags": remarks.TAG}
NAME, DATASETS = "name", "datasets"
BATCH = 500
Logged = dict[str, Any]


def of(trials: Iterable[int]) -> dict[int, Logged]:
    """What the scripts of these trials (by row id) have logged; none for a trial whose script has not. One query.

    Models are left out, as their files are.
    """
    members = {kind: member for member, kind in TEXTS.items()}
    found: dict[int, Logged] = defaultdict(dict)
    for row in remarks.of(trials, *members, remarks.INPUT, remarks.RUN):
        one = found[row.trial_id]
        if row.kind in members:
            one.setdefault(members[row.kind], {})[row.name] = row.text
        elif row.kind == remarks.INPUT:
            one.setdefault(DATASETS, []).append(json.loads(row.text))
        elif row.name == remarks.RUN_NAME:
            one[NAME] = row.text
    return found


def read(trial: Fields) -> dict[tuple[str, str], str]:
    """The texts of a trial by kind and name. Documents of earlier releases have none."""
    given = trial.inside(MEMBER)
    found = {(kind, name): text for member, kind in TEXTS.items() for name, text in given.text_mapping(member).items()}
    if name := given.text(NAME):
        found[remarks.RUN, remarks.RUN_NAME] = name
    for place, document in enumerate(given.items(DATASETS)):
        dataset = Fields(document, f"{given.at(DATASETS)}.{place}").require("dataset").inside("dataset")
        name = dataset.require("name").text("name", empty=False)
        found[remarks.INPUT, remarks.name_of_dataset(name, dataset.document.get("digest"))] = json.dumps(
            document, ensure_ascii=False, separators=(",", ":")
        )
    _check(given, found)
    return found


def store(rows: Mapping[int, Trial], logged: Mapping[int, Mapping[tuple[str, str], str]]) -> None:
    """Keep what was read of each trial by its number. A query for each 500 texts."""
    Remark.objects.bulk_create(
        [
            Remark(trial=rows[number], attempt=max(rows[number].attempt_count, 1), kind=kind, name=name, text=text)
            for number, texts in logged.items()
            for (kind, name), text in texts.items()
        ],
        batch_size=BATCH,
    )


def _check(given: Fields, found: Mapping[tuple[str, str], str]) -> None:
    if len(found) > remarks.MOST_PER_TRIAL:
        raise SpecError(given.path, f"must hold at most {remarks.MOST_PER_TRIAL} texts, got {len(found)}")
    for (_, name), text in found.items():
        if not 0 < len(name) <= remarks.MOST_NAME or len(text) > remarks.MOST_TEXT or "\0" in name + text:
            most = f"names of up to {remarks.MOST_NAME} characters and texts of up to {remarks.MOST_TEXT}, without NUL"
            raise SpecError(given.path, f"must hold {most}; {name!r:.80} does not fit")
