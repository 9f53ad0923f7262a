"""Completion scripts: made from the parser, and accepted by the shells that are here."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from evaltui.cli.completion import read_grammar, script
from evaltui.cli.main import main
from evaltui.cli.parser import COMMANDS, build_parser


def complete(*words: str) -> set[str]:
    typed = " ".join(f"'{word}'" for word in ("evaltui", *words))
    code = (
        f"{script('bash', read_grammar(build_parser()))}\n"
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _evaltui; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_values() -> None:
    assert complete("tr") == {"trend"}
    assert complete("completion", "") >= {"bash", "zsh", "fish"}
    assert complete("runs", "--form") == {"--format"}
    assert complete("runs", "--format", "") == {"table", "json", "csv", "md"}
    assert complete("--profile", "p", "baseline", "sh") == {"show"}


def test_every_command_and_option_is_in_every_script() -> None:
    grammar = read_grammar(build_parser())
    assert set(grammar) == {"", *COMMANDS}
    for shell in ("bash", "zsh", "fish"):
        text = script(shell, grammar)
        for name, item in grammar.items():
            assert name in text
            for option in item.options:
                assert option.lstrip("-") in text


def test_every_option_and_argument_has_a_help_text() -> None:
    grammar = read_grammar(build_parser())
    for name, item in grammar.items():
        assert item.help or not name
        assert [option for option, text in item.options.items() if not text] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_accepts_the_script(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=text, text=True, check=True)
