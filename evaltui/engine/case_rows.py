"""The rows of evaluations under way: one per directory, "14 of 20 evaluated"."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from evaltui import readers
from evaltui.domain.events import FileRole, FileState
from evaltui.domain.report import Source
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileBytes, FileChangedError
from evaltui.engine.neighbours import gather
from evaltui.engine.progress import CaseProgress, Progress, count_app_folders
from evaltui.engine.roots import WatchRoot
from evaltui.errors import ReportError
from evaltui.ledger.journal import Journal

UNDER_WAY_S = 86_400.0
"""Per-app files older than this belong to no evaluation that is under way."""


class CaseRows:
    """Keeps the journal's rows of evaluations that write one file per app.

    Args:
        journal: Takes the rows.
        max_bytes: Larger files are not looked at for the number of apps to expect.
        clock: Epoch seconds.
    """

    def __init__(self, journal: Journal, *, max_bytes: int, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._max_bytes = max_bytes
        self._clock = clock
        self._progress = CaseProgress()
        self._roots: dict[Path, WatchRoot] = {}

    def all(self) -> list[Progress]:
        """Return how far every evaluation under way is."""
        return self._progress.all()

    def taken(self, file: FileBytes, root: WatchRoot, role: FileRole) -> None:
        """Learn from a file that was taken."""
        path = file.stamp.path
        if role is FileRole.CASE:
            self._case(file, root)
        elif role is FileRole.REPORT:
            # a large one is read once more; when it has changed by now, it is taken anew
            with contextlib.suppress(FileChangedError, ReportError, OSError):
                self._show(self._progress.report(path, file.chunks, file.stamp.size))
        elif role is FileRole.GENERATION:
            self._show(self._progress.ask_again())

    def gone(self, path: Path) -> None:
        """Count a per-app file no longer."""
        directory = self._progress.remove(path)
        if directory is not None:
            self._show([directory])

    def _case(self, file: FileBytes, root: WatchRoot) -> None:
        path = file.stamp.path
        key = readers.case_key(file.data)
        if key is None or self._clock() - file.stamp.mtime_ns / 1e9 > UNDER_WAY_S:
            self.gone(path)
            return
        directory = self._progress.add(path, key, root.path)
        if directory is not None:
            self._roots[directory] = root
            self._show([directory])

    def _show(self, directories: Iterable[Path]) -> None:
        for directory in directories:
            root = self._roots[directory]
            if self._progress.wants_expected(directory):
                self._progress.expect(directory, self._expected(directory, root))
            item = self._progress.of(directory)
            row = self._journal.file(str(directory))
            if row is not None and row.role is not FileRole.CASE:
                continue  # the directory has a line of its own
            if item is None:
                self._journal.forget(str(directory))
            else:
                self._journal.record(
                    FileStamp(directory, 0, 0, 0, 0, 0),
                    root=root.word,
                    state=FileState.SEEN,
                    role=FileRole.CASE,
                    progress=item.text,
                )

    def _expected(self, directory: Path, root: WatchRoot) -> int | None:
        """Return how many apps the evaluation is about, as far as something tells.

        A bulk file knows what was generated, the last report what was evaluated then; else the
        app directories are counted.
        """
        apps = self._progress.apps(directory)
        near = gather(directory / "report", root.path, max_bytes=self._max_bytes)
        sizes = [
            len(bulk.cases)
            for bulk in near.generations
            if apps <= {case.case_id for case in bulk.cases}
        ]
        sizes += [self._cases_in(*report) for report in self._progress.reports_below(root.path)]
        fitting = [size for size in sizes if size >= len(apps)]
        return fitting[0] if fitting else count_app_folders(directory, apps)

    def _cases_in(self, path: Path, data: bytes) -> int:
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            found = readers.read_reports(data, Source(path, len(data), now))
        except ReportError:
            return 0
        return max(len(report.cases) for report in found)
