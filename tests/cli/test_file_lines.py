"""The line of a file: words of scripts, JSON, clean text, exit codes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import pytest

from evaltui.cli.file_lines import add_format_option, exit_code, file_line, state_word
from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.engine.outcome import Outcome
from evaltui.errors import ExitCode

WORDS = {"logged", "duplicate", "quarantined", "pending", "ignored"}


def test_every_state_has_a_word_of_the_schema() -> None:
    assert {state_word(state) for state in FileState} == WORDS
    assert {state_word(state) for state in PENDING_STATES} == {"pending"}


def test_a_json_line_holds_exactly_the_fields_of_the_schema() -> None:
    outcome = Outcome(
        "/r/a.json", FileState.FINISHED, ("1", "2"), format="app_eval_k1", reason="", hint=""
    )
    assert json.loads(file_line(outcome, "json")) == {
        "schema": "evaltui.file/1",
        "path": "/r/a.json",
        "state": "logged",
        "run_ids": ["1", "2"],
        "format": "app_eval_k1",
        "reason": None,
        "hint": None,
    }


def test_a_json_line_is_one_line_of_ascii_whatever_the_file_is_called() -> None:
    outcome = Outcome("/r/\u2028é\n\udcff.json", FileState.IGNORED, reason="no\nreport")
    line = file_line(outcome, "json")
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["path"] == "/r/\u2028é\n\udcff.json"


def test_a_line_for_people_is_clean_and_says_what_to_do() -> None:
    outcome = Outcome(
        "/r/\x1b[31mred\n.json",
        FileState.QUARANTINED,
        reason="results[3]:\x07 wrong",
        hint="repair it",
    )
    line = file_line(outcome, "table")
    assert line.startswith("quarantined ")
    assert line.endswith("repair it")
    assert not any(ord(char) < 32 or char == "\x7f" for char in line)


@pytest.mark.parametrize("form", ["table", "json"])
def test_secrets_are_masked(form: str) -> None:
    text = "http://me:hunter22@store/ refused dapi0123456789abcdef"
    line = file_line(Outcome("/r/a", FileState.PARSED, reason=text, hint=text), form)
    assert "hunter22" not in line
    assert "dapi0123456789abcdef" not in line


@pytest.mark.parametrize(
    ("states", "named", "code"),
    [
        ([], True, ExitCode.OK),
        ([FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED], True, ExitCode.OK),
        ([FileState.FINISHED, FileState.QUARANTINED], False, ExitCode.REPORT),
        ([FileState.QUARANTINED, FileState.INTENT], False, ExitCode.STORE),
        ([FileState.IGNORED], False, ExitCode.OK),
        ([FileState.IGNORED], True, ExitCode.REPORT),
        ([FileState.DELETED], True, ExitCode.REPORT),
    ],
)
def test_the_exit_code_tells_the_worst(
    states: Sequence[FileState], named: bool, code: ExitCode
) -> None:
    assert exit_code((Outcome("/r", state) for state in states), named=named) is code


def test_the_format_is_table_unless_json_is_asked_for() -> None:
    parser = argparse.ArgumentParser()
    add_format_option(parser)
    assert parser.parse_args([]).format == "table"
    assert parser.parse_args(["--format", "json"]).format == "json"
