"""What training scripts write down about their trials in words: parameters that stay, tags that may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import QuerySet

from apps.artifacts.models import Remark, RemarkKind
from apps.trials.models import Trial

MOST_PER_TRIAL = 2_000
MOST_NAME = 250
MOST_TEXT = 65_536


class Changed(Exception):
    """A text that stays was to be changed."""

    def __init__(self, name: str, before: str, now: str) -> None:
        super().__init__(f"{name!r} is {before!r:.80} already and cannot become {now!r:.80}")
        self.name, self.before, self.now = name, before, now


class TooMany(Exception):
    """A trial keeps no more remarks."""

    def __init__(self) -> None:
        super().__init__(f"a trial keeps at most {MOST_PER_TRIAL} parameters, tags and models")


Words = Mapping[str, str]


def write(trial: Trial, attempt: int, kind: str, words: Words, *, stay: bool = False) -> None:
    """Write texts down under their names, all or none; what stood there is replaced. Three queries.

    stay: what this attempt has written before must be the same (else Changed). Raises TooMany.
    """
    write_all(trial, attempt, {kind: words}, stay={kind} if stay else set())


def write_all(
    trial: Trial, attempt: int, given: Mapping[str, Words], *, stay: Iterable[str] = (), first: Iterable[str] = ()
) -> None:
    """`write` for several kinds at once, with the same number of queries.

    first: of these kinds what this attempt has written before is left as it is, whatever it says now.
    """
    wanted = {(kind, name): text for kind, words in given.items() for name, text in words.items()}
    if not wanted:
        return
    fixed, first = set(stay), set(first)
    with transaction.atomic():
        # whoever writes about the same trial takes turns
        Trial.objects.select_for_update(no_key=True).filter(pk=trial.pk).values_list("pk").first()
        known = {(row.kind, row.name): row for row in Remark.objects.filter(trial=trial).defer("text")}
        settled = [key for key in wanted if key[0] in first and key in known and known[key].attempt == attempt]
        for key in settled:
            del wanted[key]
        touched = [key for key in wanted if key in known]
        if fixed and touched:
            _refuse_changes(trial, attempt, {key: wanted[key] for key in touched if key[0] in fixed})
        if len(known) + len(wanted) - len(touched) > MOST_PER_TRIAL:
            raise TooMany
        rows = [
            Remark(trial=trial, attempt=attempt, kind=kind, name=name, text=text)
            for (kind, name), text in wanted.items()
        ]
        Remark.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["trial", "kind", "name"],
            update_fields=["text", "attempt"],
        )


def erase(trial: Trial, kind: str, name: str) -> bool:
    """Take a text away; False when there was none. One query."""
    return bool(Remark.objects.filter(trial=trial, kind=kind, name=name).delete()[0])


def of(trials: Iterable[int], *kinds: str) -> QuerySet[Remark]:
    """The remarks of some trials (by row id), in the order in which they were first written. One query when read."""
    found = Remark.objects.filter(trial_id__in=list(trials)).order_by("pk")
    return found.filter(kind__in=kinds) if kinds else found


def name_of_dataset(name: str, digest: object) -> str:
    """Under which name a data set that a trial has read is written down."""
    return f"{name[:150]} {digest!s:.80}"


def _refuse_changes(trial: Trial, attempt: int, wanted: Mapping[tuple[str, str], str]) -> None:
    """Raise Changed where this attempt has said otherwise; an earlier attempt's words do not bind. One query."""
    names = [name for _, name in wanted]
    for row in Remark.objects.filter(trial=trial, attempt=attempt, name__in=names):
        now = wanted.get((row.kind, row.name))
        if now is not None and row.text != now:
            raise Changed(row.name, row.text, now)


PARAM, TAG, INPUT, MODEL, OUTPUT, RUN = RemarkKind.values
RUN_NAME = "name"
"""Of the kind RUN: how the script has named its run."""
