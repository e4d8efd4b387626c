"""Properties as today's clients can read them: they know each word in one spelling, and cannot list a job with another."""

from collections.abc import Callable, Mapping
from typing import Any

from tunebook.wire.azureml.documents import IDENTITIES, JOB_TYPES

LITERAL, FOLDER = "literal", "uri_folder"
# Kinds of inputs and outputs; early clients wrote UriFolder for uri_folder.
KINDS = {
    word.replace("_", ""): word
    for word in (LITERAL, "uri_file", FOLDER, "mltable", "custom_model", "mlflow_model", "triton_model")
}
_INPUT_MODES = ("ReadOnlyMount", "ReadWriteMount", "Download", "Direct", "EvalMount", "EvalDownload")
_OUTPUT_MODES = ("ReadWriteMount", "Upload", "Direct")


def plain_kind(word: str) -> str | None:
    """The kind of an input or output in its one spelling; None for a word that is none."""
    return KINDS.get(word.replace("_", "").lower())


def canonical(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties, checked before, in the spelling that all clients know."""
    found = dict(properties)
    job_type = _word(found.get("jobType"), JOB_TYPES)
    found["jobType"] = job_type
    for name, read in _MEMBERS.items():
        members = found.get(name)
        if isinstance(members, Mapping):
            found[name] = {key: read(one) for key, one in members.items() if one is not None}
    if isinstance(found.get("limits"), Mapping):
        found["limits"] = {
            **{name: _upper(value) for name, value in found["limits"].items()},
            "jobLimitsType": job_type,
        }
    if isinstance(found.get("identity"), Mapping) and found["identity"].get("identityType"):
        found["identity"] = {**found["identity"], "identityType": _word(found["identity"]["identityType"], IDENTITIES)}
    return found


def _expression(expression: Any) -> Any:
    return [str(expression[0]).lower(), *expression[1:]] if isinstance(expression, list) and expression else expression


def _input(given: Mapping[str, Any]) -> dict[str, Any]:
    return _bound(given, "jobInputType", LITERAL, _INPUT_MODES)


def _output(given: Mapping[str, Any]) -> dict[str, Any]:
    return _bound(given, "jobOutputType", FOLDER, _OUTPUT_MODES)


def _bound(given: Mapping[str, Any], member: str, usual: str, modes: tuple[str, ...]) -> dict[str, Any]:
    found = {**given, member: plain_kind(str(given.get(member) or usual)) or usual}
    if given.get("mode") is not None:
        mode = modes[0] if str(given["mode"]).lower() == "mount" else _word(given["mode"], modes)
        found["mode"] = mode if mode in modes else None
    return found


_MEMBERS: Mapping[str, Callable[[Any], Any]] = {"searchSpace": _expression, "inputs": _input, "outputs": _output}


def _word(value: Any, words: tuple[str, ...]) -> Any:
    return next((word for word in words if word.lower() == str(value).lower()), value)


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value
