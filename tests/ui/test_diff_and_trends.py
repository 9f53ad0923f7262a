"""What the diff and the trends say, as lines without a screen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from scripted import batch, evaluation, run, runs

from evaltui.domain.run import Run
from evaltui.ui.diff_lines import DiffLines, DiffView
from evaltui.ui.difference import Difference
from evaltui.ui.glyphs import ASCII, BLOCK
from evaltui.ui.model import Workbench
from evaltui.ui.panes.strip_words import strip_pieces, strip_title
from evaltui.ui.panes.trend_strip import strip_title as trend_title
from evaltui.ui.panes.trend_strip import trend_line
from evaltui.ui.panes.trends import TrendLines
from evaltui.ui.trend_data import Trend, make_trends


def _lines(baseline: Run, *candidates: Run, equal: bool = False) -> dict[str, list[str]]:
    difference = Difference(baseline, "previous mcp", candidates)
    lines = DiffLines(difference.comparisons(), glyphs=BLOCK, view=DiffView(equal=equal))
    return {
        lines.key(index): [cell.text.strip() for cell in lines.cells(index)]
        for index in range(len(lines))
    }


def _of(metrics: Mapping[str, float], **params: str) -> Run:
    return run("a", metrics=metrics, params=params)


def test_a_change_is_told_with_direction_delta_percent_and_word() -> None:
    lines = _lines(
        _of({"build_success_rate": 0.90, "generation_cost_usd": 4.10}),
        _of({"build_success_rate": 0.95, "generation_cost_usd": 4.51}),
    )
    assert lines["metric:build_success_rate"] == [
        *("build_success_rate", "↑", "0.90", "0.95+", "+5.0pp", "+5.6%", "better")
    ]
    assert lines["metric:generation_cost_usd"] == [
        *("generation_cost_usd", "↓", "4.10", "4.51!", "+0.41", "+10.0%", "worse")
    ]


def test_a_small_change_is_within_its_tolerance() -> None:
    lines = _lines(_of({"build_success_rate": 0.90}), _of({"build_success_rate": 0.91}))
    assert lines["metric:build_success_rate"][-1] == "within 2pp"
    assert lines["metric:build_success_rate"][3] == "0.91"


def test_a_metric_of_one_run_only_is_missing_not_changed() -> None:
    lines = _lines(_of({"a_score": 1.0}), _of({"b_score": 1.0}))
    assert lines["metric:a_score"][2:] == ["1.000", "·", "·", "·", "only in A"]
    assert lines["metric:b_score"][2:] == ["·", "1.000", "·", "·", "only in B"]


def test_equal_metrics_are_hidden_until_they_are_wanted() -> None:
    same = _of({"build_success_rate": 0.9})
    assert _lines(same, same) == {}
    assert _lines(same, same, equal=True)["metric:build_success_rate"][-1] == "same"


def test_params_that_differ_come_after_the_metrics() -> None:
    lines = _lines(_of({}, model="a", same="x"), _of({}, model="b", same="x", new="y"))
    assert list(lines) == ["heading:params", "param:model", "param:new"]
    assert lines["param:model"][2:] == ["a", "b"]
    assert lines["param:new"][2:] == ["·", "y"]


def test_several_candidates_stand_in_columns() -> None:
    first, second, third = (evaluation(n) for n in (4, 5, 8))
    lines = _lines(first, second, third)
    assert lines["metric:overall_quality_score"] == [
        *("overall_quality_score", "↑", "0.76", "0.81+", "0.80+", "+5.0pp", "+6.6%", "better")
    ]
    models = ["claude-sonnet-4", "claude-sonnet-4", "claude-sonnet-4-5"]
    assert lines["param:model_version"][2:] == models


def test_a_metric_that_the_baseline_lacks_is_there_for_the_one_that_has_it() -> None:
    lines = _lines(_of({}), _of({}), _of({"x_score": 2.0}))
    assert lines["metric:x_score"][2:5] == ["·", "·", "2.000"]
    assert lines["metric:x_score"][-1] == "in neither"


def test_the_strip_tells_what_moved_beyond_tolerance_first() -> None:
    difference = Difference(evaluation(6), "previous mcp", (evaluation(7),))
    pieces = strip_pieces(difference)
    assert pieces[0] == ("quality -44.0pp!", "$worse")
    assert strip_title(difference) == "eval_mcp_1207 vs eval_mcp_1206 (previous mcp)"


def test_the_strip_warns_where_runs_do_not_compare() -> None:
    other = run("x", metrics={"build_success_rate": 1.0}, params={"backend": "codex"})
    difference = Difference(evaluation(6), "previous mcp", (other,))
    assert strip_pieces(difference)[0] == ("! not fully comparable", "$worse")


def test_the_strip_says_why_there_is_nothing_to_tell() -> None:
    assert strip_pieces(None)[0][0] == "no run to compare"
    alone = Difference(None, "no earlier finished run of mode mcp", (evaluation(1),))
    assert strip_pieces(alone)[0][0] == "no baseline: no earlier finished run of mode mcp"
    itself = Difference(evaluation(1), "shared")
    assert strip_pieces(itself)[0][0] == "this run is the baseline"
    twin = Difference(_of({"m": 1.0}), "shared", (_of({"m": 1.0}),))
    assert strip_pieces(twin)[0][0] == "no metric differs"


def test_trends_are_of_one_mode_oldest_first_with_gaps() -> None:
    bench = Workbench()
    bench.apply_runs(runs(*batch()))
    trends = make_trends(
        bench.table, bench.cursor_row, mode="mcp", headline=bench.headline(), baseline=0
    )
    first = trends.items[0]
    assert first.metric == "overall_quality_score"
    assert len(first.values) == 12
    assert first.values[7] == pytest.approx(0.35)
    assert first.last == pytest.approx(0.84)
    assert first.previous == pytest.approx(0.85)
    tests = next(trend for trend in trends.items if trend.metric == "tests_pass_rate")
    assert np.isnan(tests.values[[0, 3, 6, 9]]).all()
    assert trends.baselines["overall_quality_score"] == pytest.approx(0.71)
    assert trend_title(trends) == "Trends mode mcp, 12 runs"


@pytest.mark.parametrize(
    ("count", "oldest"), [(399, 0), (400, 0), (449, 0), (450, 50), (451, 50), (512, 100)]
)
def test_the_oldest_run_of_a_trend_moves_on_by_fifty(count: int, oldest: int) -> None:
    bench = Workbench()
    every = (run(f"{at:04d}", hours_ago=count - at, metrics={"m": at}) for at in range(count))
    bench.apply_runs(runs(*every))
    trends = make_trends(bench.table, bench.cursor_row, mode="mcp", headline="m")
    assert trends.items[0].values.tolist() == list(range(oldest, count))


def test_without_a_run_there_is_no_trend() -> None:
    bench = Workbench()
    trends = make_trends(bench.table, None, mode=None, headline=None)
    assert trends.items == ()
    assert trend_title(trends) == "Trends"


@pytest.mark.parametrize("width", [10, 24, 40, 56, 120])
@pytest.mark.parametrize("glyphs", [BLOCK, ASCII])
def test_a_trend_line_never_takes_more_than_its_width(width: int, glyphs: object) -> None:
    trend = Trend("overall_quality_score", np.array([0.7, math.nan, 0.9] * 40))
    line = trend_line(trend, width, glyphs)  # type: ignore[arg-type]
    assert line.cell_length <= max(width, 27)


def test_a_trend_line_has_last_change_and_range() -> None:
    trend = Trend("overall_quality_score", np.array([0.7, math.nan, 0.9]))
    text = trend_line(trend, 60, BLOCK).plain
    assert text.startswith("quality    0.90+")
    assert "+20.0pp" in text
    assert text.endswith("0.70..0.90")


def test_the_trend_table_has_a_line_per_metric() -> None:
    bench = Workbench()
    bench.apply_runs(runs(*batch()))
    trends = make_trends(bench.table, bench.cursor_row, mode="mcp", headline=bench.headline())
    lines = TrendLines(trends, BLOCK, width=100)
    assert len(lines) == 10
    assert lines.key(0) == "overall_quality_score"
    cells = [cell.text for cell in lines.cells(0)]
    assert cells[:3] == ["overall_quality_score", "0.84 ", "-1.0pp"]
    assert cells[4:] == ["0.35", "0.85"]
