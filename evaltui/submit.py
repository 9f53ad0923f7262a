"""Logging files that somebody named: `evaltui log`, `evaltui run` and the Python API.

The watcher's own ingest does the work; this module reads the files, and waits a while when another
process (a watcher, say) has the same report in hand already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from evaltui.domain.events import PENDING_STATES, FileRole, FileState
from evaltui.domain.plan import RunPlan
from evaltui.domain.report import MetricValue, ModeSource, Report, ReportKind
from evaltui.domain.run import Tag
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileBytes, FileChangedError, read_file, read_head
from evaltui.engine.neighbours import gather, source_of
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.errors import ConfigError, ReportError, ReportSyntaxError, ReportTooLargeError
from evaltui.late_dataclass import dataclass
from evaltui.ledger.records import NewEntry
from evaltui.readers import HEAD_BYTES, MAX_BYTES, has_report_name, read_reports, recognise
from evaltui.settings import CONFIG_SOURCE, Settings
from evaltui.tracking.mapping import values_digest

if TYPE_CHECKING:
    from evaltui.engine.ingest import Ingestor
    from evaltui.ledger.journal import Journal

PATIENCE_S = 30.0
"""How long another process that has a report in hand is waited for."""

_LOOK_S = 0.1
_CHANGING_S = 5.0
_Read = TypeVar("_Read")
_REPAIR = "log it again when it is written to its end"


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
        path: Absolute path, normal (no `..`).
        root: Directory that bulk files are looked for below; None: only beside the report.
        extra: Further companions by file name, beside those that lie next to the report.
        generation: Generation results to join, instead of the bulk files that are found.
    """

    path: Path
    mode: tuple[str, ModeSource] | None = None
    model: str | None = None
    run_name: str | None = None
    as_new: bool = False
    root: Path | None = None
    extra: Mapping[str, bytes] = field(default_factory=dict)
    generation: tuple[Report, ...] = ()
    metrics: tuple[MetricValue, ...] = ()


def forced_mode(
    settings: Settings, environ: Mapping[str, str], mode: str | None = None
) -> tuple[str, ModeSource] | None:
    """Return the mode that beats what a report says, or None.

    First an argument, a flag or EVALTUI_MODE, then EVAL_MODE, then the configuration file.

    Args:
        settings: The settings.
        environ: The environment.
        mode: The argument of a call, or None.
    """
    configured = settings.mode or ""
    named = environ.get("EVAL_MODE", "").strip()
    if mode or (configured and settings.sources.get("mode") != CONFIG_SOURCE):
        return mode or configured, ModeSource.ARGUMENT
    if named:
        return named, ModeSource.ENVIRONMENT
    return (configured, ModeSource.ARGUMENT) if configured else None


@dataclass(frozen=True, slots=True)
class Desk:
    """An open journal with the ingest over it.

    Attributes:
        patience_s: How long another process that has a report in hand is waited for.
    """

    journal: Journal
    ingestor: Ingestor
    patience_s: float


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
            # nobody writes for a reader: there is nothing to wait for
            yield Desk(journal, ingestor, 0.0 if target.read_only else PATIENCE_S)
        finally:
            ingestor.close()
    finally:
        journal.close()


def take_named(ingest: Ingest, wish: Wish, *, max_held: int) -> Outcome:
    """Read and journal one file; what cannot be read as a report is quarantined with its reason.

    Args:
        ingest: The ingest.
        wish: The file.
        max_held: Largest file that is held, in bytes.

    Raises:
        FileNotFoundError: The file is not there.
        JournalError: The journal cannot be written.
    """
    try:
        return settled(lambda: _take(ingest, wish, max_held))
    except (ReportError, OSError) as error:
        stamp = FileStamp.of(wish.path, wish.path.stat())
        reason, hint = _why_not_read(error)
        return ingest.quarantine(stamp, root="", reason=reason, hint=hint)


