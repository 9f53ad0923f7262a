"""Looking at everything the journal holds, for people and for checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaltui.domain.events import FileRole, FileRow
from evaltui.late_dataclass import dataclass
from evaltui.ledger.database import Database
from evaltui.ledger.files import SELECT_ROW
from evaltui.ledger.lookups import SELECT_ENTRY
from evaltui.ledger.records import Entry, entry_of, file_row, integer

_PAGE = 500


@dataclass(frozen=True, slots=True)
class FileAccount:
    """The row of a path with what only the journal needs to know.

    Attributes:
        row: What viewers show.
        root: Watched root it was found below, or "" when it was named by hand.
        size: Bytes of its newest version.
        sha256: Digest of the version that was read last, or "".
        listed: Whether viewers show it.
        skipped: Whether it was left out with the backlog.
    """

    row: FileRow
    root: str
    size: int
    sha256: str
    listed: bool
    skipped: bool


class Accounts(Database):
    """The part of a journal that tells all it holds; artifacts are left out."""

    def accounts(self, below: Sequence[str] = (), *, unlisted: bool = False) -> list[FileAccount]:
        """Return the files, the one that changed last first.

        Args:
            below: Only these paths and what lies below them; none means all.
            unlisted: Files that nobody is shown as well.
        """
        where, bounds = "", list[str]()
        if below:
            where = " AND (0" + " OR path = ? OR (path >= ? AND path < ?)" * len(below) + ")"
            for path in below:
                base = path.rstrip("/")
                bounds += [base, f"{base}/", f"{base}0"]  # the character after the slash
        columns = SELECT_ROW.replace(" FROM files", ", root, size, sha256, listed, skipped")
        rows = self._read(
            f"{columns} FROM files WHERE (listed = 1 OR ?){where} ORDER BY seq DESC",
            (int(unlisted), *bounds),
        )
        return [
            FileAccount(
                file_row(row),
                str(row[12]),
                integer(row[13]),
                str(row[14]),
                bool(row[15]),
                bool(row[16]),
            )
            for row in rows
        ]

    def all_entries(self) -> Iterator[Entry]:
        """Yield every entry, active or not, oldest first; read in pages."""
        last = 0
        while rows := self._read(f"{SELECT_ENTRY} WHERE id > ? ORDER BY id LIMIT {_PAGE}", (last,)):
            for row in rows:
                yield entry_of(row, ())
            last = integer(rows[-1][0])

    def unfiled(self) -> list[FileAccount]:
        """Return the active entries of runs that no file was read for, as if they were files."""
        rows = self._read(
            f"{SELECT_ENTRY} WHERE active = 1 AND action <> 'attach'"  # noqa: S608 - constants
            " AND path NOT IN (SELECT path FROM files) ORDER BY id DESC"
        )
        return [_as_file(entry_of(row, ())) for row in rows]

    def entries_ever(self, path: str, content_ids: Sequence[str] = ()) -> list[Entry]:
        """Return the entries that were read at a path or have these contents, newest first."""
        marks = ", ".join("?" * len(content_ids))
        rows = self._read(
            f"{SELECT_ENTRY} WHERE path = ? OR content_id IN ({marks}) ORDER BY id DESC",
            (path, *content_ids),
        )
        return [entry_of(row, ()) for row in rows]

    def entries_of_run(self, run_id: str) -> list[Entry]:
        """Return the entries whose run this is, active or not, newest first."""
        rows = self._read(
            f"{SELECT_ENTRY} WHERE run_id = ? AND run_id <> '' AND action <> 'attach'"
            " ORDER BY active DESC, id DESC",
            (run_id,),
        )
        return [entry_of(row, ()) for row in rows]

    @property
    def scope(self) -> str:
        """Store and experiment the journal is for, one line."""
        rows = self._read("SELECT value FROM meta WHERE key='scope'")
        return str(rows[0][0]) if rows else ""


def _as_file(entry: Entry) -> FileAccount:
    row = FileRow(
        file_id=-entry.entry_id,
        seq=0,
        path=entry.path,
        state=entry.state,
        reason=entry.error,
        hint=entry.hint,
        run_ids=(entry.run_id,) if entry.run_id else (),
        format=entry.format,
        role=FileRole.REPORT,
        retry_at_s=entry.retry_at if entry.is_open and entry.retry_at else None,
        updated_at_s=entry.finished_at or entry.created_at,
    )
    return FileAccount(row, "", 0, entry.file_sha256, listed=True, skipped=False)
