from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from watching import Watched, app_report, bulk, case

from evaltui.domain.events import FileRole, FileState

TIME = "2026-01-01T00:00:00Z"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


def listed(watched: Watched) -> dict[str, str]:
    """Return the listed rows: name below the root and progress, or state."""
    return {
        str(Path(row.path).relative_to(watched.root)): row.progress or row.state.value
        for row in watched.journal.rows_since(0)
    }


def test_an_evaluation_under_way_is_one_row_that_its_report_takes_away(watched: Watched) -> None:
    for app in ("a", "b", "c"):
        (watched.root / "app" / app).mkdir(parents=True)
    watcher = watched.watch()
    watched.write("app/a/eval_result.json", case("a", TIME))
    watched.run(watcher, 1.5)
    assert listed(watched) == {"app": "1 of 3 evaluated"}
    watched.write("app/b/eval_result.json", case("b", TIME))
    watched.write("app/c/eval_result.json", case("c", TIME))
    watched.run(watcher, 1.5)
    assert listed(watched) == {"app": "3 of 3 evaluated"}
    row = watched.row("app")
    assert (row.role, row.state) == (FileRole.CASE, FileState.SEEN)
    assert [item.done for item in watcher.progress()] == [3]
    watched.write("evaluation_report.json", app_report(dict.fromkeys("abc", TIME)))
    watched.run(watcher, 1.5)
    assert listed(watched) == {"evaluation_report.json": "parsed"}
    assert watcher.progress() == []


def test_progress_counts_as_no_file_of_its_own(watched: Watched) -> None:
    watched.write("a_eval.json", case("a", TIME))
    watcher = watched.watch()
    watched.run(watcher, 1)
    status = watcher.status()
    assert (status.logged, status.pending, status.failed, status.ignored) == (0, 0, 0, 0)


def test_a_bulk_file_tells_how_many_apps_to_expect(watched: Watched) -> None:
    watched.write("bulk_run_results_20260101_000000.json", bulk("a", "b", "c", "d"))
    watcher = watched.watch()
    watched.run(watcher, 1)
    watched.write("out/a_eval.json", case("a", TIME))
    watched.run(watcher, 1.5)
    assert watched.row("out").progress == "1 of 4 evaluated"


def test_a_bulk_file_of_other_apps_tells_nothing(watched: Watched) -> None:
    watched.write("bulk_run_results_20260101_000000.json", bulk("x", "y"))
    watched.write("out/a_eval.json", case("a", TIME))
    watched.run(watched.watch(), 1.5)
    assert watched.row("out").progress == "1 evaluated"


def test_a_bulk_file_that_comes_later_is_asked_then(watched: Watched) -> None:
    watcher = watched.watch()
    watched.write("out/a_eval.json", case("a", TIME))
    watched.run(watcher, 1.5)
    assert watched.row("out").progress == "1 evaluated"
    watched.write("bulk_run_results_20260101_000000.json", bulk("a", "b"))
    watched.run(watcher, 1.5)
    assert watched.row("out").progress == "1 of 2 evaluated"


def test_the_last_report_tells_how_many_apps_to_expect(watched: Watched) -> None:
    watched.write("evaluation_report.json", app_report(dict.fromkeys("abcde", TIME)))
    watcher = watched.watch()
    watched.run(watcher, 1)
    watched.write("out/a_eval.json", case("a", "2026-02-02T00:00:00Z"))
    watched.run(watcher, 1.5)
    assert watched.row("out").progress == "1 of 5 evaluated"


def test_a_restart_goes_on_counting(watched: Watched) -> None:
    for app in ("a", "b"):
        watched.write(f"out/{app}_eval.json", case(app, TIME))
    first = watched.watch()
    watched.run(first, 1)
    first.close()
    second = watched.watch()
    watched.write("out/c_eval.json", case("c", TIME))
    watched.run(second, 1.5)
    assert watched.row("out").progress == "3 evaluated"
    assert len(watched.journal.rows_since(0)) == 1


def test_a_restart_after_the_report_brings_no_row_back(watched: Watched) -> None:
    watched.write("a_eval.json", case("a", TIME))
    first = watched.watch()
    watched.run(first, 1)
    watched.write("evaluation_report.json", app_report({"a": TIME}))
    watched.run(first, 1.5)
    first.close()
    watched.run(watched.watch(), 1.5)
    assert listed(watched) == {"evaluation_report.json": "parsed"}


def test_deleted_per_app_files_are_counted_no_more(watched: Watched) -> None:
    paths = [watched.write(f"out/{app}_eval.json", case(app, TIME)) for app in "ab"]
    watcher = watched.watch()
    watched.run(watcher, 1)
    paths[0].unlink()
    watched.run(watcher, 1.5)
    assert watched.row("out").progress == "1 evaluated"
    paths[1].unlink()
    watched.run(watcher, 1.5)
    assert watched.state("out") is None


def test_old_per_app_files_are_no_evaluation_under_way(watched: Watched) -> None:
    watched.write("out/a_eval.json", case("a", TIME))
    watched.wall.now += 2 * 86_400
    watcher = watched.watch()
    watched.run(watcher)
    assert watched.journal.rows_since(0) == []
    assert watcher.progress() == []


def test_a_directory_with_a_line_of_its_own_keeps_it(watched: Watched) -> None:
    watched.write("evaluation_report.json/a_eval.json", case("a", TIME))
    watcher = watched.watch()
    watched.run(watcher, 1.5)
    assert watched.state("evaluation_report.json") is FileState.QUARANTINED
    watched.write("evaluation_report.json/evaluation_report.json", app_report({"a": TIME}))
    watched.run(watcher, 1.5)
    assert watched.state("evaluation_report.json") is FileState.QUARANTINED
    assert watcher.progress() == []
