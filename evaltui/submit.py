"""Logging files that somebody named: `evaltui log`, `evaltui run` and the Python API.

The watcher's own ingest does the work; this module reads the files, and waits a while when another
process (a watcher, say) has the same report in hand already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.domain.report import ModeSource, Report
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileBytes, FileChangedError, read_file
from evaltui.engine.neighbours import gather
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.errors import ReportError

PATIENCE_S = 30.0
"""How long another process that has a report in hand is waited for."""

_LOOK_S = 0.1
_CHANGING_S = 5.0


class Ingest(Protocol):
    """The part of the Ingestor that is used here."""

    def take(self, file: ReportFile) -> Outcome:
        """Parse a file and journal its reports."""

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        """Give a file up until it changes."""

    def log_due(self, *, limit: int = 1, only: Sequence[str] | None = None) -> list[Outcome]:
        """Write what is due to the store."""

    def outcome(self, path: str) -> Outcome | None:
        """Return what the journal says about a path now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a named file is to be logged; see ReportFile.

    Attributes:
        extra: Further companions by file name, beside those that lie next to the report.
        generation: Generation results to join, beside the bulk files found next to the report.
    """

    path: Path
    mode: tuple[str, ModeSource] | None = None
    model: str | None = None
    run_name: str | None = None
    as_new: bool = False
    git_commit: str | None = None
    extra: Mapping[str, bytes] = field(default_factory=dict)
    generation: tuple[Report, ...] = ()


def take_named(ingest: Ingest, wish: Wish, *, max_bytes: int) -> Outcome:
    """Read and journal one file; what cannot be read as a report is quarantined with its reason.

    Raises:
        OSError: The file is not there or cannot be opened.
        JournalError: The journal cannot be written.
    """
    try:
        file = _read(wish.path, max_bytes)
    except ReportError as error:
        stamp = FileStamp.of(wish.path, wish.path.stat())
        return ingest.quarantine(stamp, root="", reason=error.message, hint=error.hint or "")
    except FileChangedError as error:
        reason = "it kept changing while it was read"
        return ingest.quarantine(error.stamp, root="", reason=reason, hint="log it when it is done")
    near = gather(wish.path, None, max_bytes=max_bytes)
    outcome = ingest.take(
        ReportFile(
            file,
            mode=wish.mode,
            model=wish.model,
            run_name=wish.run_name,
            neighbours={**near.companions, **wish.extra},
            generations=wish.generation or near.generations,
            as_new=wish.as_new,
            named=True,
            git_commit=wish.git_commit,
        )
    )
    if outcome.state is FileState.SETTLING:
        return ingest.quarantine(
            file.stamp,
            root="",
            reason=outcome.reason or "the text ends too early: truncated?",
            hint=outcome.hint or "log it again when it is written to its end",
        )
    return outcome


def log_taken(
    ingest: Ingest,
    outcomes: Sequence[Outcome],
    *,
    patience_s: float = PATIENCE_S,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Outcome]:
    """Write what was taken to the store; yield the last word on each file, in the given order.

    A file that the store could not take now comes out in a pending state, with the reason; it
    stays in the journal.

    Raises:
        JournalError: The journal cannot be written.
    """
    deadline = monotonic() + patience_s
    for taken in outcomes:
        outcome = taken
        while outcome.state in PENDING_STATES:
            worked = ingest.log_due(limit=len(outcome.content_ids) or 1, only=outcome.content_ids)
            now = ingest.outcome(outcome.path)
            if now is not None:
                # what the journal keeps per path does not name the contents
                outcome = replace(now, content_ids=outcome.content_ids)
            if outcome.state not in PENDING_STATES or outcome.retry_at_s is not None:
                break
            if not worked:
                if monotonic() >= deadline:
                    break
                sleep(_LOOK_S)
        yield outcome


def _read(path: Path, max_bytes: int) -> FileBytes:
    deadline = time.monotonic() + _CHANGING_S
    while True:
        try:
            return read_file(path, max_bytes=max_bytes)
        except FileChangedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOOK_S)
