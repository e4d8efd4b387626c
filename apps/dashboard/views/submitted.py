"""An experiment's document as it came, word for word."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from apps.dashboard.views.frame import Place
from apps.experiments.models import Experiment
from tunebook.errors import SpecError
from tunebook.wire import pai
from tunebook.wire.text import parse


def submitted(request: HttpRequest, place: Place, experiment: Experiment) -> dict[str, Any]:
    """The text, and whether it was changed since. Secrets of a PAI configuration are asterisks, as its API shows them."""
    return {"document": _shown(experiment), "changed": experiment.version > 1}


def _shown(experiment: Experiment) -> str:
    """JSON on one line is laid out; everything else stays as it is, comments and all."""
    text = experiment.submitted
    try:
        document = parse(text) if text else None
    except SpecError:
        return text
    if experiment.dialect == "native" and isinstance(document, dict):
        document = pai.mask(document)
    elif "\n" in text.strip() or not isinstance(document, dict):
        return text
    return json.dumps(document, indent=2, ensure_ascii=False)
