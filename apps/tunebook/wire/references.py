"""How values enter a command in Azure's way: `${{search_space.lr}}`, options appended, variables of the environment.

Everything is turned into our own placeholders, so that a job reads the same whoever wrote it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tunebook.errors import SpecError
from tunebook.fields import listed, meant
from tunebook.placeholders import wrapped
from tunebook.shell import fill_line

OUTPUTS = "${NNI_OUTPUT_DIR}/outputs"

_KINDS = r"(search_space|inputs|outputs)\.([\w\-.]+)"
# The single braces are those of files from before 2022; `${inputs.x}` and `{{inputs.x}}` never were references.
_REFERENCE = re.compile(rf"\$\{{\{{\s*{_KINDS}\s*\}}\}}|(?<![{{$]){{\s*{_KINDS}\s*}}(?!}})")
# Variables that a parameter of the same name must not hide from the programs a trial starts.
_NOT_HIDDEN = frozenset(
    {"HOME", "PATH", "USER", "LOGNAME", "PWD", "OLDPWD", "SHELL", "LANG", "TZ", "TMPDIR", "HOSTNAME", "IFS", "UID"}
)
_NOT_HIDDEN_FAMILIES = ("TUNEBOOK_", "NNI_", "LD_", "LC_", "PYTHON", "DYLD_", "AZUREML_")


@dataclass(frozen=True)
class Bindings:
    """What a command can refer to: parameters by name, inputs with their text or path, outputs by name.

    outputs: name -> the folder; an empty text is a folder of the trial's own.
    """

    parameters: tuple[str, ...]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def folder(self, output: str) -> str:
        """Where an output goes."""
        return self.outputs[output] or f"{OUTPUTS}/{output}"

    def own_folders(self) -> list[str]:
        """The folders that have to be made before the command runs."""
        return [self.folder(name) for name, given in self.outputs.items() if not given]


def command_line(command: str, bindings: Bindings, path: str) -> str:
    """The shell line with our placeholders: references translated, or else `--name value` appended for each parameter.

    An input's text becomes one argument, quoted where it needs to be. Raises SpecError at `path` for a reference to
    something that is not there.
    """
    found = list(_REFERENCE.finditer(command))
    inputs: dict[str, str] = {}
    names: dict[str, str] = {}
    for match in found:
        kind, name = match[1] or match[3], match[2] or match[4]
        if kind in ("search_space", "inputs") and name in bindings.parameters:
            names[match[0]] = wrapped(name)
        elif kind == "inputs" and name in bindings.inputs:
            inputs[match[0]] = bindings.inputs[name]
        elif kind == "outputs" and name in bindings.outputs:
            names[match[0]] = bindings.folder(name)
        else:
            raise SpecError(path, _unknown(match[0], kind, name, bindings))
    line = _REFERENCE.sub(lambda match: names.get(match[0], match[0]), command)
    if inputs:
        line = fill_line(line, re.compile("|".join(map(re.escape, inputs))), inputs)
    if any((match[1] or match[3]) != "outputs" and match[0] in names for match in found):
        return line
    return line if _reads_variables(command, bindings) else " ".join([line.rstrip(), *options(bindings.parameters)])


def options(parameters: tuple[str, ...]) -> list[str]:
    """`--lr ${lr}` for each parameter, as words; a name that starts with a dash is the option itself."""
    return [word for name in parameters for word in (name if name.startswith("-") else f"--{name}", wrapped(name))]


def environment(bindings: Bindings, own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a trial: AZUREML_SWEEP_lr for all, AZUREML_PARAMETER_lr and plain `lr` for values.

    own: the variables that the document sets itself; they win.
    """
    variables: dict[str, str] = {}
    values = {**bindings.inputs, **{name: wrapped(name) for name in bindings.parameters}}
    for name, text in values.items():
        for variable in _variables(name):
            variables[variable] = text
    for name in bindings.inputs:
        variables[f"AZURE_ML_INPUT_{_variable(name)}"] = bindings.inputs[name]
    for name in bindings.outputs:
        variables[f"AZUREML_SWEEP_{_variable(name)}"] = bindings.folder(name)
        variables[f"AZURE_ML_OUTPUT_{_variable(name)}"] = bindings.folder(name)
    return {**variables, **own}


def _variables(name: str) -> Iterator[str]:
    plain = _variable(name)
    yield f"AZUREML_SWEEP_{plain}"
    yield f"AZUREML_PARAMETER_{plain}"
    if not plain[:1].isdigit() and plain not in _NOT_HIDDEN and not plain.startswith(_NOT_HIDDEN_FAMILIES):
        yield plain


def _variable(name: str) -> str:
    """The name without the dashes of an option, with `_` for what a variable's name cannot have."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name.lstrip("-")) or "_"


def _reads_variables(command: str, bindings: Bindings) -> bool:
    """Does the command read a parameter from its environment: `$lr`, `${AZUREML_SWEEP_lr}`?"""
    known = {variable for name in bindings.parameters for variable in _variables(name)}
    return any(name in known for name in re.findall(r"\$\{?([A-Za-z_]\w*)", command))


def _unknown(reference: str, kind: str, name: str, bindings: Bindings) -> str:
    known = {
        "search_space": bindings.parameters,
        "inputs": (*bindings.inputs, *bindings.parameters),
        "outputs": tuple(bindings.outputs),
    }[kind]
    guess = meant(name, known)
    hint = f"did you mean {guess}?" if guess else f"{kind} has {listed(known) or 'nothing'}"
    return f"nothing fills {reference}, {hint}"
