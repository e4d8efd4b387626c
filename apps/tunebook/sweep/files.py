"""Sweep files: written once, read with errors that name the path."""

import os
from typing import IO, Any

from tunebook.sweep.errors import ValidationException

try:
    import yaml
except ImportError:  # everything but writing and reading files needs nothing but Python
    yaml = None  # type: ignore[assignment]  # None is asked for before every use

Destination = str | os.PathLike[str] | IO[str]


def write(form: dict[str, Any], destination: Destination) -> None:
    """Write a file, or into an open one.

    Raises FileExistsError when there is a file already, ValidationException when the open one cannot be written.
    """
    if yaml is None:
        raise ValidationException("dest", "writing a sweep file needs the package PyYAML")
    text = yaml.safe_dump(form, default_flow_style=False, allow_unicode=True)
    if isinstance(destination, str | os.PathLike):
        with open(destination, "x", encoding="utf-8") as file:
            file.write(text)
        return
    if not destination.writable():
        raise ValidationException("dest", "the open file cannot be written")
    destination.write(text)
