"""What the engine tells about itself: the state of files, of the store and of the watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from evaltui.late_dataclass import dataclass


class FileState(StrEnum):
    """State of one file version in the journal, in the order a report passes through them."""

    SEEN = "seen"
    SETTLING = "settling"
    SPOOLED = "spooled"
    PARSED = "parsed"
    INTENT = "intent"
    CREATED = "created"
    LOGGED = "logged"
    ARTIFACTS = "artifacts"
    VERIFIED = "verified"
    FINISHED = "finished"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    VANISHED = "vanished"
    DELETED = "deleted"


PENDING_STATES = frozenset(
    {
        FileState.SEEN,
        FileState.SETTLING,
        FileState.SPOOLED,
        FileState.PARSED,
        FileState.INTENT,
        FileState.CREATED,
        FileState.LOGGED,
        FileState.ARTIFACTS,
        FileState.VERIFIED,
    }
)
"""States that still lead somewhere by themselves; on screen: "pending"."""


BY_HAND = "by hand"
"""Reason of an ignored file that a person gave up: it is left alone until it is retried."""


class FileRole(StrEnum):
    """What a file is for."""

    REPORT = "report"
    GENERATION = "generation"
    CASE = "case"
    COMPANION = "companion"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file as the watch list shows it.

    Attributes:
        file_id: Journal row id; stable for a path's file version.
        seq: Journal sequence number of the last change: larger is later.
        path: Absolute path.
        state: Journal state.
        reason: One line why, or "".
        hint: One line what to do, or "".
        run_ids: Runs the file became (or belongs to).
        format: Format id, or "".
        role: What the file is for.
        retry_at_s: Epoch seconds of the next try, or None.
        updated_at_s: Epoch seconds of the last change.
        progress: Cases done and expected ("14 of 20 evaluated"), or "".
    """

    file_id: int
    seq: int
    path: str
    state: FileState
    reason: str = ""
    hint: str = ""
    run_ids: tuple[str, ...] = ()
    format: str = ""
    role: FileRole = FileRole.UNKNOWN
    retry_at_s: float | None = None
    updated_at_s: float = 0.0
    progress: str = ""


class StoreState(StrEnum):
    """Whether the store answers."""

    CONNECTING = "connecting"
    LIVE = "live"
    PAUSED = "paused"
    BUSY = "busy"  # it answers that it is asked too often: polls come slower
    OFFLINE = "offline"
    REFUSED = "refused"  # it answers, but not to this credential, or has no such experiment


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The tracking target and how it is.

    Attributes:
        target: What to show: `sqlite …/mlflow.db`, `http://host:5000`, `databricks host`.
        user: Who we are there, foreign text, or "" when that is not known.
        why: Why this target: "--tracking-uri", "MLFLOW_TRACKING_URI", "default".
        experiment: Name of the experiment.
        experiment_id: Its id, or "" while it does not exist.
        state: Whether the store answers.
        since_s: Epoch seconds when `state` was entered.
        next_try_s: Epoch seconds of the next try while OFFLINE or BUSY, else None.
        error: One line of the last error, or "".
        hint: What to do about it, or "".
        warning: Standing warning about the target (credential without host and such), or "".
        poll_interval_s: Seconds between polls now; longer than usual after BUSY.
        data_at_s: Epoch seconds at which the store was last asked what is new, or None before the
            first answer.
        unconfirmed_s: Epoch seconds of the oldest data on show, while some of the runs are shown
            as a session before left them; None once the store has confirmed or corrected all.
        baseline_run_id: Run id in the experiment's `evaltui.baseline` tag, or "".
        read_only: True when nothing may be written to the store.
        directions: Which way metrics get better, as people set it for everybody: `higher`, `lower`
            or `neutral` by metric.
        missing_folder: Folder that the experiment, which is still to be made, lacks: reports wait
            until it is there. "" for none.
        write_error: Why the store takes no report until a person acts, or "".
        write_hint: What to do about that, or "".
    """

    target: str
    why: str
    experiment: str
    experiment_id: str = ""
    state: StoreState = StoreState.CONNECTING
    since_s: float = 0.0
    next_try_s: float | None = None
    error: str = ""
    hint: str = ""
    warning: str = ""
    poll_interval_s: float = 5.0
    data_at_s: float | None = None
    unconfirmed_s: float | None = None
    baseline_run_id: str = ""
    read_only: bool = False
    directions: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    missing_folder: str = ""
    write_error: str = ""
    write_hint: str = ""

    @property
    def as_of_s(self) -> float | None:
        """Epoch seconds of the oldest data on show, or None before the first answer."""
        return self.data_at_s if self.unconfirmed_s is None else self.unconfirmed_s


class WatchRole(StrEnum):
    """What this process does about the watched directories."""

    NONE = "none"
    WATCHER = "watcher"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """The watch in figures.

    Attributes:
        roots: Watched directories and globs, absolute.
        role: WATCHER ingests, VIEWER shows what another process ingests.
        watcher_pid: Process that holds the lock when this one is a viewer, else None.
        logged: Files whose runs are in the store (finished and duplicates).
        pending: Files on their way.
        failed: Files in quarantine.
        ignored: Files that are no reports.
        events: "events" or "polling every N s", with the reason when polling.
        backlog: Old reports still to be logged.
        backlog_rate: Reports logged per second while a backlog is worked off, or None.
        backlog_skipped: Old reports left out on request.
    """

    roots: tuple[str, ...] = ()
    role: WatchRole = WatchRole.NONE
    watcher_pid: int | None = None
    logged: int = 0
    pending: int = 0
    failed: int = 0
    ignored: int = 0
    events: str = ""
    backlog: int = 0
    backlog_rate: float | None = None
    backlog_skipped: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the person: a toast on screen, a line on stderr headless.

    Attributes:
        level: "info", "warning" or "error".
        text: Plain text, cleaned where it is shown.
    """

    level: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RunDetail:
    """Everything the run view shows beyond the run list's columns.

    Attributes:
        cases: Case table as columns and rows; None values are missing.
        cases_note: Why there are no cases ("no case table was logged"), or "".
        link: URL of the run, or the command that would serve it, or "".
    """

    run_id: str
    params: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    metrics: tuple[tuple[str, float], ...] = ()
    artifacts: tuple[tuple[str, int | None], ...] = ()
    case_columns: tuple[str, ...] = ()
    case_rows: tuple[tuple[str | float | None, ...], ...] = ()
    cases_note: str = ""
    link: str = ""
    link_note: str = ""
    extra: tuple[str, ...] = field(default=())
