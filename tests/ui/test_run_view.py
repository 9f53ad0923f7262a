"""The run view: cases with failures first, metrics, params, tags, artifacts, notes."""

from __future__ import annotations

import dataclasses
import math

import fake_engine
import pytest
from pane_app import PaneApp, screen_text, settle
from textual.widgets import OptionList

from evaltui.domain.events import RunDetail
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.ui.amounts import local_time, size_text
from evaltui.ui.glyphs import ASCII
from evaltui.ui.panes.artifacts import Artifacts
from evaltui.ui.panes.cases import CaseLines, value_text
from evaltui.ui.panes.run_lines import metric_lines, text_lines
from evaltui.ui.panes.run_view import RunView
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.text_view import TextView

HOSTILE = "\x1b]52;c;aGk=\x07[/b]\u202e\x9b2J\n"

RUN = Run(
    run_id="0" * 31 + "7",
    experiment_id="1",
    name="eval_mcp_7",
    status=RunStatus.FINISHED,
    started_ms=1_763_985_600_000,
    ended_ms=1_763_985_600_000 + 200_000,
    metrics={"tests_pass_rate": 0.75, "overall_quality_score": 0.8},
    params={"mode": "mcp", "total_apps": "20"},
    tags={Tag.MODE: "mcp", Tag.NOTES: "one value was not a number\nanother neither"},
)
DETAIL = RunDetail(
    run_id=RUN.run_id,
    params=(("total_apps", "20"), ("backend", "x")),
    tags=(("mode", "mcp"),),
    metrics=(("zz", 1.0), ("tests_pass_rate", 0.75), ("overall_quality_score", 0.81239)),
    artifacts=(("evaluation_report.json", 12_345), ("app_metrics.json", None)),
    case_columns=("app", "build", "tests", "score", "reason"),
    case_rows=(
        ("alpha", 1.0, 1.0, 0.5, None),
        ("beta", 0.0, 0.0, None, "AssertionError: 3\nsecond line"),
        ("gamma", 1.0, None, 0.25, None),
        ("delta", 1.0, 0.0, 1.5, "tests 2/7"),
    ),
    link="http://127.0.0.1:5000/#/experiments/1/runs/7",
    link_note="start the server first",
    extra=("2 keys were renamed",),
)


def names(lines: CaseLines) -> list[str]:
    return [lines.cells(at)[0].text for at in range(len(lines))]


def test_cases_that_fail_most_stand_first_and_keep_their_order_otherwise() -> None:
    lines = CaseLines(DETAIL)
    assert names(lines) == ["beta", "delta", "alpha", "gamma"]
    assert lines.failures == 2
    assert [lines.is_failure(at) for at in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("descending", [False, True])
def test_missing_values_are_last_in_either_direction(descending: bool) -> None:
    lines = CaseLines(DETAIL, sort=3, descending=descending)
    order = ["gamma", "alpha", "delta"]
    assert names(lines) == [*(reversed(order) if descending else order), "beta"]
    assert lines.columns()[3].title == f"score{'↓' if descending else '↑'}"


def test_a_missing_value_is_a_dot_and_never_a_zero() -> None:
    row = CaseLines(DETAIL).cells(0)
    assert [cell.text for cell in row] == ["beta", "0", "0", "·", "AssertionError: 3 second line"]
    assert CaseLines(DETAIL, glyphs=ASCII).cells(0)[3].text == "-"
    assert value_text(math.nan) == "·"


def test_a_word_in_a_status_column_counts_as_failure() -> None:
    detail = dataclasses.replace(
        DETAIL,
        case_columns=("id", "status", "n"),
        case_rows=(("a", "pass", 0.0), ("b", "error", 3.0), ("c", "FAIL", 5.0), ("d", None, 1.0)),
    )
    lines = CaseLines(detail)
    assert names(lines) == ["b", "c", "a", "d"]
    assert lines.cells(0)[1].role == "worse"
    assert lines.cells(2)[2].role == "text"  # a count of zero is no failure


def test_rows_shorter_than_the_head_miss_values() -> None:
    detail = dataclasses.replace(DETAIL, case_rows=(("a",), ()))
    lines = CaseLines(detail, sort=1)
    assert [[cell.text for cell in lines.cells(at)] for at in range(2)] == [
        ["a", "·", "·", "·", "·"],
        ["·"] * 5,
    ]


def test_columns_can_be_skipped_but_the_name_stays() -> None:
    lines = CaseLines(DETAIL, skip=2)
    assert [column.title for column in lines.columns()] == ["app", "score", "reason"]
    assert [cell.text for cell in lines.cells(1)] == ["delta", "1.5", "tests 2/7"]


def test_important_metrics_come_first_with_their_precision_and_direction() -> None:
    lines = metric_lines(DETAIL.metrics)
    rows = [[cell.text for cell in lines.cells(at)] for at in range(3)]
    assert [row[0] for row in rows] == ["overall_quality_score", "tests_pass_rate", "zz"]
    assert rows[0][2] == "higher is better"
    assert lines.fact(0).full == "0.81239"


def test_params_stand_by_name() -> None:
    assert [text_lines(DETAIL.params).key(at) for at in range(2)] == ["backend", "total_apps"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert size_text(size) == text


def test_moments_beyond_every_calendar_are_left_out() -> None:
    assert local_time(None) == ""
    assert local_time(10**30) == ""
    assert len(local_time(1_763_985_600_000)) == len("2025-11-24 12:00")


async def test_the_view_shows_every_section() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert "eval_mcp_7  finished · mcp · " in text
        assert "took 3 min 20 s" in text
        assert "start the server first" in text
        assert "[cases 4]  metrics 3   params 2   tags 1   artifacts 2   notes 3" in text
        wanted = {
            "metrics": "overall_quality_score",
            "params": "backend",
            "tags": "mode",
            "artifacts": "12.3 kB",
            "notes": "2 keys were renamed",
        }
        for section, word in wanted.items():
            await pilot.press("l")
            await settle(pilot)
            assert view.section == section
            assert word in "\n".join(screen_text(app))
        await pilot.press("l")
        assert view.section == "cases"
        await pilot.press("h")
        assert view.section == "notes"


async def test_before_the_answer_what_the_list_knows_is_shown() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, None)
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert "asking the store" in text
        assert "[cases]  metrics 2   params 2   tags 2   artifacts   notes 2" in text
        view.show(RUN, None, problem="the store is offline")
        await settle(pilot)
        assert "the store is offline" in "\n".join(screen_text(app))
        view.show(None, None)
        await settle(pilot)
        assert "no run to show" in "\n".join(screen_text(app))


async def test_a_run_without_cases_says_why() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        none = dataclasses.replace(
            DETAIL, case_columns=(), case_rows=(), cases_note="no case table was logged"
        )
        view.show(RUN, none)
        view.table.focus()
        await pilot.press("s", "n", "greater_than_sign", "right_square_bracket", "enter")
        await settle(pilot)
        assert "no case table was logged" in "\n".join(screen_text(app))
        assert [said.text for said in app.of(Said)] == [
            "there are no cases to sort",
            "no case failed",
        ]


async def test_cases_are_sorted_by_a_picked_column_and_back() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await pilot.press("s")
        await settle(pilot)
        assert isinstance(app.screen, Picker)
        assert app.screen.query_one(OptionList).option_count == 6
        await pilot.press("j", "j", "j", "j", "enter")  # score
        await settle(pilot)
        assert view.table.cursor_key == "2"  # gamma: 0.25
        await pilot.press("right_square_bracket", "g")
        await settle(pilot)
        assert view.table.cursor_key == "3"  # delta: 1.5
        await pilot.press("s")
        await settle(pilot)
        await pilot.press("g", "enter")
        await settle(pilot)
        assert view.table.cursor_key == "1"  # beta: fails most


async def test_n_goes_from_failure_to_failure() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        keys = []
        for key in ("n", "n", "n", "N"):
            await pilot.press(key)
            keys.append(view.table.cursor_key)
        assert keys == ["3", "1", "3", "1"]


async def test_a_refresh_keeps_section_sort_and_cursor_and_another_run_does_not() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await pilot.press("left_square_bracket", "j", "j")
        key = view.table.cursor_key
        view.show(RUN, dataclasses.replace(DETAIL, extra=()))
        await settle(pilot)
        assert view.table.cursor_key == key
        other = dataclasses.replace(RUN, run_id="f" * 32)
        view.show(other, dataclasses.replace(DETAIL, run_id=other.run_id))
        await settle(pilot)
        assert (view.table.cursor, view.table.cursor_key) == (0, "1")


async def test_a_case_opens_in_full_with_every_column_and_line() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, TextView)
        text = "\n".join(screen_text(app))
        assert "AssertionError: 3" in text
        assert "second line" in text
        await pilot.press("j", "k", "G", "g", "ctrl+d", "escape")
        await settle(pilot)
        assert not isinstance(app.screen, TextView)


