"""Rows of the journal as values, and how a plan is kept in one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from evaltui.domain.events import FileRole, FileRow, FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import RunStatus
from evaltui.errors import JournalError
from evaltui.late_dataclass import dataclass

OPEN_STATES = (
    FileState.PARSED,
    FileState.INTENT,
    FileState.CREATED,
    FileState.LOGGED,
    FileState.ARTIFACTS,
    FileState.VERIFIED,
)
"""States of entries that still have steps to go, in their order."""


class Action(StrEnum):
    """What an entry is to do in the store."""

    LOG = "log"
    REFRESH = "refresh"
    ATTACH = "attach"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What `begin` needs to know of an entry.

    Attributes:
        content_id: Identity of the report; at most one active entry has it.
        item: Position in a file that holds several reports.
        path: File the report was read from.
        file_sha256: Digest of that file's bytes.
        format: Format id.
        kind: `evaluation` or `generation`.
        evaluation_id: The evaluation's own run id, or "".
        values_digest: Digest of metrics and params.
        mode: Mode of the run.
        mode_source: Where the mode comes from (a ModeSource value).
        plan: The whole run.
        action: LOG a new run, REFRESH `run_id`, or ATTACH artifacts to the run of a content.
        run_id: Run to work on, or "".
        unclear: True when the store may hold a run of it: it is searched before the next create.
        predecessors: Entries whose runs this one's run replaces.
        joined: Content id of the bulk file that was joined to the report, or "".
        attached: Names of the companions that went with it.
        error: Why it waits, or "".
    """

    content_id: str
    item: int
    path: str
    file_sha256: str
    format: str
    kind: str
    evaluation_id: str
    values_digest: str
    mode: str
    mode_source: str
    plan: RunPlan
    action: Action = Action.LOG
    run_id: str = ""
    unclear: bool = False
    predecessors: tuple[int, ...] = ()
    joined: str = ""
    attached: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """One thing to be written to the store, or written; see NewEntry.

    Attributes:
        entry_id: Id of the row.
        active: Whether it stands for its content; False once another took its place.
        state: How far it is.
        hint: What to do about `error`, or "".
        attempts: Failed tries.
        retry_at: Epoch seconds of the next try.
        created_at: Epoch seconds of `begin`.
        finished_at: Epoch seconds when it was finished, or None.
    """

    entry_id: int
    active: bool
    state: FileState
    hint: str
    attempts: int
    retry_at: float
    created_at: float
    finished_at: float | None

    @property
    def is_open(self) -> bool:
        """Whether there are steps to go."""
        return self.active and self.state in OPEN_STATES


def integer(value: object) -> int:
    """Return a number the database must hold.

    Raises:
        JournalError: It is something else: the journal is damaged.
    """
    if not isinstance(value, int):
        raise JournalError(f"the journal holds {value!r} where a number must be")
    return value


def optional_float(value: object) -> float | None:
    """Return a float, or None for NULL."""
    return None if value is None else float(str(value))


def file_row(row: Sequence[object]) -> FileRow:
    """Return the row of `files` that was selected by FILE_COLUMNS."""
    return FileRow(
        file_id=integer(row[0]),
        seq=integer(row[1]),
        path=str(row[2]),
        state=FileState(str(row[3])),
        reason=str(row[4]),
        hint=str(row[5]),
        run_ids=tuple(filter(None, str(row[6]).split(","))),
        format=str(row[7]),
        role=FileRole(str(row[8])),
        retry_at_s=optional_float(row[9]),
        updated_at_s=float(str(row[10])),
        progress=str(row[11]),
    )


def entry_of(row: Sequence[object], artifacts: tuple[ArtifactFile, ...]) -> Entry:
    """Return the row of `entries` that was selected by ENTRY_COLUMNS."""
    return Entry(
        entry_id=integer(row[0]),
        active=bool(row[1]),
        content_id=str(row[2]),
        item=integer(row[3]),
        path=str(row[4]),
        file_sha256=str(row[5]),
        format=str(row[6]),
        kind=str(row[7]),
        evaluation_id=str(row[8]),
        values_digest=str(row[9]),
        mode=str(row[10]),
        mode_source=str(row[11]),
        action=Action(str(row[12])),
        state=FileState(str(row[13])),
        unclear=bool(row[14]),
        run_id=str(row[15]),
        predecessors=tuple(int(word) for word in str(row[16]).split()),
        joined=str(row[17]),
        attached=tuple(filter(None, str(row[18]).split("\n"))),
        plan=replace(plan_of(row[19]), artifacts=artifacts),
        error=str(row[20]),
        hint=str(row[21]),
        attempts=integer(row[22]),
        retry_at=float(str(row[23])),
        created_at=float(str(row[24])),
        finished_at=optional_float(row[25]),
    )


def artifact_of(row: Sequence[object]) -> ArtifactFile:
    """Return a row (path, local_path, data) of `spool`."""
    path, local, data = row
    return ArtifactFile(
        str(path),
        data if isinstance(data, bytes) else None,
        None if local is None else Path(str(local)),
    )


def pack_plan(plan: RunPlan) -> bytes:
    """Return a plan as bytes, without its artifacts (they are in `spool`)."""
    document = {
        "content_id": plan.content_id,
        "name": plan.name,
        "started_ms": plan.started_ms,
        "ended_ms": plan.ended_ms,
        "metric_ms": plan.metric_ms,
        "status": plan.status.value,
        "create_tags": dict(plan.create_tags),
        "tags": dict(plan.tags),
        "params": dict(plan.params),
        "metrics": dict(plan.metrics),
    }
    return zlib.compress(json.dumps(document).encode("ascii"))


def plan_of(packed: object) -> RunPlan:
    """Return the plan that `pack_plan` made bytes of.

    Raises:
        JournalError: The bytes are damaged.
    """
    try:
        if not isinstance(packed, bytes):
            raise TypeError(type(packed).__name__)  # noqa: TRY301 - one place for what is damaged
        fields = json.loads(zlib.decompress(packed))
        return RunPlan(**{**fields, "status": RunStatus(fields["status"])})
    except (zlib.error, ValueError, TypeError, KeyError) as error:
        raise JournalError(f"the journal holds a damaged plan: {error}") from error
