"""The rows of the search-space editor: text in the fields of a form to distributions, and back."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.dashboard import literals
from apps.dashboard.widgets import Area, Pick, Text
from tunebook.distributions import Choice, Distribution, LogUniform, QLogUniform
from tunebook.errors import SpecError
from tunebook.space import Space
from tunebook.wire import typed_value

TYPES = (
    ("uniform", "number"),
    ("loguniform", "number, log scale"),
    ("quniform", "number in steps"),
    ("qloguniform", "number in steps, log scale"),
    ("randint", "whole number"),
    ("choice", "one of a list"),
    ("normal", "normal"),
    ("qnormal", "normal in steps"),
    ("lognormal", "log-normal"),
    ("qlognormal", "log-normal in steps"),
)
BOUNDED = ("uniform", "loguniform", "quniform", "qloguniform", "randint")
STEPPED = ("quniform", "qloguniform", "qnormal", "qlognormal")
NORMAL = ("normal", "qnormal", "lognormal", "qlognormal")
MANNERS = ("clip", "from_min", "whole")
FIELDS = ("name", "type", "low", "high", "step", "mu", "sigma", "choices")
DECIMAL = {"inputmode": "decimal"}
PLACES = {
    "min_value": "low",
    "max_value": "high",
    "lower": "low",
    "upper": "high",
    "q": "step",
    "mu": "mu",
    "sigma": "sigma",
    "values": "choices",
}


class SpaceRow(forms.Form):
    """One parameter. `low` and `high` are values the parameter may have, on a log scale too."""

    name = forms.CharField(max_length=128, required=False, widget=Text({"placeholder": "learning_rate"}))
    type = forms.ChoiceField(choices=TYPES, widget=Pick({"data-switch": ""}))
    low = forms.CharField(required=False, label="Low", widget=Text(DECIMAL))
    high = forms.CharField(required=False, label="High", widget=Text(DECIMAL))
    step = forms.CharField(required=False, label="Step", widget=Text(DECIMAL))
    mu = forms.CharField(required=False, label="Mean", widget=Text(DECIMAL))
    sigma = forms.CharField(required=False, label="Deviation", widget=Text(DECIMAL))
    choices = forms.CharField(required=False, label="Values", widget=Area({"rows": 1, "placeholder": "16, 32, 64"}))

    @property
    def is_blank(self) -> bool:
        """A row nobody has typed in."""
        return not any(str(self[name].value() or "").strip() for name in FIELDS if name != "type")

    def distribution(self, before: Distribution | None = None) -> Distribution | None:
        """What the row declares; None after adding errors to its fields. `before` is what it was filled from."""
        given = self.cleaned_data
        try:
            return Distribution.from_dict(self._document(given, before))
        except SpecError as error:
            self.add_error(self._place(error), error.message)
        except _Missing as missing:
            self.add_error(missing.field, missing.words)
        return None

    def _document(self, given: dict[str, Any], before: Distribution | None) -> dict[str, Any]:
        kind = given["type"]
        if kind == "choice":
            return {"type": "choice", "values": self._choices(given["choices"])}
        if kind == "randint":
            low, high = self._number("low"), self._number("high")
            if high != int(high) or low != int(low):
                raise _Missing("low" if low != int(low) else "high", "must be a whole number")
            if high < low:  # said here, as both count, where the distribution ends before its upper bound
                raise _Missing("high", f"must be at least low ({int(low)}), got {int(high)}")
            return {"type": "randint", "lower": int(low), "upper": int(high) + 1}
        step = {"q": self._number("step")} if kind in STEPPED else {}
        if kind in NORMAL:
            return {"type": kind, "mu": self._number("mu"), "sigma": self._number("sigma"), **step}
        low, high = self._number("low"), self._number("high")
        if kind == "loguniform":
            return LogUniform.between(low, high).to_dict()
        if kind == "qloguniform":
            return QLogUniform.between(low, high, step["q"]).to_dict()
        manner = _manner(before) if kind == "quniform" else {}
        return {"type": kind, "min_value": low, "max_value": high, **step, **manner}

    def _number(self, field: str) -> float:
        text = self.cleaned_data[field].strip()
        if not text:
            raise _Missing(field, "is needed")
        value = literals.read(text)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Missing(field, f"must be a number, got {text!r}")
        return value

    @staticmethod
    def _choices(text: str) -> list[Any]:
        if not text.strip():
            raise _Missing("choices", "needs at least one value, parted by commas")
        try:
            return _without_typed_values(literals.read_list(text))
        except SpecError as error:
            raise _Missing("choices", f"{error.path.partition('._value.')[2]}: {error.message}") from None
        except ValueError as error:
            raise _Missing("choices", str(error)) from None

    def _place(self, error: SpecError) -> str | None:
        for part in error.path.split("."):
            if part in PLACES:
                return PLACES[part]
        return {"low": "low", "high": "high"}.get(error.path.rpartition(".")[2])


class _Missing(Exception):
    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


def _without_typed_values(values: list[Any]) -> list[Any]:
    """The values, with nested parameters that are written as PAI and NNI do (`_type` and `_value`) in our own words."""
    nested = [value for value in values if isinstance(value, dict)]
    if not any(isinstance(member, dict) and "_type" in member for value in nested for member in value.values()):
        return values
    space, _ = typed_value.load_space({"values": {"_type": "choice", "_value": values}}, "")
    return list(space["values"].to_dict()["values"])


def _manner(before: Distribution | None) -> dict[str, Any]:
    """How a number in steps counts and rounds: as it did before; a new one stays within its bounds."""
    if before is None or before.type != "quniform":
        return {"clip": True}
    return {name: value for name, value in before.to_dict().items() if name in MANNERS}


def cells(name: str, distribution: Distribution) -> dict[str, str]:
    """What the fields of a row say for a distribution."""
    document, filled = distribution.to_dict(), dict.fromkeys(FIELDS, "")
    filled |= {"name": name, "type": distribution.type}
    if isinstance(distribution, Choice):
        filled["choices"] = literals.write_list(list(document["values"]))
    elif distribution.type in NORMAL:
        filled |= {"mu": _shown(document["mu"]), "sigma": _shown(document["sigma"])}
    elif distribution.type in ("uniform", "quniform"):
        filled |= {"low": _shown(document["min_value"]), "high": _shown(document["max_value"])}
    elif distribution.type in BOUNDED:
        low, high = distribution.lowest, distribution.highest
        filled |= {"low": _shown(low), "high": _shown(high)}
    if "q" in document:
        filled["step"] = _shown(document["q"])
    return filled


def _shown(value: float | None) -> str:
    return "" if value is None else re.sub(r"e([+-])0", r"e\1", f"{value:.12g}")  # 1e-5, as it is shown everywhere


def rows_of(space: Space) -> list[dict[str, str]]:
    return [cells(name, distribution) for name, distribution in space.items()]


def read_space(rows: list[SpaceRow], before: Space | None) -> Space | None:
    """The space that valid rows declare; None after adding errors. A row that was not changed keeps what it stood for.

    `before` is the space that the form was filled from, whose distributions may say more than the fields do.
    """
    found: dict[str, Distribution] = {}
    fine = True
    for row in rows:
        if row.is_blank:
            continue
        name = row.cleaned_data["name"].strip()
        known = before.get(name) if before is not None else None
        unchanged = known is not None and all(
            str(row.cleaned_data.get(field, "")).strip() == text.strip() for field, text in cells(name, known).items()
        )
        distribution = known if unchanged else row.distribution(known)
        if not name:
            row.add_error("name", "is needed")
        elif name in found:
            row.add_error("name", f"{name!r} stands twice")
        if row.errors or distribution is None:
            fine = False
        else:
            found[name] = distribution
    return Space(found) if fine else None