def _take(ingest: Ingest, wish: Wish, max_held: int) -> Outcome:
    file = read_file(wish.path, max_bytes=MAX_BYTES, max_held=max_held)
    broken = _broken(file, max_held)
    if broken is not None:
        return ingest.quarantine(
            file.stamp, root="", reason=broken.message, hint=broken.hint or _REPAIR
        )
    near = gather(wish.path, wish.root, max_bytes=max_held)
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
            metrics=wish.metrics,
        )
    )
    if outcome.state is FileState.SETTLING:
        return ingest.quarantine(
            file.stamp,
            root="",
            reason=outcome.reason or "the text ends too early: truncated?",
            hint=outcome.hint or _REPAIR,
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

    Args:
        ingest: The ingest.
        outcomes: What `take_named` returned.
        patience_s: How long another process that has a report in hand is waited for.
        monotonic: Seconds that never go back.
        sleep: Waits.

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


def log_plan(desk: Desk, plan: RunPlan, *, path: str, format_id: str, run_id: str = "") -> Outcome:
    """Log a run that is made of no file; one of the same content that is there is adopted.

    Args:
        desk: Journal and ingest.
        plan: The run.
        path: What stands for its file in messages.
        format_id: Format of the report.
        run_id: Run of the store that is to hold it; "" looks for one by the content.

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
            mode_source=plan.tags.get(Tag.MODE_SOURCE, ModeSource.ARGUMENT.value),
            plan=plan,
            run_id=run_id,
            unclear=True,  # the run may have been made already: it is looked for first
        )
    )
    deadline = time.monotonic() + desk.patience_s
    while True:
        worked = desk.ingestor.log_due(only=only)
        entry = journal.active_entry(plan.content_id)
        if entry is None:
            return Outcome(path, FileState.DELETED, reason="its run was deleted")
        waits = bool(entry.error) or (not worked and time.monotonic() >= deadline)
        if entry.state not in PENDING_STATES or waits:
            break
        if not worked:
            time.sleep(_LOOK_S)
    run_ids = (entry.run_id,) if entry.run_id else ()
    return Outcome(path, entry.state, run_ids, format_id, reason=entry.error, hint=entry.hint)


def settled(read: Callable[[], _Read]) -> _Read:
    """Return what `read` gives; a file that is being written is waited for, for some seconds.

    Raises:
        ReportError: It changes all the time.
        Exception: What `read` raises.
    """
    deadline = time.monotonic() + _CHANGING_S
    while True:
        try:
            return read()
        except FileChangedError as error:
            if time.monotonic() >= deadline:
                raise ReportError(
                    "it kept changing while it was read", hint="log it when it is done"
                ) from error
            time.sleep(_LOOK_S)


def absolute(path: str | Path) -> Path:
    """Return a path as the watcher names it: absolute, without `..`.

    Raises:
        ConfigError: It starts with `~` and a user who is not there.
    """
    try:
        whole = Path.cwd() / Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: no such user", hint="write the path in full") from error
    if ".." in whole.parts:  # not by text: the name before `..` may be a symbolic link
        whole = whole.parent.resolve() / whole.name
    return whole


def evaluations_first(wishes: Iterable[Wish]) -> list[Wish]:
    """Return the files with bulk files last: one that an evaluation joins gets no run."""
    return sorted(wishes, key=lambda wish: role_of(wish.path) is FileRole.GENERATION)


def role_of(path: Path) -> FileRole:
    """Return what a file is for, by its head; UNKNOWN when it cannot be read."""
    try:
        head = read_head(path, HEAD_BYTES)
    except (OSError, ReportError):
        return FileRole.UNKNOWN
    return recognise(head, path.name).role


def _broken(file: FileBytes, max_whole: int) -> ReportSyntaxError | ReportTooLargeError | None:
    """Return what is wrong with a file that should be a report and was not recognised."""
    path = file.stamp.path
    known = recognise(file.head, path.name).role is not FileRole.UNKNOWN
    if known or not (has_report_name(path.name) or path.suffix == ".json"):
        return None
    try:
        read_reports(file.content, source_of(file), max_whole=max_whole)
    except (ReportSyntaxError, ReportTooLargeError) as error:
        return error
    except ReportError:
        pass  # well formed, and no report
    return None


def _why_not_read(error: ReportError | OSError) -> tuple[str, str]:
    if isinstance(error, ReportError):
        return error.message, error.hint or ""
    return f"cannot be read: {error.strerror or error}", "check its permissions, then log it again"
