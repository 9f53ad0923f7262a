"""`evaltui completion`: a completion script made from the parser itself."""

from __future__ import annotations

import argparse
import shlex

from evaltui.cli.parser import Parser, Subparsers, add_command, build_parser
from evaltui.errors import ExitCode
from evaltui.late_dataclass import dataclass
from evaltui.settings import Settings


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a shell needs to know of one command.

    Attributes:
        options: Every option string with its help.
        values: Option string to the words it takes; () for a free value. Switches are absent.
        words: Words the command takes as arguments (sub-actions, shells).
    """

    help: str
    options: dict[str, str]
    values: dict[str, tuple[str, ...]]
    words: tuple[str, ...]


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `completion`."""
    parser = add_command(
        subparsers,
        "completion",
        'Print a completion script. bash: eval "$(evaltui completion bash)"; zsh: the same with '
        "zsh, after compinit; fish: evaltui completion fish | source.",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:  # noqa: ARG001 - as all commands
    """Print the script."""
    grammar = read_grammar(build_parser())
    print(script(args.shell, grammar), end="")
    return ExitCode.OK


def read_grammar(parser: Parser) -> dict[str, Grammar]:
    """Return the grammar of each command; that of no command stands under ""."""
    grammar = {"": _grammar(parser, "")}
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its actions
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {item.dest: item.help or "" for item in action._choices_actions}  # noqa: SLF001
            for name, command in action.choices.items():
                grammar[name] = _grammar(command, helps.get(name, ""))
    return grammar


def script(shell: str, grammar: dict[str, Grammar]) -> str:
    """Return the completion script for bash, zsh or fish."""
    if shell == "fish":
        return _fish(grammar)
    head = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return head + _bash(grammar)


def _grammar(parser: argparse.ArgumentParser, text: str) -> Grammar:
    options: dict[str, str] = {}
    values: dict[str, tuple[str, ...]] = {}
    words: list[str] = []
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        choices = tuple(map(str, action.choices or ()))
        if not action.option_strings:
            words += choices
        for option in action.option_strings:
            options[option] = action.help or ""
            if action.nargs != 0:
                values[option] = choices
    return Grammar(text, options, values, tuple(words))


def _bash(grammar: dict[str, Grammar]) -> str:
    commands = " ".join(name for name in grammar if name)
    cases = []
    taking = set().union(*(item.values for item in grammar.values()))
    for name, item in grammar.items():
        words = " ".join([*item.options, *item.words, *([] if name else commands.split())])
        cases.append(f'    "{name}") words="{words}" ;;')
    choices = {
        option: words for item in grammar.values() for option, words in item.values.items() if words
    }
    values = [f'    {option}) words="{" ".join(words)}" ;;' for option, words in choices.items()]
    free = "|".join(sorted(taking - set(choices)))
    return "\n".join(
        [
            "_evaltui() {",
            '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"',
            '  local command="" words="" i',
            "  for ((i = 1; i < COMP_CWORD; i++)); do",
            f'    case " {commands} " in',
            '      *" ${COMP_WORDS[i]} "*) command="${COMP_WORDS[i]}"; break ;;',
            "    esac",
            "  done",
            '  case "$command" in',
            *cases,
            "  esac",
            '  case "$prev" in',
            *values,
            f'    {free}) COMPREPLY=($(compgen -f -- "$cur")); return ;;',
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
            "}",
            "complete -o bashdefault -o default -F _evaltui evaltui",
            "",
        ]
    )


def _fish(grammar: dict[str, Grammar]) -> str:
    lines = []
    for name, item in grammar.items():
        when = f"__fish_seen_subcommand_from {name}" if name else "__fish_use_subcommand"
        base = f"complete -c evaltui -n {shlex.quote(when)}"
        if name:
            lines.append(
                f"complete -c evaltui -n __fish_use_subcommand -f -a {name} "
                f"-d {_fish_quote(item.help)}"
            )
        if item.words:
            lines.append(f"{base} -f -a {_fish_quote(' '.join(item.words))}")
        for option, text in item.options.items():
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            words = item.values.get(option)
            takes = "" if words is None else f" -x -a {_fish_quote(' '.join(words))}"
            takes = " -r" if words == () else takes
            lines.append(f"{base} {flag}{takes} -d {_fish_quote(text)}")
    return "\n".join(lines) + "\n"


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
