"""Inputs and outputs of a job, in both shapes."""

from tunebook.errors import SpecError
from tunebook.fields import Fields, kind, listed
from tunebook.wire.azureml.documents import MODES
from tunebook.wire.azureml.spelling import FOLDER, KINDS, LITERAL, plain_kind
from tunebook.wire.azureml.versions import OLD
from tunebook.wire.references import Bindings


def load(fields: Fields, holder: Fields, parameters: tuple[str, ...], shape: str) -> Bindings:
    """What the command can refer to. `holder` has the bindings of the old shape: the trial, or the command job."""
    if shape == OLD:
        return Bindings(parameters, _old_inputs(holder), _old_outputs(holder))
    inputs = fields.inside("inputs")
    outputs = fields.inside("outputs")
    return Bindings(
        parameters,
        {name: _input(inputs.inside(name)) for name in inputs.document if inputs.has(name)},
        {name: _output(outputs.inside(name)) for name in outputs.document},
    )


def local(uri: str) -> str:
    """The path that a uri names on this machine; other uris are handed on as they are."""
    return uri.removeprefix("file://") if uri.startswith("file:///") else uri


def _output(given: Fields) -> str:
    """A folder of this machine, or empty for one of the trial's own: what Azure would put into a store is kept there."""
    _check(given, "jobOutputType", FOLDER)
    path = local(given.text("uri"))
    return "" if "://" in path else path


def _input(given: Fields) -> str:
    """A literal's text, or where the data lies."""
    if _check(given, "jobInputType", LITERAL) == LITERAL:
        value = given.require("value").document["value"]
        if isinstance(value, dict | list):
            raise SpecError(given.at("value"), f"must be text, got {kind(value)}")
        return str(value)
    return local(given.require("uri").text("uri", empty=False))


def _check(given: Fields, member: str, usual: str) -> str:
    """What kind an input or output is of; its mode is checked too."""
    given.word("mode", MODES, MODES[0])
    word = given.text(member, usual)
    found = plain_kind(word)
    if found is None:
        raise SpecError(given.at(member), f"must be one of {listed(KINDS.values())}, got {word!r:.40}")
    return found


def _old_inputs(holder: Fields) -> dict[str, str]:
    bindings = holder.inside("inputDataBindings")
    found = {}
    for name in bindings.document:
        one = bindings.inside(name)
        one.word("mode", MODES, MODES[0])
        found[name] = one.text("pathOnCompute") or local(one.text("dataId"))
    return found


def _old_outputs(holder: Fields) -> dict[str, str]:
    bindings = holder.inside("outputDataBindings")
    found = {}
    for name in bindings.document:
        one = bindings.inside(name)
        one.word("mode", MODES, MODES[0])
        found[name] = one.text("pathOnCompute")
    return found
