"""What a pasted text is: one of the documents or spaces we know, found by its shape."""

from collections.abc import Callable, Mapping
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import kind, listed
from tunebook.job import Job
from tunebook.space import Space
from tunebook.sweep.conversion import to_job
from tunebook.sweep.loading import TYPES as SWEEP_TYPES
from tunebook.sweep.loading import load_document
from tunebook.wire import azureml, expressions, hyperdrive, nni, pai, typed_value, wmla
from tunebook.wire.text import parse

KINDS: dict[str, str] = {
    "job": "Tunebook job document",
    "pai": "PAI AutoML configuration",
    "sweep": "Azure ML sweep file",
    "hyperdrive": "HyperDrive experiment",
    "azureml": "Azure ML job (ARM)",
    "nni": "NNI experiment",
    "wmla": "WMLA hypersearch task",
    "space": "search space",
    "typed_space": "search space in the form of NNI and PAI",
    "expression_space": "search space in the form of Azure",
}
# Members by which a PAI configuration is known; a search_space alone is not enough.
_OF_PAI = frozenset(pai.SECTIONS) | {"yml_config"}
_OF_A_JOB = frozenset({"space", "objective", "command"})
# PAI has a platform_config too; these two are HyperDrive's alone.
_OF_HYPERDRIVE = frozenset({"generator_config", "primary_metric_config"})


def recognise(text: str | bytes) -> tuple[str, Job | Space]:
    """What a JSON or YAML text declares: its kind (a key of KINDS), and the job or the bare space.

    Raises SpecError when it is no such text (with line and column), when nobody knows it, and with the path of what is
    wrong in a document that is known.
    """
    return recognise_document(parse(text))


def recognise_kind(text: str | bytes) -> str:
    """The kind of a file that a job was made from on another machine; refused is what `recognise` refuses.

    Of an NNI configuration only the shape is looked at: its search space and its code lie on that machine.
    """
    document = parse(text)
    if isinstance(document, Mapping) and nni.is_config(document):
        return "nni"
    return recognise_document(document)[0]


def recognise_document(document: Any, *, base_path: str | None = None) -> tuple[str, Job | Space]:
    """The same for a document that is read already; relative paths in a file start from `base_path`."""
    if not isinstance(document, Mapping):
        raise SpecError("", f"must be an object, got {kind(document)}")
    if not document:
        raise SpecError("", "is empty")
    if _OF_HYPERDRIVE & document.keys():
        return "hyperdrive", hyperdrive.load(document)
    if document.keys() >= wmla.SECTIONS:
        return "wmla", wmla.load(document, around=wmla.Surroundings(source=base_path or ""))
    if _is_arm(document):
        return "azureml", _arm(document)
    if nni.is_config(document):
        return "nni", nni.load(document, base_path=base_path)
    if _is_sweep(document):
        return "sweep", to_job(load_document(document, base_path=base_path), here=base_path is not None)
    if pai.PATH in document:
        return "pai", pai.load(document[pai.PATH])
    if _OF_PAI & document.keys():
        return "pai", pai.load(document, "")
    if len(_OF_A_JOB & document.keys()) > 1 or ("version" in document and "space" in document):
        return "job", Job.from_dict(document).check()
    for name in ("search_space", "searchSpace", "space"):
        if len(document) == 1 and isinstance(document.get(name), Mapping) and not _form(document[name]):
            return _recognise_space(document[name], name)
    return _recognise_space(document, "")


def title(document: Mapping[str, Any]) -> str:
    """The name that a document gives itself, or an empty text."""
    properties = document.get("properties") if _is_arm(document) else None
    inside = properties.get("displayName") if isinstance(properties, Mapping) else None
    for name in (
        document.get("Name"),
        document.get("display_name"),
        inside,
        document.get("hpoName"),
        document.get("experimentName") if nni.is_config(document) else None,
        document.get("name"),
    ):
        if isinstance(name, str) and name.strip():
            return name
    return ""


def own_tags(document: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a document of Azure gives itself, its experiment's name among them; those that no server takes left out."""
    inside = document.get("properties") if _is_arm(document) and "jobType" not in document else document
    found: Mapping[str, Any] = inside if isinstance(inside, Mapping) else {}
    given = found.get("tags") if isinstance(found.get("tags"), Mapping) else {}
    experiment = found.get("experimentName") or found.get("experiment_name")
    pairs = {"experiment": experiment, **(given or {})} if isinstance(experiment, str) else dict(given or {})
    texts = {str(name): "" if value is None else str(value) for name, value in pairs.items()}
    return {name: text for name, text in texts.items() if max(len(name), len(text)) <= 128 and "://" not in text}


def _is_arm(document: Mapping[str, Any]) -> bool:
    properties = document.get("properties")
    return "jobType" in document or (isinstance(properties, Mapping) and "jobType" in properties)


def _arm(document: Mapping[str, Any]) -> Job:
    """A whole body, or its properties alone, in the shape that its members tell."""
    properties, path = (document, "") if "jobType" in document else (document["properties"], azureml.PATH)
    return azureml.load(properties, azureml.guess_shape(properties), path)


def _is_sweep(document: Mapping[str, Any]) -> bool:
    """By its type; a file that lost it by what no other document has together."""
    return document.get("type") in SWEEP_TYPES or {"trial", "objective", "search_space"} <= document.keys()


def _recognise_space(document: Mapping[str, Any], path: str) -> tuple[str, Space]:
    forms = {name: _form(entry) for name, entry in document.items()}
    found = next((form for form in forms.values() if form), "")
    if not found:
        raise SpecError(path, f"is nothing known here; known are: {listed(KINDS.values())}")
    return found, _SPACES[found](document, path)


def _form(entry: Any) -> str:
    """The kind of space that one entry belongs to, or an empty text."""
    if isinstance(entry, Mapping) and "_type" in entry:
        return "typed_space"
    if isinstance(entry, Mapping) and isinstance(entry.get("type"), str):
        return "space"
    return "expression_space" if expressions.is_expression(entry) else ""


def _ours(document: Mapping[str, Any], path: str) -> Space:
    try:
        return Space.from_dict(document, path or "space")
    except SpecError as error:
        raise SpecError(error.path if path else error.path.removeprefix("space."), error.message) from None


def _typed(document: Mapping[str, Any], path: str) -> Space:
    return typed_value.load_space(document, path)[0]


_SPACES: dict[str, Callable[[Mapping[str, Any], str], Space]] = {
    "space": _ours,
    "typed_space": _typed,
    "expression_space": expressions.load_space,
}
