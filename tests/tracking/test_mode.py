from __future__ import annotations

import pytest
from report_builders import make_report

from evaltui.domain.mode import MAX_MODE, normalise_mode
from evaltui.domain.report import ModeSource
from evaltui.tracking.mode import choose_mode


def test_what_is_forced_beats_the_report() -> None:
    report = make_report(mode="mcp", mode_source=ModeSource.REPORT)
    assert choose_mode(report, forced=("vanilla_sdk", ModeSource.ARGUMENT)) == (
        "vanilla_sdk",
        ModeSource.ARGUMENT,
    )
    assert choose_mode(report, forced=("ab test", ModeSource.ENVIRONMENT)) == (
        "ab test",
        ModeSource.ENVIRONMENT,
    )


@pytest.mark.parametrize("source", [ModeSource.REPORT, ModeSource.COMPANION, ModeSource.FILE_NAME])
def test_the_report_tells_the_mode_and_where_it_has_it_from(source: ModeSource) -> None:
    assert choose_mode(make_report(mode="mcp", mode_source=source)) == ("mcp", source)


def test_without_a_word_from_anyone_the_mode_is_manual() -> None:
    assert choose_mode(make_report()) == ("manual", ModeSource.DEFAULT)
    assert choose_mode(make_report(), forced=("  ", ModeSource.ENVIRONMENT)) == (
        "manual",
        ModeSource.DEFAULT,
    )


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("MCP (TypeScript/tRPC)", "mcp"),
        ("mcp", "mcp"),
        ("MCP v2", "mcp"),
        ("Vanilla SDK (Streamlit)", "vanilla_sdk"),
        ("vanilla-sdk", "vanilla_sdk"),
        ("mcp_v2", "mcp_v2"),
        ("mcpx", "mcpx"),
        ("Staging", "Staging"),
        (" two\nlines ", "two lines"),
        ("", ""),
    ],
)
def test_modes_are_normalised(text: str, mode: str) -> None:
    assert normalise_mode(text) == mode


def test_a_mode_is_short_and_harmless() -> None:
    mode = normalise_mode("\x1b[2J" + "x" * 500)
    assert len(mode) <= MAX_MODE
    assert "\x1b" not in mode
