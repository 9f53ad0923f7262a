"""Reports that are not read yet as rows of the run list, with what their first bytes tell.

A small report is read before anybody misses its values; a large one takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from evaltui.domain.events import PENDING_STATES, FileRole, FileRow, FileState
from evaltui.domain.run import LOCAL_PREFIX, Run, RunStatus, Tag
from evaltui.domain.stamp import FileStamp
from evaltui.errors import ReportError

if TYPE_CHECKING:
    from evaltui.domain.report import Report

LARGE_BYTES = 8_000_000
"""Reports above this size are shown with what their first bytes tell."""

_EARLY = frozenset({FileState.SEEN, FileState.SETTLING})
"""States of a file that has no entries, and so no runs of the ingest, yet."""

Preview = Callable[[FileRow], "Report | None"]


def file_runs(rows: Iterable[FileRow], preview: Preview = lambda _: None) -> list[Run]:
    """Return the files that are no report yet, and the directories of half-done evaluations.

    The former are named by the file, the latter by the directory with how far they are.

    Args:
        rows: Rows of files.
        preview: Returns what is known of a report before it is read, or None.
    """
    found: list[Run] = []
    for row in rows:
        if row.role is FileRole.CASE:
            if row.progress and row.state in PENDING_STATES:
                found.append(_run(row, "progress", f"{PurePath(row.path).name}: {row.progress}"))
        elif row.role is not FileRole.COMPANION and row.state in _EARLY:
            found.append(_run(row, "file", PurePath(row.path).name, preview(row)))
    return found


def _run(row: FileRow, kind: str, name: str, report: Report | None = None) -> Run:
    started_at = None if report is None else report.started_at or report.ended_at
    mode = None if report is None else report.mode
    return Run(
        run_id=f"{LOCAL_PREFIX}{kind}:{row.file_id}",
        experiment_id="",
        name=name if report is None else report.name or name,
        status=RunStatus.PENDING,
        started_ms=None if started_at is None else round(started_at.timestamp() * 1000),
        ended_ms=None,
        metrics={} if report is None else _values(report),
        params={} if mode is None else {"mode": mode},
        tags={Tag.STATE: row.state.value, Tag.SOURCE: row.path},
    )


def _values(report: Report) -> dict[str, float]:
    from evaltui.tracking.mapping import preview_values  # noqa: PLC0415 - where a report is

    return preview_values(report)


class Previews:
    """Looks at the first bytes of large reports, once per change of their row."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Report | None]] = {}
        self.roots: Sequence[PurePath] = ()
        """Directories that symbolic links must not lead out of."""

    def __call__(self, row: FileRow) -> Report | None:
        """Return what is known of a report; None of a small one, or one that tells nothing yet."""
        if row.role is not FileRole.REPORT:
            return None
        seq, found = self._known.get(row.file_id, (0, None))
        if seq != row.seq:
            found = _look(Path(row.path), self.roots)
            self._known[row.file_id] = (row.seq, found)
        return found

    def forget(self, rows: Iterable[int]) -> None:
        """Forget files that are read by now."""
        for file_id in rows:
            self._known.pop(file_id, None)


def _look(path: Path, roots: Sequence[PurePath]) -> Report | None:
    root = next((Path(root) for root in roots if path.is_relative_to(root)), path.parent)
    try:
        stamp = FileStamp.of(path, path.stat())
        if stamp.size <= LARGE_BYTES:
            return None
        from evaltui import readers  # noqa: PLC0415 - where a large report is
        from evaltui.domain.report import Source  # noqa: PLC0415
        from evaltui.engine.filebytes import read_head  # noqa: PLC0415

        head = read_head(path, readers.HEAD_BYTES, root=root)
    except (OSError, ReportError):  # whoever reads it says so
        return None
    return readers.preview(head, Source(path, stamp.size, stamp.modified_at))
