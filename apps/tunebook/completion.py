"""What a shell needs to complete `tunebook`: a script made from the commands as they are declared."""

import argparse

SHELLS = ("bash", "zsh", "fish")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for one shell, to be read by it at its start: `source <(tunebook completion bash)`."""
    words = _words(parser)
    return _fish(words) if shell == "fish" else _bash(words, shell)


def _words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Each command with its options and the words it takes."""
    found: dict[str, list[str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {name: _own(command) for name, command in action.choices.items()}
    return found


def _own(command: argparse.ArgumentParser) -> list[str]:
    words: list[str] = []
    for action in command._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        words += [str(choice) for choice in action.choices or () if not action.option_strings]
    return words


def _bash(words: dict[str, list[str]], shell: str) -> str:
    cases = "\n".join(f'    {name}) words="{" ".join(own)}" ;;' for name, own in words.items())
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return f"""{start}_tunebook() {{
  local here="${{COMP_WORDS[COMP_CWORD]}}" words="{" ".join(words)}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "${{COMP_WORDS[1]}}" in
{cases}
    *) words="" ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$here"))
}}
complete -o default -F _tunebook tunebook
"""


def _fish(words: dict[str, list[str]]) -> str:
    lines = [f'complete -c tunebook -n __fish_use_subcommand -f -a "{" ".join(words)}"']
    for name, own in words.items():
        seen = f'-n "__fish_seen_subcommand_from {name}"'
        lines += [
            f"complete -c tunebook {seen} -l {word[2:]}"
            if word.startswith("--")
            else f"complete -c tunebook {seen} -a {word}"
            for word in own
        ]
    return "\n".join(lines) + "\n"
