"""The journal's SQLite file: opening it, and reading and writing it in transactions.

A commit that must survive power loss is made with `synchronous=FULL`; steps that recovery repeats
anyway are not synced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from evaltui.errors import JournalError
from evaltui.ledger.kept import KeptFiles
from evaltui.ledger.owner import this_process
from evaltui.ledger.schema import SCHEMA, UPGRADES, VERSION
from evaltui.mounts import network_type

BUSY_S = 20
"""How long a write waits for another process's."""

_MAX_WAL_BYTES = 16_000_000
_FREE_PAGES = 2_000

Row = tuple[object, ...]

# File names that are no UTF-8 reach Python as lone surrogates, which SQLite refuses: they are kept
# as characters of the last private-use plane.
_SURROGATES = {0xDC00 + byte: 0x10FE00 + byte for byte in range(0x80, 0x100)}
_PRIVATE = {private: surrogate for surrogate, private in _SURROGATES.items()}


class Database:
    """A journal's file; safe for threads and processes.

    Args:
        directory: Where `journal.db` lives; created 0700.
        scope: What the journal is for, one line, kept for people who look.
        clock: Epoch seconds.

    Attributes:
        is_new: Whether this opening made the tables: what is in the store is not known yet.
        is_shared: Whether the directory lies on a file system that several machines share.
        journal_id: Random name of this journal, to tell runs that it made.

    Raises:
        JournalError: The directory or database cannot be opened, is damaged, or was written by a
            newer evaltui.
    """

    def __init__(
        self, directory: Path, *, scope: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.directory = directory
        self.path = directory / "journal.db"
        self._kept = KeptFiles(directory / "kept")
        self.is_new = False
        self.is_shared = False
        self._clock = clock
        self._lock = threading.RLock()
        self._owner = this_process()
        self._durable: bool | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.is_shared = network_type(directory) != ""
            self._db = self._open()
            self.journal_id = self._name(scope)
        except sqlite3.DatabaseError as error:
            raise self._cannot_open(error) from error
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be opened: {error.strerror or error}",
                hint="check the directory's permissions and free space, or set EVALTUI_STATE_DIR",
            ) from error

    def close(self) -> None:
        """Close the database; further calls are errors."""
        with self._lock:
            self._db.close()

    def shrink(self) -> None:
        """Give the space of what was spooled and is finished back to the file system."""
        with self._reading() as db:
            if db.execute("PRAGMA freelist_count").fetchone()[0] >= _FREE_PAGES:
                # Only a script steps through all of this pragma, one page a step.
                db.executescript("PRAGMA incremental_vacuum")
        self._clear_kept()

    def _clear_kept(self) -> None:
        """Remove the large artifacts that no entry refers to any more."""
        if self._kept:
            with self._write() as db:
                rows = db.execute("SELECT local_path FROM spool WHERE local_path IS NOT NULL")
                self._kept.clear({str(row[0]) for row in rows})

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        db.text_factory = _to_text
        with contextlib.ExitStack() as unless_ready:
            unless_ready.callback(db.close)
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts for a file that is still empty
            db.execute(f"PRAGMA journal_size_limit={_MAX_WAL_BYTES}")
            # WAL needs memory that all processes share; between machines there is none.
            _set_journal_mode(db, "delete" if self.is_shared else "wal")
            db.execute("PRAGMA foreign_keys=ON")
            db.execute("BEGIN IMMEDIATE")
            self._prepare(db)
            db.execute("COMMIT")
            unless_ready.pop_all()
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise JournalError(
                f"the journal {self.path} was written by a newer evaltui (version {found}, this"
                f" one knows {VERSION})",
                hint="update evaltui, or set EVALTUI_STATE_DIR to another directory",
            )
        if found == 0:
            self.is_new = True
            for statement in SCHEMA.split(";"):
                db.execute(statement)
        for version in range(max(found, 1), VERSION):
            db.execute(UPGRADES[version])
        if found != VERSION:
            db.execute(f"PRAGMA user_version={VERSION}")

    def _name(self, scope: str) -> str:
        """Give the journal an id of its own the first time, and return it."""
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('scope', ?)", (scope,))
            db.execute("INSERT OR IGNORE INTO meta VALUES ('id', ?)", (secrets.token_hex(8),))
        return str(self._read("SELECT value FROM meta WHERE key='id'")[0][0])

    def _cannot_open(self, error: sqlite3.DatabaseError) -> JournalError:
        busy_or_disk = isinstance(error, sqlite3.OperationalError)
        return JournalError(
            f"the journal {self.path} cannot be opened: {error}",
            hint="check the directory's permissions and free space, or set EVALTUI_STATE_DIR"
            if busy_or_disk
            else "it is damaged: move it aside; reports whose runs are in the store are recognised"
            " there and not logged twice",
        )

    @contextlib.contextmanager
    def _write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if durable is not self._durable:
                    self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                    self._durable = durable
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                finally:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self.path} cannot be written: {error}",
                    hint=_write_hint(error),
                ) from error

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self.path} cannot be read: {error}",
                    hint="if it is damaged, move it aside; nothing is logged twice by that",
                ) from error

    def _read(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        with self._reading() as db:
            return db.execute(sql, tuple(map(storable, args))).fetchall()

    @staticmethod
    def _next_seq(db: sqlite3.Connection) -> int:
        row = db.execute(
            "INSERT INTO meta VALUES ('seq', '1') ON CONFLICT (key)"
            " DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
        ).fetchone()
        return int(row[0])


def _set_journal_mode(db: sqlite3.Connection, mode: str) -> None:
    """Set the mode; SQLite does not wait by itself when two processes do that at once."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            if db.execute("PRAGMA journal_mode").fetchone()[0] != mode:
                db.execute(f"PRAGMA journal_mode={mode}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def storable(value: object) -> object:
    """Return a value as SQLite takes it: text without lone surrogates."""
    if isinstance(value, str) and not value.isascii():
        kept = value.translate(_SURROGATES)
        return kept.encode("utf-8", "replace").decode("utf-8")
    return value


def _to_text(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if text.isascii() else text.translate(_PRIVATE)


def _write_hint(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return "another process keeps it locked; it is tried again"
    return "free some disk space; what was read is kept and tried again"
