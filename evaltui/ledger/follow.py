"""How the row of a file follows the entries of the reports in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from evaltui.domain.events import BY_HAND, FileState
from evaltui.late_dataclass import dataclass
from evaltui.ledger.database import storable
from evaltui.ledger.records import OPEN_STATES, optional_float

_ACTIVE = (
    "SELECT state, run_id, error, hint, retry_at, path, 0 FROM entries"
    " WHERE content_id=? AND active=1"
)
_JOINED = (
    "SELECT state, run_id, error, hint, retry_at, path, 1 FROM entries"
    " WHERE joined=? AND joined<>'' AND active=1 ORDER BY id DESC LIMIT 1"
)
_LATEST = (
    "SELECT state, run_id, error, hint, retry_at, path, 0 FROM entries"
    " WHERE content_id=? ORDER BY id DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one report of a file is, or all of them together.

    Attributes:
        state: Journal state.
        run_ids: Runs, as far as they exist.
        reason: One line why, or "".
        hint: One line what to do, or "".
        retry_at: Epoch seconds of the next try, or None.
        path: File the report was read from first.
        joined: Whether it went into another report's run.
    """

    state: FileState
    run_ids: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    retry_at: float | None = None
    path: str = ""
    joined: bool = False


def standing_of(db: sqlite3.Connection, content_id: str) -> Standing | None:
    """Return how far a content is, or None when no entry stands for it.

    A bulk file that joined an evaluation stands where the evaluation stands.
    """
    for sql in (_ACTIVE, _JOINED, _LATEST):
        row = db.execute(sql, (content_id,)).fetchone()
        if row is not None:
            state = FileState(str(row[0]))
            waiting = state in OPEN_STATES and row[4]
            return Standing(
                state,
                (str(row[1]),) if row[1] else (),
                str(row[2]),
                str(row[3]),
                optional_float(row[4]) if waiting else None,
                str(row[5]),
                bool(row[6]),
            )
    return None


def standing_of_file(
    db: sqlite3.Connection, path: str, content_ids: Iterable[str]
) -> Standing | None:
    """Return how far a file with these contents is, or None when no entry stands for them."""
    found = [standing_of(db, content_id) for content_id in content_ids]
    parts = [part for part in found if part is not None]
    return together(parts, path) if parts else None


def together(parts: Sequence[Standing], path: str) -> Standing:
    """Return the standing of a file from those of its reports (at least one).

    One failed report makes the file failed; else the report that is least far counts.

    Args:
        parts: One standing per report.
        path: The file.
    """
    run_ids = tuple(dict.fromkeys(run_id for part in parts for run_id in part.run_ids))
    worst = min(parts, key=lambda part: _rank(part.state))
    state, reason, hint = worst.state, worst.reason, worst.hint
    if state is FileState.DELETED:
        reason, hint = "its run was deleted in the store", "retry the file to log it again"
    elif state is FileState.SUPERSEDED:
        reason = "a newer version of this evaluation was logged"
    elif state is FileState.IGNORED:
        reason, hint = BY_HAND, "retry the file to log it after all"
    elif all(part.joined for part in parts):
        reason = reason or "part of an evaluation's run"
    elif all(part.path != path for part in parts):
        if state is FileState.FINISHED:
            state, reason = FileState.DUPLICATE, f"already logged as run {', '.join(run_ids)}"
        else:
            reason = reason or f"the same report as {worst.path}"
    return Standing(state, run_ids, reason, hint, worst.retry_at, worst.path)


def follow(db: sqlite3.Connection, content_ids: Iterable[str], next_seq: int, now: float) -> None:
    """Bring the rows of all files that hold one of these contents up to date."""
    paths: dict[str, None] = {}
    for content_id in content_ids:
        for (path,) in db.execute("SELECT path FROM parts WHERE content_id=?", (content_id,)):
            paths[path] = None
    for path in paths:
        _follow_path(db, path, next_seq, now)


def _follow_path(db: sqlite3.Connection, path: str, next_seq: int, now: float) -> None:
    key = storable(path)
    row = db.execute(
        "SELECT state, reason, hint, run_ids, retry_at FROM files WHERE path=?", (key,)
    ).fetchone()
    contents = db.execute(
        "SELECT content_id FROM parts WHERE path=? ORDER BY item", (key,)
    ).fetchall()
    whole = standing_of_file(db, path, [content_id for (content_id,) in contents])
    if row is None or whole is None:
        return
    values = (
        whole.state.value, whole.reason, whole.hint, ",".join(whole.run_ids), whole.retry_at,
    )  # fmt: skip
    if values != tuple(row):
        db.execute(
            "UPDATE files SET seq=?, updated_at=?, state=?, reason=?, hint=?, run_ids=?,"
            " retry_at=? WHERE path=?",
            (next_seq, now, *map(storable, values), key),
        )


def _rank(state: FileState) -> int:
    order = (
        FileState.QUARANTINED,
        *OPEN_STATES,
        FileState.DELETED,
        FileState.FINISHED,
    )
    return order.index(state) if state in order else len(order)
