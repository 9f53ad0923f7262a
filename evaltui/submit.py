"""Logging files that somebody named: `evaltui log`, `evaltui run` and the Python API.

The watcher's own ingest does the work; this module reads the files, and waits a while when another
process (a watcher, say) has the same report in hand already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.domain.plan import RunPlan
from evaltui.domain.report import ModeSource, Report, ReportKind
from evaltui.domain.run import Tag
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileBytes, FileChangedError, read_file
from evaltui.engine.neighbours import gather
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.errors import ReportError
from evaltui.ledger.records import NewEntry
from evaltui.settings import Settings
from evaltui.tracking.mapping import values_digest

if TYPE_CHECKING:
    from evaltui.engine.ingest import Ingestor
    from evaltui.ledger.journal import Journal

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

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
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


@dataclass(frozen=True, slots=True)
class Desk:
    """An open journal with the ingest over it."""

    journal: Journal
    ingestor: Ingestor


@contextmanager
def one_shot(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    notify: Callable[[str], None] = lambda _: None,
) -> Iterator[Desk]:
    """Open the journal and an ingest that searches the store before every create.

    Args:
        settings: What the person wants.
        environ: Where the tracking target is looked for.
        notify: Told what deserves a warning.

    Raises:
        ConfigError: The target makes no sense.
        JournalError: The journal cannot be opened.
    """
    from evaltui.tracking.target import resolve_target  # noqa: PLC0415 - not for --help
    from evaltui.wiring import make_ingestor, open_journal  # noqa: PLC0415

    target = resolve_target(settings, environ)
    if target.warning:
        notify(target.warning)
    journal = open_journal(settings, target, notify=lambda notice: notify(notice.text))
    try:
        ingestor = make_ingestor(settings, target, journal, search_first=True)
        try:
            ingestor.recover()
            yield Desk(journal, ingestor)
        finally:
            ingestor.close()
    finally:
        journal.close()


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


def log_plan(desk: Desk, plan: RunPlan, *, path: str, format_id: str) -> Outcome:
    """Log a run that is made of no file; one of the same content that is there is adopted.

    Args:
        desk: Journal and ingest.
        plan: The run.
        path: What stands for its file in messages.
        format_id: Format of the report.

    Raises:
        JournalError: The journal cannot be written.
    """
    journal, only = desk.journal, (plan.content_id,)
    journal.begin(
        NewEntry(
            content_id=plan.content_id,
            item=0,
            path=path,
            file_sha256="",
            format=format_id,
            kind=ReportKind.EVALUATION.value,
            evaluation_id="",
            values_digest=values_digest(plan),
            mode=plan.create_tags.get(Tag.MODE, ""),
            mode_source=plan.create_tags.get(Tag.MODE_SOURCE, ModeSource.ARGUMENT.value),
            plan=plan,
            unclear=True,  # the run may have been made already: it is looked for first
        )
    )
    deadline = time.monotonic() + PATIENCE_S
    while True:
        worked = desk.ingestor.log_due(only=only)
        entry = journal.active_entry(plan.content_id)
        state = entry.state if entry is not None else FileState.DELETED
        failed = entry is not None and bool(entry.error)
        if state not in PENDING_STATES or failed or (not worked and time.monotonic() > deadline):
            break
        if not worked:
            time.sleep(_LOOK_S)
    if entry is None:
        return Outcome(path, state, reason="its run was deleted")
    run_ids = (entry.run_id,) if entry.run_id else ()
    return Outcome(path, state, run_ids, format_id, reason=entry.error, hint=entry.hint)


def _read(path: Path, max_bytes: int) -> FileBytes:
    deadline = time.monotonic() + _CHANGING_S
    while True:
        try:
            return read_file(path, max_bytes=max_bytes)
        except FileChangedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOOK_S)
