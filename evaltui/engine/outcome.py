"""What goes into the ingest of a file and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.report import MetricValue, ModeSource, Report
from evaltui.engine.filebytes import FileBytes
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """What holds for every report of one ingestor.

    Attributes:
        read_only: Write nothing to the store; reports wait in the journal.
        model: Model that beats what reports say (`--model`), or None.
        host: Name of this machine, for the run's tags, or "".
        max_spool_bytes: Larger reports are not held and not copied into the journal, but read in
            pieces, and uploaded from their path if their bytes are still the same then.
    """

    read_only: bool = False
    model: str | None = None
    host: str = ""
    max_spool_bytes: int = 64 * 1000 * 1000


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One settled file version with all that is known about it.

    Attributes:
        file: The bytes, their stamp and digest.
        root: Watched root the file belongs to, or "" for a file that was named by hand.
        mode: Mode from the command line, the environment or the watched root, with its source;
            None lets the report decide.
        model: Model that beats the settings and the report, or None.
        run_name: Name for the run, or None for the default one.
        neighbours: Bytes of the report's companions by file name (`neighbours.gather`).
        generations: Bulk files of the root that the report may join (`neighbours.gather`).
        as_new: Log it although the same content was logged before.
        named: Somebody named this very file: it is listed whatever it is, and a single-app file
            becomes a run.
        git_commit: Commit of the evaluated code, or None to look it up beside the file.
        metrics: Metrics that were given beside the report; its own value of a name is kept.
    """

    file: FileBytes
    root: str = ""
    mode: tuple[str, ModeSource] | None = None
    model: str | None = None
    run_name: str | None = None
    neighbours: Mapping[str, bytes] = field(default_factory=dict)
    generations: tuple[Report, ...] = ()
    as_new: bool = False
    named: bool = False
    git_commit: str | None = None
    metrics: tuple[MetricValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, or of one step on its way.

    Attributes:
        path: Absolute path of the file.
        state: Journal state: FINISHED when its runs are in the store, DUPLICATE when they were
            already, QUARANTINED, IGNORED, SETTLING (incomplete), else on its way.
        run_ids: Runs it became or belongs to, as far as they exist.
        format: Format id, or "".
        role: What the file is for.
        reason: One line why, or "".
        hint: One line what to do, or "".
        content_ids: Identities of the reports in it; `log_due(only=…)` takes them.
        listed: Whether it deserves a line of its own (ignored files mostly do not).
        retry_at_s: Epoch seconds of the next try while the store is waited for, else None.
    """

    path: str
    state: FileState
    run_ids: tuple[str, ...] = ()
    format: str = ""
    role: FileRole = FileRole.UNKNOWN
    reason: str = ""
    hint: str = ""
    content_ids: tuple[str, ...] = ()
    listed: bool = True
    retry_at_s: float | None = None
