"""The screen's state keeps cursor, marks, filter and baseline whatever the engine sends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scripted import batch, evaluation, run, runs, store

from evaltui.domain.run import RunStatus
from evaltui.ui.model import NO_BASELINE, PREVIOUS_BASELINE, Workbench
from evaltui.ui.order import Sort, SortKey


def _bench(*rows: object) -> Workbench:
    bench = Workbench()
    bench.apply_runs(runs(*rows))  # type: ignore[arg-type]
    return bench


def _listed(bench: Workbench) -> list[str]:
    return [bench.table.run_ids[row] for row in bench.order.tolist()]


def test_the_newest_run_is_first_and_has_the_cursor() -> None:
    bench = _bench(run("old", hours_ago=9), run("new", hours_ago=1), run("mid", hours_ago=4))
    assert _listed(bench) == ["new", "mid", "old"]
    assert bench.cursor_id == "new"


def test_a_pending_report_without_a_date_is_the_newest() -> None:
    bench = _bench(run("a", hours_ago=1), run("local:1", hours_ago=None, status=RunStatus.PENDING))
    assert _listed(bench) == ["local:1", "a"]


def test_a_finished_run_without_a_date_is_last_either_way() -> None:
    bench = _bench(run("undated", hours_ago=None), run("a", hours_ago=1), run("b", hours_ago=2))
    assert _listed(bench)[-1] == "undated"
    bench.set_sort(Sort(SortKey.START, descending=False))
    assert _listed(bench) == ["b", "a", "undated"]


@given(st.permutations([f"r{n}" for n in range(8)]))
def test_runs_of_one_moment_never_swap_places(ids: list[str]) -> None:
    bench = _bench(*(run(run_id, hours_ago=3) for run_id in ids))
    assert _listed(bench) == sorted(ids, reverse=True)


def test_missing_values_are_last_whichever_way_a_metric_is_sorted() -> None:
    rows = [run("a", metrics={"m": 1.0}), run("b", metrics={"m": 3.0}), run("none")]
    bench = _bench(*rows)
    bench.set_sort(Sort("metric:m"))
    assert _listed(bench) == ["b", "a", "none"]
    bench.set_sort(Sort("metric:m", descending=False))
    assert _listed(bench) == ["a", "b", "none"]


def test_names_and_modes_are_sorted_as_texts() -> None:
    rows = [run("1", name="beta", mode="x"), run("2", name="Alpha", mode=None)]
    bench = _bench(*rows)
    bench.set_sort(Sort(SortKey.NAME, descending=False))
    assert _listed(bench) == ["2", "1"]
    bench.set_sort(Sort(SortKey.MODE, descending=False))
    assert _listed(bench) == ["1", "2"]


def test_a_new_run_leaves_the_cursor_on_its_run() -> None:
    bench = _bench(*batch())
    bench.move_to(3)
    before = bench.cursor_id
    bench.apply_runs(runs(evaluation(11, mode="other", hours_ago=0.1)))
    assert bench.cursor_id == before
    assert bench.position == 4


def test_when_a_report_becomes_a_run_the_cursor_goes_along() -> None:
    tags = {"evaltui.content_id": "c1"}
    bench = _bench(run("a", hours_ago=5), run("local:7", hours_ago=1, tags=tags))
    assert bench.cursor_id == "local:7"
    bench.apply_runs(runs(run("real", hours_ago=1, tags=tags), removed=["local:7"]))
    assert bench.cursor_id == "real"


def test_when_the_run_under_the_cursor_goes_the_next_one_has_it() -> None:
    bench = _bench(run("a", hours_ago=1), run("b", hours_ago=2), run("c", hours_ago=3))
    bench.move_to(1)
    bench.apply_runs(runs(removed=["b"]))
    assert bench.cursor_id == "c"


def test_following_keeps_the_cursor_on_the_newest() -> None:
    bench = _bench(run("a", hours_ago=5), run("b", hours_ago=4))
    bench.follow = True
    bench.apply_runs(runs(run("c", hours_ago=1)))
    assert bench.cursor_id == "c"


def test_superseded_and_duplicate_runs_are_not_listed_or_counted() -> None:
    bench = _bench(
        run("a"),
        run("old", tags={"evaltui.superseded_by": "a"}),
        run("twin", tags={"evaltui.duplicate_of": "a"}),
    )
    assert _listed(bench) == ["a"]
    assert bench.total == 1


def test_a_filter_hides_what_does_not_match_and_counts_all() -> None:
    bench = _bench(*batch())
    bench.set_filter("vanilla 1205")
    assert [bench.table.names[row] for row in bench.order.tolist()] == ["eval_vanilla_sdk_1205"]
    assert bench.total == 16
    bench.set_filter("")
    assert len(bench.order) == 16


def test_an_engine_that_starts_again_does_not_empty_the_list() -> None:
    bench = _bench(*batch())
    bench.move_to(5)
    cursor, marked = bench.cursor_id, bench.table.run_ids[int(bench.order[2])]
    bench.toggle_mark(marked)
    first, *rest = batch()
    change = bench.apply_runs(runs(first, reset=True, complete=False))
    assert not len(change.rows)
    assert len(bench.order) == 16
    bench.apply_runs(runs(*rest))
    assert len(bench.order) == 16
    assert bench.cursor_id == cursor
    assert list(bench.marks) == [marked]


def test_the_first_listing_shows_as_it_comes() -> None:
    bench = Workbench()
    bench.apply_runs(runs(evaluation(1), reset=True, complete=False))
    assert bench.loading
    assert len(bench.order) == 1
    bench.apply_runs(runs(evaluation(2)))
    assert not bench.loading
    assert len(bench.order) == 2


def test_a_range_is_marked_from_the_last_mark_to_the_cursor() -> None:
    bench = _bench(*batch())
    bench.toggle_mark(bench.cursor_id)
    bench.move_to(3)
    rows = bench.mark_range()
    assert rows.tolist() == bench.order[:4].tolist()
    assert len(bench.marks) == 4
    bench.unmark_all()
    assert not bench.marks


def test_marks_of_runs_that_went_are_dropped() -> None:
    bench = _bench(run("a"), run("b"))
    bench.toggle_mark("a")
    bench.apply_runs(runs(removed=["a"]))
    assert not bench.marks


def test_the_baseline_is_the_previous_run_of_the_mode_until_somebody_sets_one() -> None:
    bench = _bench(*batch())
    newest = bench.cursor_row
    assert newest is not None
    assert bench.table.names[bench.baseline_for(newest).row or 0] == "eval_mcp_1210"
    bench.store = store(baseline_run_id="05a7c4e19bm").status
    assert bench.baseline_for(newest).why == "shared"
    bench.session_baseline = "03a7c4e19bm"
    assert bench.table.names[bench.baseline_for(newest).row or 0] == "eval_mcp_1203"
    bench.session_baseline = PREVIOUS_BASELINE
    assert bench.table.names[bench.baseline_for(newest).row or 0] == "eval_mcp_1210"
    assert bench.fixed_baseline_id == ""
    bench.session_baseline = NO_BASELINE
    assert bench.baseline_for(newest).row is None


def test_several_marked_runs_are_held_against_the_oldest_of_them() -> None:
    bench = _bench(*batch())
    for run_id in ("11a7c4e19bm", "02a7c4e19bm", "05a7c4e19bm"):
        bench.toggle_mark(run_id)
    lineup = bench.lineup()
    assert lineup is not None
    names = [bench.table.names[row] for row in (lineup.baseline or 0, *lineup.candidates)]
    assert names == ["eval_mcp_1202", "eval_mcp_1205", "eval_mcp_1211"]
    bench.session_baseline = "07a7c4e19bm"
    lineup = bench.lineup()
    assert lineup is not None
    assert bench.table.names[lineup.baseline or 0] == "eval_mcp_1207"
    assert len(lineup.candidates) == 3


def test_the_baseline_itself_has_no_candidate() -> None:
    bench = _bench(run("a", hours_ago=2), run("b", hours_ago=1))
    bench.session_baseline = "b"
    lineup = bench.lineup()
    assert lineup is not None
    assert lineup.candidates == ()


def test_nothing_is_compared_in_an_empty_list() -> None:
    bench = _bench()
    assert bench.lineup() is None
    assert bench.position == 0
    assert not bench.move_to(3)


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=25), st.integers(0, 40))
def test_the_cursor_is_always_on_a_visible_run(
    steps: list[tuple[int, bool]], position: int
) -> None:
    bench = Workbench()
    for number, gone in steps:
        if gone:
            bench.apply_runs(runs(removed=[f"r{number}"]))
        else:
            bench.apply_runs(runs(run(f"r{number}", hours_ago=number % 7)))
        bench.move_to(position)
        row = bench.cursor_row
        assert (row is None) == (not len(bench.order))
        assert row is None or bool(np.isin(row, bench.order))
