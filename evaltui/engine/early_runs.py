"""Reports that are not read yet as rows of the run list, with what their first bytes tell.

A small report is read before anybody misses its values; a large one takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePath

from evaltui.domain.events import PENDING_STATES, FileRole, FileRow, FileState
from evaltui.domain.run import LOCAL_PREFIX, Run, RunStatus, Tag
from evaltui.late_dataclass import dataclass

_EARLY = frozenset({FileState.SEEN, FileState.SETTLING})
"""States of a file that has no entries, and so no runs of the ingest, yet."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What is known of a report before it is read.

    Attributes:
        name: Its own name, or "".
        started_ms: Start of the evaluation, epoch milliseconds, or None.
        params: What it states for sure.
        metrics: What it states itself, under the names that its run will have.
    """

    name: str = ""
    started_ms: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


_NOTHING = Preview()


def file_runs(
    rows: Iterable[FileRow], preview: Callable[[FileRow], Preview] = lambda _: _NOTHING
) -> list[Run]:
    """Return the files that are no report yet, and the directories of half-done evaluations.

    The former are named by the file, the latter by the directory with how far they are.

    Args:
        rows: Rows of files.
        preview: Returns what is known of a report before it is read.
    """
    found: list[Run] = []
    for row in rows:
        if row.role is FileRole.CASE:
            if row.progress and row.state in PENDING_STATES:
                found.append(_run(row, "progress", f"{PurePath(row.path).name}: {row.progress}"))
        elif row.role is not FileRole.COMPANION and row.state in _EARLY:
            found.append(_run(row, "file", PurePath(row.path).name, preview(row)))
    return found


def _run(row: FileRow, kind: str, name: str, preview: Preview = _NOTHING) -> Run:
    return Run(
        run_id=f"{LOCAL_PREFIX}{kind}:{row.file_id}",
        experiment_id="",
        name=preview.name or name,
        status=RunStatus.PENDING,
        started_ms=preview.started_ms,
        ended_ms=None,
        metrics=preview.metrics,
        params=preview.params,
        tags={Tag.STATE: row.state.value, Tag.SOURCE: row.path},
    )


class Previews:
    """Looks at the first bytes of large reports, once per change of their row."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Preview]] = {}
        self.roots: Sequence[PurePath] = ()
        """Directories that symbolic links must not lead out of."""

    def __call__(self, row: FileRow) -> Preview:
        """Return what is known of a report: nothing of a small one, or before it tells of it."""
        if row.role is not FileRole.REPORT:
            return _NOTHING
        from evaltui.engine.early_look import look  # noqa: PLC0415 - readers only when needed

        seq, found = self._known.get(row.file_id, (0, _NOTHING))
        if seq != row.seq:
            path = Path(row.path)
            root = next((root for root in self.roots if path.is_relative_to(root)), path.parent)
            found = look(path, Path(root)) or _NOTHING
            self._known[row.file_id] = (row.seq, found)
        return found

    def forget(self, rows: Iterable[int]) -> None:
        """Forget files that are read by now."""
        for file_id in rows:
            self._known.pop(file_id, None)