async def test_what_the_cursor_is_on_is_copied_whole() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(100, 24)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await pilot.press("y", "l", "y")
        view.open_section("artifacts")
        await pilot.press("y")
        await settle(pilot)
        assert [(m.text, m.what) for m in app.of(CopyRequested)] == [
            ("beta", "case"),
            ("0.81239", "overall_quality_score"),
            ("app_metrics.json", "artifact path"),
        ]


async def test_columns_beyond_the_edge_come_into_view() -> None:
    view = RunView()
    app = PaneApp(view)
    async with app.run_test(size=(46, 20)) as pilot:
        view.show(RUN, DETAIL)
        view.table.focus()
        await settle(pilot)
        head = next(line for line in screen_text(app) if "app" in line and "build" in line)
        assert "reason" not in head
        await pilot.press(*["greater_than_sign"] * 9)
        await settle(pilot)
        head = next(line for line in screen_text(app) if line.strip().startswith("app"))
        assert "reason" in head
        await pilot.press(*["less_than_sign"] * 9)
        await settle(pilot)
        assert any("build" in line for line in screen_text(app))


async def test_hostile_texts_stay_texts_in_every_section() -> None:
    view = RunView()
    app = PaneApp(view)
    run = fake_engine.make_runs(8, HOSTILE)[-1]
    fields = fake_engine.detail_fields(run.run_id, 12, HOSTILE)
    detail = RunDetail(**fields)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        view.show(run, detail)
        view.table.focus()
        for _ in range(6):
            await pilot.press("enter")
            await settle(pilot)
            opened = "\n".join(screen_text(app))
            await pilot.press("escape")
            await settle(pilot)
            text = "\n".join(screen_text(app)) + opened
            assert "[/b]" in text
            assert not set(text) & set("\x1b\x07\x9b\u202e")
            await pilot.press("l")


async def test_the_artifacts_pane_lists_paths_and_sizes() -> None:
    pane = Artifacts()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        pane.show(RUN, DETAIL)
        await settle(pilot)
        lines = screen_text(app)
        assert lines[0].strip() == "eval_mcp_7: 2 artifacts"
        assert lines[2].split() == ["▌", "app_metrics.json", "·"]
        assert lines[3].split() == ["evaluation_report.json", "12.3", "kB"]
        pane.show(RUN, None, problem="gone")
        await settle(pilot)
        assert screen_text(app)[0].strip() == "eval_mcp_7: gone"
