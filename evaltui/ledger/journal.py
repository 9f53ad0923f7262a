"""The journal: what became of every file and of every run it shall become.

One SQLite database per tracking target and experiment, shared by all processes of the user. A
commit that must survive power loss is made with `synchronous=FULL`; steps that recovery repeats
anyway are not synced. The bytes to be uploaded are kept here until the run is finished, so a
report that was read once is never lost, whatever happens to its file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaltui.domain.events import PENDING_STATES, FileRole, FileRow, FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import RunStatus
from evaltui.domain.stamp import FileStamp
from evaltui.errors import JournalError
from evaltui.ledger.owner import is_alive, this_process
from evaltui.ledger.schema import SCHEMA, VERSION

MAX_IGNORED_ROWS = 10_000
"""Rows kept for files that no reader recognises; the oldest are forgotten first."""

_FILE_COLUMNS = (
    "id, seq, path, state, reason, hint, run_ids, format, role, retry_at, updated_at, progress"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One run to be logged, or logged.

    Attributes:
        item: Position in the file that holds several runs.
        values_digest: Digest of metrics and params: decides whether a rewritten report changed.
        action: `log` a new run, or `refresh` tags, name and artifacts of `run_id`.
        unclear: True when a call's answer was lost: the store is searched before the next create.
        supersedes: Run that this one replaces, or "".
        attached: Names of companions that went with it.
    """

    entry_id: int
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
    action: str
    state: FileState
    unclear: bool
    run_id: str
    supersedes: str
    plan: RunPlan
    error: str
    hint: str
    attempts: int
    retry_at: float
    attached: tuple[str, ...]
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What `begin` needs to know of an entry; see Entry."""

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
    action: str = "log"
    run_id: str = ""
    supersedes: str = ""
    attached: tuple[str, ...] = ()


class Journal:
    """The journal of one target and experiment; safe for threads and processes.

    Args:
        directory: Where `journal.db` lives; created 0700.
        scope: What the journal is for, one line, kept for people who look.
        clock: Epoch seconds.

    Raises:
        JournalError: The directory or database cannot be opened or is damaged.
    """

    def __init__(
        self, directory: Path, *, scope: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.directory = directory
        self.path = directory / "journal.db"
        self._clock = clock
        self._lock = threading.RLock()
        self._owner = this_process()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = self._open()
            self._set_meta("scope", scope)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(
                f"the journal {self.path} cannot be opened: {error}",
                hint="check the directory's permissions and free space, or set EVALTUI_STATE_DIR",
            ) from error

    def _open(self) -> sqlite3.Connection:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(handle)
        db = sqlite3.connect(
            self.path, timeout=20, isolation_level=None, check_same_thread=False, uri=False
        )
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA foreign_keys=ON")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise sqlite3.DatabaseError(f"written by a newer evaltui (version {found})")
        if found < VERSION:
            db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
        return db

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self.path} cannot be written: {error}",
                    hint="free some disk space; what was read is kept and tried again",
                ) from error

    def _read(self, sql: str, args: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, args).fetchall()
            except sqlite3.Error as error:
                raise JournalError(f"the journal {self.path} cannot be read: {error}") from error

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _next_seq(self, db: sqlite3.Connection) -> int:
        row = db.execute(
            "INSERT INTO meta VALUES ('seq', '1') ON CONFLICT (key)"
            " DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
        ).fetchone()
        return int(row[0])

    # -- files -----------------------------------------------------------------------------------

    def record(
        self,
        stamp: FileStamp,
        *,
        root: str,
        state: FileState,
        reason: str = "",
        hint: str = "",
        fmt: str = "",
        role: FileRole = FileRole.UNKNOWN,
        sha256: str = "",
        listed: bool = True,
        skipped: bool = False,
        run_ids: Sequence[str] = (),
        progress: str = "",
        retry_at: float | None = None,
    ) -> int:
        """Write the row of a path's newest version and return its id.

        Nothing is written, and no sequence number used, when the row stands already like that.
        """
        values = (
            root, stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.ino, stamp.dev, sha256,
            state.value, reason, hint, fmt, role.value, int(listed), int(skipped),
            ",".join(run_ids), progress, retry_at,
        )  # fmt: skip
        same = self._read(
            "SELECT id, root, size, mtime_ns, ctime_ns, ino, dev, sha256, state, reason, hint,"
            " format, role, listed, skipped, run_ids, progress, retry_at"
            " FROM files WHERE path = ?",
            (str(stamp.path),),
        )
        if same and same[0][1:] == values:
            return _int(same[0][0])
        with self._write() as db:
            row = db.execute(
                "INSERT INTO files (seq, updated_at, path, root, size, mtime_ns, ctime_ns, ino,"
                " dev, sha256, state, reason, hint, format, role, listed, skipped, run_ids,"
                " progress, retry_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (path) DO UPDATE SET seq=excluded.seq,"
                " updated_at=excluded.updated_at, root=excluded.root, size=excluded.size,"
                " mtime_ns=excluded.mtime_ns, ctime_ns=excluded.ctime_ns, ino=excluded.ino,"
                " dev=excluded.dev, sha256=excluded.sha256, state=excluded.state,"
                " reason=excluded.reason, hint=excluded.hint, format=excluded.format,"
                " role=excluded.role, listed=excluded.listed, skipped=excluded.skipped,"
                " run_ids=excluded.run_ids, progress=excluded.progress,"
                " retry_at=excluded.retry_at RETURNING id",
                (self._next_seq(db), self._clock(), str(stamp.path), *values),
            ).fetchone()
        return int(row[0])

    def mark(
        self,
        path: str,
        state: FileState,
        *,
        reason: str = "",
        hint: str = "",
        run_ids: Sequence[str] | None = None,
        retry_at: float | None = None,
    ) -> None:
        """Change the state of a path's row; an unknown path is no error."""
        with self._write() as db:
            ids = None if run_ids is None else ",".join(run_ids)
            db.execute(
                "UPDATE files SET seq=?, updated_at=?, state=?, reason=?, hint=?, retry_at=?,"
                " run_ids=COALESCE(?, run_ids) WHERE path=?",
                (self._next_seq(db), self._clock(), state.value, reason, hint, retry_at, ids, path),
            )

    def forget(self, path: str) -> None:
        """Remove a path's row; viewers are told by `gone_since`."""
        with self._write() as db:
            row = db.execute("DELETE FROM files WHERE path=? RETURNING id", (path,)).fetchone()
            if row is not None:
                db.execute("INSERT INTO gone VALUES (?, ?)", (self._next_seq(db), row[0]))

    def rename(self, old: str, new: FileStamp) -> bool:
        """Let the row of `old` follow its file to a new path; False when there is no such row."""
        with self._write() as db:
            if db.execute("SELECT 1 FROM files WHERE path=?", (str(new.path),)).fetchone():
                return False
            changed = db.execute(
                "UPDATE files SET seq=?, path=?, ctime_ns=? WHERE path=?",
                (self._next_seq(db), str(new.path), new.ctime_ns, old),
            ).rowcount
            db.execute("UPDATE entries SET path=? WHERE path=?", (str(new.path), old))
        return bool(changed)

    def stamps(self) -> list[tuple[FileStamp, FileState, bool]]:
        """Return every row's stamp, state and whether it was left out with the backlog."""
        rows = self._read(
            "SELECT path, size, mtime_ns, ctime_ns, ino, dev, state, skipped FROM files"
            " WHERE ino <> 0"
        )
        return [
            (
                FileStamp(
                    Path(str(r[0])), _int(r[1]), _int(r[2]), _int(r[3]), _int(r[4]), _int(r[5])
                ),
                FileState(str(r[6])),
                bool(r[7]),
            )
            for r in rows
        ]

    def file(self, path: str) -> FileRow | None:
        """Return the row of a path, or None."""
        rows = self._read(f"SELECT {_FILE_COLUMNS} FROM files WHERE path=?", (path,))
        return _file_row(rows[0]) if rows else None

    def file_sha256(self, path: str) -> str:
        """Return the digest of the version that was read last at this path, or ""."""
        rows = self._read("SELECT sha256 FROM files WHERE path=?", (path,))
        return str(rows[0][0]) if rows else ""

    def rows_since(self, seq: int) -> list[FileRow]:
        """Return the listed rows that changed after `seq`, oldest change first."""
        rows = self._read(
            f"SELECT {_FILE_COLUMNS} FROM files WHERE seq > ? AND listed = 1 ORDER BY seq", (seq,)
        )
        return [_file_row(row) for row in rows]

    def gone_since(self, seq: int) -> list[int]:
        """Return ids of rows that were removed or unlisted after `seq`."""
        rows = self._read(
            "SELECT file_id FROM gone WHERE seq > ?"
            " UNION SELECT id FROM files WHERE seq > ? AND listed = 0",
            (seq, seq),
        )
        return [_int(row[0]) for row in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the newest change."""
        rows = self._read("SELECT value FROM meta WHERE key='seq'")
        return int(str(rows[0][0])) if rows else 0

    def counts(self) -> dict[str, int]:
        """Return the number of files by on-screen class: logged, pending, failed, ignored, skipped.

        Companions and per-app files count as neither.
        """
        rows = self._read("SELECT state, role, skipped, COUNT(*) FROM files GROUP BY 1, 2, 3")
        result = dict.fromkeys(("logged", "pending", "failed", "ignored", "skipped"), 0)
        for state, role, skipped, number in rows:
            kind = _count_class(FileState(str(state)), str(role), skipped=bool(skipped))
            if kind:
                result[kind] += _int(number)
        return result

    def trim_ignored(self) -> None:
        """Forget the oldest rows of unrecognised files beyond MAX_IGNORED_ROWS."""
        with self._write() as db:
            db.execute(
                "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE state='ignored'"
                " AND listed=0 ORDER BY seq DESC LIMIT -1 OFFSET ?)",
                (MAX_IGNORED_ROWS,),
            )

    # -- entries ---------------------------------------------------------------------------------

    def begin(self, new: NewEntry, *, replaces: int | None = None) -> Entry | None:
        """Write an entry with everything its run needs, durably, claimed by this process.

        Args:
            new: The entry.
            replaces: Id of the active entry of the same content that this one takes the place of.

        Returns:
            The entry, or None when another process began one for this content in the meantime.
        """
        bare = replace(new.plan, artifacts=())
        with self._write(durable=True) as db:
            if replaces is not None:
                db.execute("UPDATE entries SET active=0 WHERE id=?", (replaces,))
            elif db.execute(
                "SELECT 1 FROM entries WHERE content_id=? AND active=1", (new.content_id,)
            ).fetchone():
                return None
            row = db.execute(
                "INSERT INTO entries (content_id, item, path, file_sha256, format, kind,"
                " evaluation_id, values_digest, mode, mode_source, action, state, run_id,"
                " supersedes, plan, owner, attached, created_at, sort_ms)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
                (
                    new.content_id, new.item, new.path, new.file_sha256, new.format, new.kind,
                    new.evaluation_id, new.values_digest, new.mode, new.mode_source, new.action,
                    FileState.PARSED.value, new.run_id, new.supersedes, _plan_to_json(bare),
                    self._owner, "\n".join(new.attached), self._clock(), new.plan.started_ms,
                ),
            ).fetchone()  # fmt: skip
            for file in new.plan.artifacts:
                local = None if file.local_path is None else str(file.local_path)
                db.execute(
                    "INSERT OR REPLACE INTO spool VALUES (?,?,?,?)",
                    (row[0], file.path, local, file.data),
                )
        return self.entry(int(row[0]))

    def advance(
        self,
        entry_id: int,
        state: FileState,
        *,
        run_id: str | None = None,
        unclear: bool | None = None,
        durable: bool = False,
    ) -> None:
        """Note that an entry has come to `state`; the spool of a finished one is dropped."""
        with self._write(durable=durable) as db:
            done = state is FileState.FINISHED
            db.execute(
                "UPDATE entries SET state=?, run_id=COALESCE(?, run_id),"
                " unclear=COALESCE(?, unclear), error='', hint='',"
                " finished_at=CASE WHEN ? THEN ? ELSE finished_at END WHERE id=?",
                (
                    state.value,
                    run_id,
                    None if unclear is None else int(unclear),
                    done,
                    self._clock(),
                    entry_id,
                ),
            )
            if done:
                db.execute("DELETE FROM spool WHERE entry_id=?", (entry_id,))
                db.execute("UPDATE entries SET owner='', plan='' WHERE id=?", (entry_id,))

    def postpone(
        self, entry_id: int, *, error: str, hint: str, retry_at: float, unclear: bool
    ) -> None:
        """Note a failed try and when the next one is due; the claim is given up."""
        with self._write() as db:
            db.execute(
                "UPDATE entries SET error=?, hint=?, retry_at=?, attempts=attempts+1, owner='',"
                " unclear=MAX(unclear, ?) WHERE id=?",
                (error, hint, retry_at, int(unclear), entry_id),
            )

    def deactivate(self, entry_id: int, state: FileState) -> None:
        """Take an entry out of the account (superseded, deleted by a person, given up)."""
        with self._write(durable=True) as db:
            db.execute(
                "UPDATE entries SET active=0, state=?, owner='' WHERE id=?", (state.value, entry_id)
            )
            db.execute("DELETE FROM spool WHERE entry_id=?", (entry_id,))

    def adopt(self, new: NewEntry, run_id: str) -> None:
        """Note a run that is in the store already as the run of this content, finished."""
        with self._write(durable=True) as db:
            now = self._clock()
            db.execute(
                "INSERT OR IGNORE INTO entries (content_id, item, path, file_sha256, format, kind,"
                " evaluation_id, values_digest, mode, mode_source, action, state, run_id, plan,"
                " created_at, finished_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    new.content_id, new.item, new.path, new.file_sha256, new.format, new.kind,
                    new.evaluation_id, new.values_digest, new.mode, new.mode_source, "log",
                    FileState.FINISHED.value, run_id, "", now, now,
                ),
            )  # fmt: skip

    def claim(self, entry_id: int) -> bool:
        """Make this process the only one that works on an entry; False when another lives on it."""
        with self._write() as db:
            row = db.execute(
                "SELECT owner FROM entries WHERE id=? AND active=1", (entry_id,)
            ).fetchone()
            if row is None:
                return False
            owner = str(row[0])
            if owner and owner != self._owner and is_alive(owner):
                return False
            db.execute("UPDATE entries SET owner=? WHERE id=?", (self._owner, entry_id))
        return True

    def entry(self, entry_id: int) -> Entry | None:
        """Return one entry with its artifacts, or None."""
        return self._entry("id=?", entry_id)

    def active_entry(self, content_id: str) -> Entry | None:
        """Return the entry that stands for this content now, or None."""
        return self._entry("content_id=? AND active=1", content_id)

    def entries_of(self, path: str) -> list[Entry]:
        """Return the active entries whose report was read at this path, newest first."""
        rows = self._read(
            "SELECT id FROM entries WHERE path=? AND active=1 ORDER BY id DESC", (path,)
        )
        found = (self.entry(_int(row[0])) for row in rows)
        return [entry for entry in found if entry is not None]

    def entry_of_run(self, run_id: str) -> Entry | None:
        """Return the active entry whose run this is, or None."""
        return self._entry("run_id=? AND active=1", run_id)

    def due(self, now: float, *, limit: int = 20) -> list[Entry]:
        """Return unfinished entries whose time has come, newest evaluation first."""
        rows = self._read(
            "SELECT id FROM entries WHERE active=1 AND state <> 'finished' AND retry_at <= ?"
            " ORDER BY sort_ms DESC LIMIT ?",
            (now, limit),
        )
        found = (self.entry(_int(row[0])) for row in rows)
        return [entry for entry in found if entry is not None]

    def open_count(self) -> int:
        """Return the number of active entries that are not finished."""
        rows = self._read("SELECT COUNT(*) FROM entries WHERE active=1 AND state <> 'finished'")
        return _int(rows[0][0])

    def next_due(self) -> float | None:
        """Return the earliest `retry_at` of unfinished entries, or None when there are none."""
        rows = self._read(
            "SELECT MIN(retry_at) FROM entries WHERE active=1 AND state <> 'finished'"
        )
        value = rows[0][0]
        return None if value is None else float(str(value))

    def hurry(self, path: str | None = None) -> None:
        """Make waiting entries due now: all, or those of one path."""
        with self._write() as db:
            where, args = ("", ()) if path is None else (" AND path=?", (path,))
            db.execute(f"UPDATE entries SET retry_at=0 WHERE state <> 'finished'{where}", args)

    def attach(self, entry_id: int, names: Sequence[str]) -> None:
        """Note that companions went with an entry's run."""
        with self._write() as db:
            db.execute(
                "UPDATE entries SET attached=? WHERE id=?", ("\n".join(sorted(names)), entry_id)
            )

    def _entry(self, where: str, arg: object) -> Entry | None:
        rows = self._read(
            "SELECT id, content_id, item, path, file_sha256, format, kind, evaluation_id,"
            " values_digest, mode, mode_source, action, state, unclear, run_id, supersedes, plan,"
            f" error, hint, attempts, retry_at, attached, finished_at FROM entries WHERE {where}",
            (arg,),
        )
        if not rows:
            return None
        r = rows[0]
        spool = self._read("SELECT path, local_path, data FROM spool WHERE entry_id=?", (r[0],))
        files = tuple(
            ArtifactFile(
                str(path),
                data if isinstance(data, bytes) else None,
                None if local is None else Path(str(local)),
            )
            for path, local, data in spool
        )
        return Entry(
            entry_id=_int(r[0]), content_id=str(r[1]), item=_int(r[2]), path=str(r[3]),
            file_sha256=str(r[4]), format=str(r[5]), kind=str(r[6]), evaluation_id=str(r[7]),
            values_digest=str(r[8]), mode=str(r[9]), mode_source=str(r[10]), action=str(r[11]),
            state=FileState(str(r[12])), unclear=bool(r[13]), run_id=str(r[14]),
            supersedes=str(r[15]), plan=replace(_plan_from_json(str(r[16])), artifacts=files),
            error=str(r[17]), hint=str(r[18]), attempts=_int(r[19]), retry_at=float(str(r[20])),
            attached=tuple(filter(None, str(r[21]).split("\n"))),
            finished_at=None if r[22] is None else float(str(r[22])),
        )  # fmt: skip


def _count_class(state: FileState, role: str, *, skipped: bool) -> str:
    if skipped:
        return "skipped"
    if role in (FileRole.CASE, FileRole.COMPANION):
        return ""
    if state in (FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED):
        return "logged"
    if state in PENDING_STATES:
        return "pending"
    if state is FileState.QUARANTINED:
        return "failed"
    return "ignored" if state is FileState.IGNORED else ""


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise JournalError(f"the journal holds {value!r} where a number must be")
    return value


def _file_row(row: Sequence[object]) -> FileRow:
    return FileRow(
        file_id=_int(row[0]),
        seq=_int(row[1]),
        path=str(row[2]),
        state=FileState(str(row[3])),
        reason=str(row[4]),
        hint=str(row[5]),
        run_ids=tuple(filter(None, str(row[6]).split(","))),
        format=str(row[7]),
        role=FileRole(str(row[8])),
        retry_at_s=None if row[9] is None else float(str(row[9])),
        updated_at_s=float(str(row[10])),
        progress=str(row[11]),
    )


def _plan_to_json(plan: RunPlan) -> str:
    return json.dumps(
        {
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
    )


def _plan_from_json(text: str) -> RunPlan:
    if not text:  # a finished entry has given its plan away
        return RunPlan("", "", 0, 0, 0, RunStatus.FINISHED, {}, {}, {}, {})
    fields = json.loads(text)
    return RunPlan(**{**fields, "status": RunStatus(fields["status"])})
