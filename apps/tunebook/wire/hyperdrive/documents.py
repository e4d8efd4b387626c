"""The members of a HyperDrive document and what each may be, beside what becomes the job."""

from collections.abc import Mapping
from dataclasses import dataclass

from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.wire.terminations import INT32

# Members by which a document is known to be HyperDrive's.
SECTIONS = ("generator_config", "policy_config", "primary_metric_config", "platform_config")
REQUIRED = ("name", "user", "platform", *SECTIONS)
PLATFORMS = ("AML", "AML_PIPELINES")
_LONGEST = {"name": 255, "user": 255, "description": 511}


@dataclass(frozen=True)
class Details:
    """What a document says about the run besides the search."""

    name: str
    user: str
    description: str


def details(document: object, path: str = "") -> Details:
    """Name, user and description, checked. Raises SpecError with the path of what is missing or too long."""
    fields = Fields(document, path)
    check_form(fields)
    return Details(fields.text("name"), fields.text("user"), fields.text("description"))


def check_form(fields: Fields) -> None:
    """Refuse a document without its required members, with texts too long or an unknown platform.

    Unknown members are ignored: clients send several that no description names.
    """
    fields.require(*REQUIRED)
    for name, longest in _LONGEST.items():
        if len(fields.text(name)) > longest:
            raise SpecError(fields.at(name), f"must be at most {longest} characters, got {len(fields.text(name))}")
    fields.text("name", empty=False)
    fields.word("platform", PLATFORMS, "")
    fields.integer("study_id", low=0, high=INT32)


def overrides(platform: Fields) -> Fields:
    """The run configuration inside `platform_config`, empty when it has none."""
    return platform.inside("Definition").inside("Overrides")


def plain(document: Mapping[str, object], *without: str) -> dict[str, object]:
    """The document without some members."""
    return {name: value for name, value in document.items() if name not in without}
