"""The journal's rows of files: what is known of the newest version of every path."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from evaltui.domain.events import BY_HAND, PENDING_STATES, FileRole, FileRow, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.ledger.database import Database, storable
from evaltui.ledger.records import file_row, integer

MAX_IGNORED_ROWS = 10_000
"""Rows kept for files that no reader recognises; the oldest are forgotten first."""

MAX_GONE_ROWS = 10_000
"""Ids kept of removed rows, for viewers that look every second."""

SELECT_ROW = (
    "SELECT id, seq, path, state, reason, hint, run_ids, format, role, retry_at, updated_at,"
    " progress FROM files"
)


def leave_alone(db: sqlite3.Connection, path: str, next_seq: int, now: float) -> None:
    """Let a path's row say that a person gave the file up, until `Files.heed`."""
    # What becomes of its contents elsewhere is nothing to this row any more.
    db.execute("DELETE FROM parts WHERE path=?", (storable(path),))
    values = (next_seq, now, FileState.IGNORED.value, BY_HAND, "retry it to log it after all", path)
    db.execute(
        "UPDATE files SET seq=?, updated_at=?, state=?, reason=?, hint=?, retry_at=NULL,"
        " listed=1, skipped=0 WHERE path=?",
        tuple(map(storable, values)),
    )


