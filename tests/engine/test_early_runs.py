"""Large reports have their row, with what their first bytes tell, before they are read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from big_documents import write_report
from watching import Watched

from evaltui.domain.events import FileRole, FileRow, FileState, WatchRole, WatchStatus
from evaltui.domain.run import RunStatus, Tag
from evaltui.domain.table import RunDelta
from evaltui.engine import early_look
from evaltui.engine.early_runs import Previews, file_runs
from evaltui.engine.feed import Feed
from evaltui.engine.local_rows import LocalRows

SIZE = 200_000


@pytest.fixture(autouse=True)
def _large_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_look, "LARGE_BYTES", SIZE // 2)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


def row(path: Path, seq: int = 1, state: FileState = FileState.SETTLING) -> FileRow:
    return FileRow(1, seq, str(path), state, role=FileRole.REPORT)


def test_the_row_of_a_large_report_has_its_name_mode_and_stated_metrics(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_report(path, "own", SIZE)
    (run,) = file_runs([row(path)], Previews())
    assert (run.name, run.status, run.params) == ("nightly", RunStatus.PENDING, {"mode": "mcp"})
    assert run.metrics == {"accuracy": 0.5, "f1": 0.25}
    assert run.tags == {Tag.STATE: "settling", Tag.SOURCE: str(path)}
    assert Tag.CONTENT_ID not in run.tags


def test_a_large_app_report_shows_the_rates_of_its_summary(tmp_path: Path) -> None:
    path = tmp_path / "evaluation_report.json"
    write_report(path, "apps", SIZE)
    (run,) = file_runs([row(path)], Previews())
    assert run.name == "evaluation_report.json"
    assert run.metrics["build_success_rate"] == 1.0
    assert run.started_ms == 1_762_160_833_000


def test_a_small_report_and_one_behind_a_link_out_of_the_root_are_named_by_the_file(
    tmp_path: Path,
) -> None:
    small = tmp_path / "small.json"
    write_report(small, "own", 1_000)
    outside = tmp_path / "outside.json"
    write_report(outside, "own", SIZE)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.json").symlink_to(outside)
    previews = Previews()
    previews.roots = (PurePath(root),)
    for path in (small, root / "link.json", tmp_path / "gone.json"):
        (run,) = file_runs([row(path)], Previews() if path == small else previews)
        assert (run.name, dict(run.metrics)) == (path.name, {})


def test_the_head_is_read_once_per_change_of_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    write_report(path, "own", SIZE)
    reads: list[Path] = []
    read = early_look.read_head

    def counted(path: Path, size: int, *, root: Path | None = None) -> bytes:
        reads.append(path)
        return read(path, size, root=root)

    monkeypatch.setattr(early_look, "read_head", counted)
    previews = Previews()
    first = file_runs([row(path)], previews)
    assert file_runs([row(path)], previews) == first
    assert len(reads) == 1
    file_runs([row(path, seq=2)], previews)
    assert len(reads) == 2
    previews.forget([1])
    file_runs([row(path, seq=2)], previews)
    assert len(reads) == 3


@pytest.mark.parametrize("renamed", [True, False])
def test_a_large_report_is_a_row_with_values_before_it_is_taken(
    watched: Watched, renamed: bool
) -> None:
    pages: list[RunDelta] = []
    rows = LocalRows(
        lambda delta, _reset: pages.append(delta),
        lambda _: (),
        is_logged=lambda _: False,
        lock=threading.RLock(),
    )
    feed = Feed(watched.journal, list, rows, lambda _: None)
    feed.watch(WatchStatus(roots=(str(watched.root),), role=WatchRole.WATCHER))
    watcher = watched.watch(max_report_bytes=SIZE // 2)
    watched.run(watcher)
    path = watched.root / "out.json"
    if renamed:
        write_report(watched.base / "out.tmp", "own", SIZE)
        (watched.base / "out.tmp").rename(path)
    else:
        write_report(path, "own", SIZE)
    seen_at = None
    for step in range(100):
        taken = watched.run(watcher, 0.1)
        feed.step()
        if seen_at is None and any(page.run_ids for page in pages):
            seen_at = step
            assert watched.ingestor.taken == []
        if taken:
            break
    assert seen_at is not None
    assert watched.ingestor.taken == ["out.json"]
    shown = next(page for page in pages if page.run_ids)
    assert shown.names == ("nightly",)
    assert [float(values[0]) for values in shown.metrics.values()] == [0.5, 0.25]
