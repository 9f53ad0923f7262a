"""The entry point: grammar, errors, exit codes, what is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaltui.cli import config as config_command
from evaltui.cli.main import main
from evaltui.cli.parser import COMMANDS, build_parser, parse
from evaltui.errors import ConfigError, ExitCode, StoreUnreachableError


def run_process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "evaltui", *arguments],
        capture_output=True,
        env={**os.environ, **environ},
        check=False,
        timeout=180,
    )


def test_the_version_is_printed_without_heavy_imports() -> None:
    code = (
        "import sys; from evaltui.cli.main import main; assert main(['--version']) == 0;"
        "print([m for m in ('textual','numpy','mlflow','rich','databricks') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.splitlines()[1] == b"[]"


def test_global_options_stand_before_or_after_the_command() -> None:
    for argv in (["--experiment", "e", "config"], ["config", "--experiment", "e"]):
        args = parse(argv)
        assert (args.experiment, args.command) == ("e", "config")
    assert parse(["--profile", "p", "config", "--experiment", "e"]).profile == "p"


def test_the_config_command_shows_value_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--experiment", "mine", "--format", "csv"]) == 0
    captured = capsys.readouterr()
    assert 'experiment,"""mine""",\'--experiment,EVALTUI_EXPERIMENT' in captured.out
    assert "configuration file" in captured.err


def test_passwords_are_masked_by_config(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("table", "json", "csv", "md"):
        assert main(["config", "--tracking-uri", "http://u:hunter22@h", "--format", kind]) == 0
    assert "hunter22" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [["nonsense"], ["--nonsense"], ["config", "--format", "xml"], ["completion"], ["config", "x"]],
)
def test_wrong_usage_is_one_line_and_a_hint(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    first, hint = captured.err.splitlines()
    assert first.startswith("evaltui: ")
    assert hint.startswith("  hint: ")


def test_hostile_arguments_reach_the_terminal_harmless() -> None:
    done = run_process("config", "--format", "\x1b]0;owned\x07\u202e[/x]")
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert "\u202e".encode() not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnreachableError("down at http://u:hunter22@h", hint="start it"), 4),
        (ConfigError("bad\x1b[31m\nsecond line"), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
        (RuntimeError("boom"), 70),
    ],
)
def test_every_error_has_its_exit_code_and_no_traceback(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> ExitCode:
        raise error

    monkeypatch.setattr(config_command, "run", fail)
    assert main(["config"]) == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "hunter22" not in err
    assert "\x1b" not in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "<&- 1>&- 2>&-"])
def test_closed_streams_change_no_status(closed: str) -> None:
    for words, code in (("completion bash", 0), ("config --config /nonexistent.toml", 2)):
        line = f'exec "{sys.executable}" -P -m evaltui {words} {closed}'
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, timeout=180)
        assert done.returncode == code, done
        assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told_in_one_line(unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "evaltui", "completion", "bash"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
            timeout=180,
        )
    assert done.returncode == 2
    told, hint = done.stderr.decode().splitlines()
    assert told == "evaltui: what is printed cannot be written: No space left on device"
    assert "room" in hint


def test_an_error_of_a_file_is_not_taken_for_one_of_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> ExitCode:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(config_command, "run", fail)
    assert main(["config"]) == ExitCode.INTERNAL
    assert "printed" not in capsys.readouterr().err


def test_what_nobody_reads_changes_no_status() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "evaltui", "config", "--config", "/nonexistent.toml"],
            stdout=writing,
            stderr=writing,
            check=False,
            timeout=180,
        )
    finally:
        os.close(writing)
    assert done.returncode == 2


def test_without_a_terminal_the_screen_names_the_headless_command() -> None:
    done = run_process(TERM="xterm")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"evaltui watch" in done.stderr


def test_a_wrong_configuration_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--config", "/nonexistent.toml"]) == 2
    assert "/nonexistent.toml" in capsys.readouterr().err


def test_every_option_of_the_light_commands_has_a_help_text() -> None:
    parser = build_parser({"config", "completion", "version", "doctor"})
    for action in parser._actions:
        assert action.help or action.dest == "command", action
    assert all(text for _, text in COMMANDS.values())


def test_a_pipe_that_closes_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m evaltui config --template | true"],
        capture_output=True,
        check=False,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, b"")
