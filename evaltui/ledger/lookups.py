"""Looking at the journal's entries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evaltui.domain.plan import RunPlan
from evaltui.ledger.database import Database, Row
from evaltui.ledger.follow import Standing, standing_of_file
from evaltui.ledger.owner import is_alive
from evaltui.ledger.records import Entry, artifact_of, entry_of, integer, optional_float, plan_of

OTHERS_LOOK_S = 5.0
"""When to look again at entries that another living process works on."""

LONGEST_WAIT_S = 600.0
"""Nothing is made to wait longer than this: a time beyond it was set by a clock that went wrong."""

_DUE = "(retry_at <= ? OR retry_at > ?)"

_COLUMNS_OF = (
    "SELECT id, active, content_id, item, path, file_sha256, format, kind, evaluation_id,"
    " values_digest, mode, mode_source, action, state, unclear, run_id, predecessors, joined,"
    " attached, plan, error, hint, attempts, retry_at, created_at, finished_at"
)
SELECT_ENTRY = _COLUMNS_OF + " FROM entries"
_SELECT_OPEN = _COLUMNS_OF + " FROM open_entries"


class Lookups(Database):
    """The part of a journal that reads entries."""

    def entry(self, entry_id: int) -> Entry | None:
        """Return one entry with its artifacts, or None."""
        return self._first(SELECT_ENTRY + " WHERE id=?", (entry_id,))

    def active_entry(self, content_id: str) -> Entry | None:
        """Return the entry that stands for this content now, or None."""
        return self._first(SELECT_ENTRY + " WHERE content_id=? AND active=1", (content_id,))

    def latest_entry(self, content_id: str) -> Entry | None:
        """Return the newest entry of this content, active or not, or None."""
        return self._first(
            SELECT_ENTRY + " WHERE content_id=? ORDER BY id DESC LIMIT 1", (content_id,)
        )

    def joined_entry(self, content_id: str) -> Entry | None:
        """Return the active entry of an evaluation that this bulk file was joined to, or None."""
        return self._first(
            SELECT_ENTRY + " WHERE joined=? AND joined<>'' AND active=1 ORDER BY id DESC LIMIT 1",
            (content_id,),
        )

    def entry_of_run(self, run_id: str) -> Entry | None:
        """Return the active entry of a report whose run this is, or None."""
        return self._first(
            SELECT_ENTRY + " WHERE run_id=? AND run_id<>'' AND active=1 AND action<>'attach'",
            (run_id,),
        )

    def entries_of(self, path: str) -> list[Entry]:
        """Return the active entries whose report was read at this path, newest first."""
        return self._all(SELECT_ENTRY + " WHERE path=? AND active=1 ORDER BY id DESC", (path,))

    def neighbours_of(self, folder: str) -> list[Entry]:
        """Return the active entries of reports that lie directly in a folder, newest first.

        Only the newest hundred: companions follow their report within minutes.
        """
        prefix = folder.rstrip("/") + "/"
        return self._all(
            SELECT_ENTRY + " WHERE active=1 AND action<>'attach' AND substr(path, 1, ?) = ?"
            " AND instr(substr(path, ?), '/') = 0 ORDER BY id DESC LIMIT 100",
            (len(prefix), prefix, len(prefix) + 1),
        )

    def successors(self, entry_id: int) -> list[Entry]:
        """Return the active entries whose runs replace this one's, oldest first."""
        found = self._all(
            SELECT_ENTRY + " WHERE active=1 AND predecessors<>''"
            " AND instr(' ' || predecessors || ' ', ?) ORDER BY id",
            (f" {entry_id} ",),
        )
        return [entry for entry in found if entry_id in entry.predecessors]

    def due(
        self, now: float, *, limit: int = 20, only: Collection[str] | None = None
    ) -> list[Entry]:
        """Return open entries whose time has come, newest evaluation first.

        Entries that another living process works on are left out.

        Args:
            now: Epoch seconds.
            limit: Entries at most.
            only: Content ids to keep to; then nothing waits for its time.
        """
        others = _joined(self._others())
        if only is None:
            return self._all(
                _SELECT_OPEN + f" WHERE {_DUE}"
                " AND instr(?, ';' || owner || ';') = 0"
                " ORDER BY sort_ms DESC, id LIMIT ?",
                (now, now + LONGEST_WAIT_S, others, limit),
            )
        found: list[Entry] = []
        for content_id in only:
            found += self._all(
                _SELECT_OPEN + " WHERE content_id=? AND instr(?, ';' || owner || ';') = 0",
                (content_id, others),
            )
        return sorted(found, key=lambda entry: (-entry.plan.started_ms, entry.entry_id))[:limit]

    def open_ids(self) -> list[int]:
        """Return the ids of open entries that log a new run, newest evaluation first."""
        rows = self._read("SELECT id FROM open_entries WHERE action='log' ORDER BY sort_ms DESC")
        return [integer(row[0]) for row in rows]

    def plan(self, entry_id: int) -> RunPlan | None:
        """Return the plan of an entry without its artifacts, or None when there is no entry."""
        rows = self._read("SELECT plan FROM entries WHERE id=?", (entry_id,))
        return plan_of(rows[0][0]) if rows else None

    def open_count(self) -> int:
        """Return the number of open entries."""
        return integer(self._read("SELECT COUNT(*) FROM open_entries")[0][0])

    def next_due(self) -> float | None:
        """Return the epoch second when the next open entry is due, or None when there is none.

        What another living process works on is looked at again after OTHERS_LOOK_S.
        """
        others = self._others()
        value = self._read(
            "SELECT MIN(CASE WHEN retry_at > ? THEN 0 ELSE retry_at END) FROM open_entries"
            " WHERE instr(?, ';' || owner || ';') = 0",
            (self._clock() + LONGEST_WAIT_S, _joined(others)),
        )[0][0]
        if value is None and others and self.open_count():
            return self._clock() + OTHERS_LOOK_S
        return optional_float(value)

    def standing(self, path: str, content_ids: Sequence[str]) -> Standing | None:
        """Return how far a file with these contents is, or None when no entry stands for them."""
        with self._reading() as db:
            return standing_of_file(db, path, content_ids)

    def _is_anothers(self, owner: str) -> bool:
        return bool(owner) and owner != self._owner and is_alive(owner)

    def _others(self) -> list[str]:
        rows = self._read("SELECT DISTINCT owner FROM open_entries WHERE owner<>''")
        return [owner for row in rows if self._is_anothers(owner := str(row[0]))]

    def _first(self, sql: str, args: Sequence[object]) -> Entry | None:
        found = self._all(sql, args)
        return found[0] if found else None

    def _all(self, sql: str, args: Sequence[object]) -> list[Entry]:
        with self._lock:
            return [self._with_artifacts(row) for row in self._read(sql, args)]

    def _with_artifacts(self, row: Row) -> Entry:
        spool = self._read("SELECT path, local_path, data FROM spool WHERE entry_id=?", (row[0],))
        return entry_of(row, tuple(map(artifact_of, spool)))


def _joined(owners: Sequence[str]) -> str:
    return "".join(f";{owner};" for owner in owners)
