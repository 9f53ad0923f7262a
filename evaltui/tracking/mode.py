"""The mode of a run: who has the last word, and what the words of old reports mean."""

from __future__ import annotations

from evaltui.domain.mode import normalise_mode
from evaltui.domain.report import ModeSource, Report

DEFAULT_MODE = "manual"


def choose_mode(
    report: Report, *, forced: tuple[str, ModeSource] | None = None
) -> tuple[str, ModeSource]:
    """Return the mode of a report's run and where it comes from.

    Args:
        report: The report; its own statement counts when nothing is forced.
        forced: Mode from a flag, argument, environment or watched directory, or None. A blank one
            counts as none.
    """
    if forced is not None and (mode := normalise_mode(forced[0])):
        return mode, forced[1]
    if report.mode and (mode := normalise_mode(report.mode)):
        return mode, report.mode_source
    return DEFAULT_MODE, ModeSource.DEFAULT
