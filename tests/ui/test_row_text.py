"""Columns by priority and cells of exact width, whatever a run is called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from scripted import NOW_S, batch, run, runs, store

from evaltui.domain.catalogue import spec_for
from evaltui.domain.run import RunStatus
from evaltui.ui.columns import Cell, Column, Kind, make_plan, title_of
from evaltui.ui.fitting import shorten
from evaltui.ui.glyphs import ASCII, BLOCK, Glyphs
from evaltui.ui.list_lines import _fit
from evaltui.ui.model import Workbench
from evaltui.ui.row_text import RowText, state_of

RATES = [
    "build_success_rate",
    "runtime_success_rate",
    "tests_pass_rate",
    "databricks_connectivity_rate",
]
METRICS = [*RATES, "overall_quality_score", "generation_cost_usd"]


def _plan(width: int, *, name: int = 20, mode: int = 4, trend: bool = True) -> list[Column]:
    plan = make_plan(
        width,
        metrics=METRICS,
        primary="overall_quality_score",
        longest_name=name,
        longest_mode=mode,
        trend=trend,
        unit_of=lambda metric: spec_for(metric).unit,
    )
    return list(plan.columns)


@given(st.integers(36, 300), st.integers(0, 80), st.integers(0, 30))
def test_columns_never_take_more_than_there_is(width: int, name: int, mode: int) -> None:
    columns = _plan(width, name=name, mode=mode)
    assert sum(column.width + 1 for column in columns) <= width
    shown = [column.metric or column.kind for column in columns]
    assert shown[:2] == [Kind.FLAGS, Kind.NAME]
    assert "overall_quality_score" in shown


def test_columns_come_by_priority() -> None:
    def shown(width: int) -> list[str]:
        return [column.metric or str(column.kind) for column in _plan(width)]

    assert shown(36) == ["flags", "name", "overall_quality_score"]
    assert shown(40) == ["flags", "name", "start", "overall_quality_score"]
    assert shown(50)[:4] == ["flags", "name", "start", "mode"]
    assert shown(76)[-1] == "trend"
    assert set(METRICS) <= set(shown(120))
    assert _plan(130)[2].width == 12


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("overall_quality_score", "quality"),
        ("generation_cost_usd", "cost $"),
        ("total_apps", "apps"),
        ("task/gsm8k/exact_match", "exact_m"),
        ("", ""),
        ("\x1b[31mred", "�[31mre"),
    ],
)
def test_titles_are_short_and_clean(metric: str, title: str) -> None:
    assert title_of(metric) == title


@settings(max_examples=200)
@given(st.text(max_size=60), st.integers(1, 40), st.booleans(), st.booleans())
def test_a_cell_is_as_wide_as_its_column(text: str, width: int, right: bool, shrinks: bool) -> None:
    from evaltui.domain.text import clean

    column = Column(Kind.NAME, "x", width, right=right, shrinks=shrinks)
    assert cell_len(_fit(Cell(clean(text)), column)) == width


def test_a_long_name_keeps_both_ends() -> None:
    assert shorten("eval_mcp_2026-11-24T14:02:11", 16) == "eval_m…T14:02:11"
    assert shorten("short", 16) == "short"


def _rows(bench: Workbench, glyphs: Glyphs = BLOCK) -> RowText:
    return RowText(bench, glyphs, clock=lambda: NOW_S)


def _bench() -> Workbench:
    bench = Workbench()
    bench.store = store().status
    bench.apply_runs(runs(*batch()))
    return bench


def _texts(rows: RowText, bench: Workbench, name: str, width: int = 120) -> dict[str, Cell]:
    plan = rows.plan(width)
    row = bench.table.names.index(name)
    cells = rows.cells(row, plan)
    return {
        column.metric or column.kind: cell for column, cell in zip(plan.columns, cells, strict=True)
    }


def test_values_are_signed_against_the_baseline_and_missing_is_a_dot() -> None:
    bench = _bench()
    shown = _texts(_rows(bench), bench, "eval_mcp_1207")
    assert shown["build_success_rate"] == Cell("0.47!", "worse")
    assert shown["tests_pass_rate"] == Cell("0.27 ", "text")
    better = _texts(_rows(bench), bench, "eval_mcp_1208")
    assert better["build_success_rate"] == Cell("0.92+", "better")
    broken = _texts(_rows(bench), bench, "eval_mcp_broken")
    assert broken["build_success_rate"] == Cell("· ", "quiet")
    assert _texts(_rows(bench, ASCII), bench, "eval_mcp_broken")["build_success_rate"].text == "- "


def test_flags_show_state_baseline_and_mark() -> None:
    bench = _bench()
    rows = _rows(bench)
    assert _texts(rows, bench, "eval_mcp_1207")["flags"] == Cell("✓  ", "quiet")
    assert _texts(rows, bench, "eval_mcp_broken")["flags"] == Cell("✗  ", "bad")
    bench.session_baseline = "07a7c4e19bm"
    bench.toggle_mark("07a7c4e19bm")
    assert _texts(rows, bench, "eval_mcp_1207")["flags"] == Cell("✓b*", "mark")
    assert _texts(_rows(bench, ASCII), bench, "eval_mcp_1206")["flags"] == Cell("   ", "quiet")


@pytest.mark.parametrize(
    ("status", "tags", "state"),
    [
        (RunStatus.FINISHED, {}, "finished"),
        (RunStatus.FINISHED, {"evaltui.status": "partial"}, "partial"),
        (RunStatus.FINISHED, {"evaltui.kind": "generation"}, "generation"),
        (RunStatus.RUNNING, {}, "running"),
        (RunStatus.RUNNING, {"evaltui.state": "logging"}, "pending"),
        (RunStatus.PENDING, {}, "pending"),
        (RunStatus.FAILED, {}, "failed"),
        (RunStatus.KILLED, {}, "killed"),
        (RunStatus.SCHEDULED, {}, "scheduled"),
    ],
)
def test_every_state_has_a_sign(status: RunStatus, tags: dict[str, str], state: str) -> None:
    bench = Workbench()
    bench.apply_runs(runs(run("a", status=status, tags=tags)))
    assert state_of(bench.table, 0) == state
    assert state in BLOCK.states
    assert ASCII.states[state].isascii()


def test_a_wanted_metric_gets_its_column_first() -> None:
    bench = _bench()
    rows = RowText(bench, BLOCK, wanted=("avg_turns_per_app", "no_such_metric"))
    assert rows.plan(120).metrics[0] == "avg_turns_per_app"


def test_a_sparkline_ends_with_the_run_itself() -> None:
    bench = _bench()
    assert _texts(_rows(bench), bench, "eval_mcp_1207")["trend"].text[-1] == "▁"
    assert _texts(_rows(bench), bench, "eval_mcp_1206")["trend"].text[0] == " "


def test_a_store_without_metrics_still_has_a_list() -> None:
    bench = Workbench()
    bench.apply_runs(runs(run("a")))
    plan = _rows(bench).plan(80)
    assert [column.kind for column in plan.columns] == [
        Kind.FLAGS,
        Kind.NAME,
        Kind.START,
        Kind.MODE,
    ]