class Files(Database):
    """The part of a journal that is about files."""

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
        parts: Sequence[str] = (),
    ) -> int:
        """Write the row of a path's newest version and return its id.

        Nothing is written, and no sequence number used, when the row stands already like that.

        Args:
            stamp: The version.
            root: Watched root it belongs to, or "".
            state: Its state.
            reason: One line why, or "".
            hint: One line what to do, or "".
            fmt: Format id, or "".
            role: What the file is for.
            sha256: Digest of the bytes, or "" when they were not read.
            listed: Whether viewers show it.
            skipped: Whether it was left out with the backlog.
            run_ids: Runs it became.
            progress: Cases done and expected, or "".
            retry_at: Epoch seconds of the next try, or None.
            parts: Content ids of the reports in it; the row then follows their entries.
        """
        values = (
            root, stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.ino, stamp.dev, sha256,
            state.value, reason, hint, fmt, role.value, int(listed), int(skipped),
            ",".join(run_ids), progress, retry_at,
        )  # fmt: skip
        path = str(stamp.path)
        with self._lock:
            same = self._read(
                "SELECT id, root, size, mtime_ns, ctime_ns, ino, dev, sha256, state, reason, hint,"
                " format, role, listed, skipped, run_ids, progress, retry_at"
                " FROM files WHERE path = ?",
                (path,),
            )
            if same and same[0][1:] == values and self.parts(path) == tuple(parts):
                return integer(same[0][0])
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
                    tuple(map(storable, (self._next_seq(db), self._clock(), path, *values))),
                ).fetchone()
                _set_parts(db, path, parts)
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
        ids = None if run_ids is None else ",".join(run_ids)
        with self._write() as db:
            values = (
                self._next_seq(db), self._clock(), state.value, reason, hint, retry_at, ids, path,
            )  # fmt: skip
            db.execute(
                "UPDATE files SET seq=?, updated_at=?, state=?, reason=?, hint=?, retry_at=?,"
                " run_ids=COALESCE(?, run_ids) WHERE path=?",
                tuple(map(storable, values)),
            )

    def heed(self, path: str) -> bool:
        """Undo `ignore` of a path; False when the path was not ignored by hand."""
        with self._write() as db:
            values = (self._next_seq(db), self._clock(), FileState.SEEN.value, path, BY_HAND)
            changed = db.execute(
                "UPDATE files SET seq=?, updated_at=?, state=?, reason='', hint=''"
                " WHERE path=? AND state='ignored' AND reason=?",
                tuple(map(storable, values)),
            ).rowcount
        return bool(changed)

    def is_given_up(self, path: str) -> bool:
        """Return whether a person ignores this path."""
        rows = self._read("SELECT state, reason FROM files WHERE path=?", (path,))
        return rows == [(FileState.IGNORED.value, BY_HAND)]

    def forget(self, path: str) -> None:
        """Remove a path's row; viewers are told by `gone_since`."""
        key = (storable(path),)
        with self._write() as db:
            db.execute("DELETE FROM parts WHERE path=?", key)
            row = db.execute("DELETE FROM files WHERE path=? RETURNING id", key).fetchone()
            if row is not None:
                self._note_gone(db, [row[0]])

    def rename(self, old: str, new: FileStamp) -> bool:
        """Let the row of `old` follow its file to a new path; False when there is no such row.

        A row that stands at the new path already is kept instead, and False returned.
        """
        before, after = storable(old), storable(str(new.path))
        with self._write() as db:
            if db.execute("SELECT 1 FROM files WHERE path=?", (after,)).fetchone():
                return False
            changed = db.execute(
                "UPDATE files SET seq=?, path=?, ctime_ns=? WHERE path=?",
                (self._next_seq(db), after, new.ctime_ns, before),
            ).rowcount
            db.execute("DELETE FROM parts WHERE path=?", (after,))
            db.execute("UPDATE parts SET path=? WHERE path=?", (after, before))
            db.execute("UPDATE entries SET path=? WHERE path=?", (after, before))
        return bool(changed)

    def stamps(self) -> list[tuple[FileStamp, FileState, bool]]:
        """Return every row's stamp, state and whether it was left out with the backlog."""
        rows = self._read(
            "SELECT path, size, mtime_ns, ctime_ns, ino, dev, state, skipped FROM files"
            " WHERE ino <> 0"
        )
        return [
            (
                FileStamp(Path(str(row[0])), *map(integer, row[1:6])),
                FileState(str(row[6])),
                bool(row[7]),
            )
            for row in rows
        ]

    def file(self, path: str) -> FileRow | None:
        """Return the row of a path, or None."""
        rows = self._read(SELECT_ROW + " WHERE path=?", (path,))
        return file_row(rows[0]) if rows else None

    def root_of(self, path: str) -> str:
        """Return the watched root a path was found below, or "" when it was named by hand."""
        rows = self._read("SELECT root FROM files WHERE path=?", (path,))
        return str(rows[0][0]) if rows else ""

    def file_sha256(self, path: str) -> str:
        """Return the digest of the version that was read last at this path, or ""."""
        rows = self._read("SELECT sha256 FROM files WHERE path=?", (path,))
        return str(rows[0][0]) if rows else ""

    def parts(self, path: str) -> tuple[str, ...]:
        """Return the content ids of the reports that the path's newest version holds."""
        rows = self._read("SELECT content_id FROM parts WHERE path=? ORDER BY item", (path,))
        return tuple(str(row[0]) for row in rows)

    def rows_since(self, seq: int) -> list[FileRow]:
        """Return the listed rows that changed after `seq`, oldest change first."""
        rows = self._read(SELECT_ROW + " WHERE seq > ? AND listed = 1 ORDER BY seq", (seq,))
        return [file_row(row) for row in rows]

    def gone_since(self, seq: int) -> list[int]:
        """Return ids of rows that were removed or unlisted after `seq`."""
        rows = self._read(
            "SELECT file_id FROM gone WHERE seq > ?"
            " UNION SELECT id FROM files WHERE seq > ? AND listed = 0",
            (seq, seq),
        )
        return [integer(row[0]) for row in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the newest change."""
        rows = self._read("SELECT value FROM meta WHERE key='seq'")
        return int(str(rows[0][0])) if rows else 0

    def counts(self, folders: Sequence[str] | None = None) -> dict[str, int]:
        """Return the number of files by on-screen class: logged, pending, failed, ignored, skipped.

        Companions and per-app files count as neither, unless one was logged by name.

        Args:
            folders: Only files below these directories; None counts all there ever were.
        """
        where, bounds = "", list[str]()
        if folders is not None:
            where = " WHERE 0" + " OR (path >= ? AND path < ?)" * len(folders)
            for folder in folders:
                base = folder.rstrip("/")
                bounds += [f"{base}/", f"{base}0"]  # the character after the slash
        rows = self._read(
            f"SELECT state, role, skipped, COUNT(*) FROM files{where} GROUP BY 1, 2, 3",  # noqa: S608 - placeholders
            bounds,
        )
        result = dict.fromkeys(("logged", "pending", "failed", "ignored", "skipped"), 0)
        for state, role, skipped, number in rows:
            kind = _count_class(FileState(str(state)), str(role), skipped=bool(skipped))
            if kind:
                result[kind] += integer(number)
        return result

    def trim_ignored(self) -> None:
        """Forget the oldest rows of unrecognised files beyond MAX_IGNORED_ROWS."""
        with self._write() as db:
            db.execute(
                "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE state='ignored'"
                " AND listed=0 ORDER BY seq DESC LIMIT -1 OFFSET ?)",
                (MAX_IGNORED_ROWS,),
            )

    def _note_gone(self, db: sqlite3.Connection, file_ids: Sequence[int]) -> None:
        for file_id in file_ids:
            db.execute("INSERT INTO gone VALUES (?, ?)", (self._next_seq(db), file_id))
        db.execute(
            "DELETE FROM gone WHERE seq <= (SELECT seq FROM gone ORDER BY seq DESC"
            " LIMIT 1 OFFSET ?)",
            (MAX_GONE_ROWS,),
        )


def _set_parts(db: sqlite3.Connection, path: str, parts: Sequence[str]) -> None:
    key = storable(path)
    db.execute("DELETE FROM parts WHERE path=?", (key,))
    db.executemany(
        "INSERT INTO parts VALUES (?,?,?)",
        [(key, item, content_id) for item, content_id in enumerate(parts)],
    )


def _count_class(state: FileState, role: str, *, skipped: bool) -> str:
    if skipped:
        return "skipped"
    if state in (FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED):
        return "" if role == FileRole.COMPANION else "logged"
    if role in (FileRole.CASE, FileRole.COMPANION):
        return ""
    if state in PENDING_STATES:
        return "pending"
    if state is FileState.QUARANTINED:
        return "failed"
    return "ignored" if state is FileState.IGNORED else ""
