"""The README says what the code does: keys, commands, settings, errors, checks, exit codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from readme_tables import CHECKS, ERRORS, EXAMPLES, README, error_classes, part_of, tables

from evaltui.cli.parser import COMMANDS, parse
from evaltui.domain.report import Source
from evaltui.readers import read_reports

TEXT = README.read_text(encoding="utf-8")
ROOT = README.parent


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_generated_part_is_as_the_code_has_it(name: str) -> None:
    assert part_of(TEXT, name) == tables()[name], "run: python tests/readme_tables.py"


def test_every_error_class_and_command_has_its_entry() -> None:
    assert set(ERRORS) == set(error_classes())
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("example", sorted(EXAMPLES.values()))
def test_every_example_of_a_command_is_understood(example: str) -> None:
    program, *arguments = example.split()
    assert program == "evaltui"
    assert parse(arguments).command == arguments[0]


def test_every_evaltui_command_line_of_the_text_is_understood() -> None:
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
    lines = re.findall(r"^evaltui[^\n#]*", blocks, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        parse(line.split()[1:])


def test_the_report_of_the_text_is_a_report() -> None:
    found = re.search(r"```json\n(.*?)```", part_of(TEXT, "own-report"), re.DOTALL)
    assert found is not None
    data = found[1].encode()
    source = Source(Path("/nightly.json"), len(data), datetime(2026, 3, 1, tzinfo=UTC))
    (report,) = read_reports(data, source)
    assert report.metric("accuracy") == 0.81
    assert [case.case_id for case in report.cases] == ["q-17"]


def test_every_picture_of_the_text_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_ci_runs_the_test_command_of_the_text() -> None:
    command = part_of(TEXT, "test-command")
    assert "tests/check.py" in command
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "test-command" in script
    assert "eval" in script


def test_the_doctors_checks_have_their_entries() -> None:
    from evaltui.cli.surroundings import CHECKS as HERE
    from evaltui.tracking.diagnosis import CHECKS as STORE

    assert set(CHECKS) == {*HERE, *STORE}


def test_the_configuration_template_is_valid_toml_with_every_key() -> None:
    import tomllib

    from evaltui.cli.config import template
    from evaltui.settings import document

    text = template()
    for item in document():
        assert re.search(rf"^#\[?{item.key}\b", text, re.MULTILINE), item.key
    assert tomllib.loads(text) == {}
