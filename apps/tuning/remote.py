"""Attempts that run on other machines and talk to this server with their own token."""

from __future__ import annotations

from apps.trials.models import Attempt
from apps.tuning.errors import Fenced
from apps.workspaces.access import OutOfReach
from apps.workspaces.models import hash_token

PLACE = ("experiment__key", "trial__number", "number")


def place_of(token: str, *, whatever_became_of_it: bool = False) -> tuple[str, int, int]:
    """(experiment key, trial number, attempt number) of the token's attempt. One query.

    Raises OutOfReach for a token that is no attempt's, Fenced for an attempt that has ended or was superseded, which is
    told all the same where it does not matter what became of it.
    """
    rows = Attempt.objects.filter(token_hash=hash_token(token))
    row = rows.values_list(*PLACE, "fenced", "ended", "trial__attempt_count").first()
    if row is None:
        raise OutOfReach("attempt")
    experiment, trial, number, fenced, ended, count = row
    if not whatever_became_of_it:
        if fenced or number != count:
            raise Fenced(f"attempt {number} of trial {trial} was superseded")
        if ended is not None:
            raise Fenced(f"attempt {number} of trial {trial} has ended")
    return experiment, trial, number
