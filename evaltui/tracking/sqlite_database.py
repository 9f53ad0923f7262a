"""A SQLite database of mlflow, opened for reading only and never created."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from evaltui.errors import StoreUnreachableError
from evaltui.tracking.faults import translate

KNOWN_SCHEMAS = frozenset({"dc11669786a5"})
"""Alembic versions whose tables were compared with what is read here."""

COLUMNS: dict[str, frozenset[str]] = {
    "experiments": frozenset({"experiment_id", "name", "artifact_location", "lifecycle_stage"}),
    "experiment_tags": frozenset({"key", "value", "experiment_id"}),
    "runs": frozenset(
        {
            "run_uuid",
            "name",
            "status",
            "start_time",
            "end_time",
            "lifecycle_stage",
            "artifact_uri",
            "experiment_id",
        }
    ),
    "metrics": frozenset({"run_uuid"}),
    "latest_metrics": frozenset({"key", "value", "is_nan", "run_uuid"}),
    "params": frozenset({"key", "value", "run_uuid"}),
    "tags": frozenset({"key", "value", "run_uuid"}),
}
"""What a database must have to be read directly."""

BUSY_S = 2.0
"""Longest wait for another process's lock; a poll repeats soon anyway."""

_BLOCK = 2_000
"""Rows out of which something is made at a time."""

_NO_UTF_8 = "Could not decode to UTF-8"

Row = tuple[object, ...]
Version = tuple[int, int]
_Made = TypeVar("_Made")


class Database:
    """Read-only connection to a database file that may appear, be replaced, or vanish.

    Reads fetch everything and end at once, so that no lock outlives a call.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0
        self._lenient = False

    def version(self, *, follow: bool = True) -> Version | None:
        """Return a value that changes whenever anybody wrote to the database; None without file.

        Args:
            follow: Look whether another file took its place, too.

        Raises:
            StoreUnreachableError: The file was there and is not any more.
            StoreError: It cannot be read.
        """
        if (follow or self._connection is None) and not self._follow_file():
            return None
        rows = self.rows("PRAGMA data_version")
        return self._opened, int(str(rows[0][0]))

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> list[Row]:
        """Return all rows of one statement.

        Raises:
            StoreError: It cannot be read.
        """
        return self._read(sql, arguments, sqlite3.Cursor.fetchall)

    def made(
        self, sql: str, arguments: Sequence[object], make: Callable[[list[Row]], _Made]
    ) -> list[_Made]:
        """Return what is made of each block of rows; they are never there all at once.

        Raises:
            StoreError: It cannot be read.
        """

        def take(cursor: sqlite3.Cursor) -> list[_Made]:
            return [make(rows) for rows in iter(lambda: cursor.fetchmany(_BLOCK), [])]

        return self._read(sql, arguments, take)

    def _read(
        self,
        sql: str,
        arguments: Sequence[object],
        take: Callable[[sqlite3.Cursor], list[_Made]],
    ) -> list[_Made]:
        try:
            return self._fetch(sql, arguments, take)
        except sqlite3.Error as error:
            if not self._recover(error):
                raise translate(error, f"read {self.path}") from error
        try:
            return self._fetch(sql, arguments, take)
        except sqlite3.Error as error:
            raise translate(error, f"read {self.path}") from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let the reads inside see one state of the database."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            self._end()

    def missing(self) -> list[str]:
        """Return the tables and columns (`runs.name`) that are needed and not there."""
        found: list[str] = []
        for table, columns in COLUMNS.items():
            names = {str(row[1]) for row in self.rows(f"PRAGMA table_info({table})")}
            if not names:
                found.append(table)
            else:
                found += [f"{table}.{name}" for name in sorted(columns - names)]
        return found

    def schema_version(self) -> str:
        """Return the alembic version, or "" when there is none."""
        if not self.rows("PRAGMA table_info(alembic_version)"):
            return ""
        rows = self.rows("SELECT version_num FROM alembic_version")
        return str(rows[0][0]) if rows else ""

    def close(self) -> None:
        """Close the connection; the next read opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _follow_file(self) -> bool:
        """Open the file when it appears or is another one; False while there is none."""
        try:
            state = os.stat(self._name)  # noqa: PTH116 - twice a second
        except FileNotFoundError:
            if self._file is None:
                return False
            raise StoreUnreachableError(
                f"read {self.path}: the database is gone", hint="was it moved or deleted?"
            ) from None
        except OSError as error:
            raise StoreUnreachableError(f"read {self.path}: {error.strerror}") from error
        if state.st_size == 0 and self._file is None:
            return False  # somebody is about to make it
        found = (state.st_dev, state.st_ino)
        if found != self._file or self._connection is None:
            self.close()
            self._file = found
        return True

    def _fetch(
        self,
        sql: str,
        arguments: Sequence[object],
        take: Callable[[sqlite3.Cursor], list[_Made]],
    ) -> list[_Made]:
        cursor = self._open().execute(sql, arguments)
        try:
            return take(cursor)
        except sqlite3.OperationalError as error:
            if self._lenient or _NO_UTF_8 not in str(error):
                raise
        finally:
            cursor.close()
        self._lenient = True  # such texts take a call each, so that is done where there are any
        self._open().text_factory = _text
        return self._fetch(sql, arguments, take)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._opened += 1  # the counts of two connections cannot be compared
            self._connection = sqlite3.connect(
                self._uri("ro"),
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            if self._lenient:
                self._connection.text_factory = _text
        return self._connection

    def _uri(self, mode: str) -> str:
        return f"file:{quote(str(self.path))}?mode={mode}"

    def _end(self) -> None:
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error:
            self.close()

    def _recover(self, error: sqlite3.Error) -> bool:
        """Let SQLite roll back what a killed writer left behind, which a reader may not do.

        Returns:
            Whether reading is worth another try.
        """
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        leftovers = any(Path(f"{self.path}{end}").exists() for end in ("-journal", "-wal"))
        if code not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN} or not leftovers:
            return False
        self.close()
        try:
            writer = sqlite3.connect(self._uri("rw"), uri=True, timeout=BUSY_S)
        except sqlite3.Error:
            return False
        try:
            writer.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error:
            return False
        finally:
            writer.close()
        return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
