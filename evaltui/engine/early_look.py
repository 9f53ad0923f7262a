"""A look at the first bytes of a large report."""

from __future__ import annotations

from pathlib import Path

from evaltui.domain.report import Source
from evaltui.domain.stamp import FileStamp
from evaltui.engine.early_runs import Preview
from evaltui.engine.filebytes import read_head
from evaltui.errors import ReportError
from evaltui.readers import HEAD_BYTES, preview
from evaltui.tracking.mapping import preview_values

LARGE_BYTES = 8_000_000
"""Reports above this size are shown with what their first bytes tell."""


def look(path: Path, root: Path) -> Preview | None:
    """Return what the first bytes of a large report tell, None when that is nothing.

    Args:
        path: The report.
        root: Directory that symbolic links must not lead out of.
    """
    try:
        stamp = FileStamp.of(path, path.stat())
        if stamp.size <= LARGE_BYTES:
            return None
        head = read_head(path, HEAD_BYTES, root=root)
    except (OSError, ReportError):  # whoever reads it says so
        return None
    report = preview(head, Source(path, stamp.size, stamp.modified_at))
    if report is None:
        return None
    at = report.started_at or report.ended_at
    return Preview(
        name=report.name or "",
        started_ms=None if at is None else round(at.timestamp() * 1000),
        params={} if report.mode is None else {"mode": report.mode},
        metrics=preview_values(report),
    )
