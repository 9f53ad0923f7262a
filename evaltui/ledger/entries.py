"""The journal's entries: what is to be written to the store, and how far it is.

At most one active entry stands for a content, so two processes that meet the same report cannot
both begin it; a claim, which a dead process cannot keep, decides who works on an entry.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.ledger.database import storable
from evaltui.ledger.files import leave_alone
from evaltui.ledger.follow import follow
from evaltui.ledger.kept import LARGE_BYTES
from evaltui.ledger.lookups import Lookups
from evaltui.ledger.owner import is_alive
from evaltui.ledger.records import Entry, NewEntry, pack_plan

_INSERT = (
    "INSERT INTO entries (content_id, item, path, file_sha256, format, kind, evaluation_id,"
    " values_digest, mode, mode_source, action, state, unclear, run_id, predecessors, joined,"
    " attached, plan, error, created_at, sort_ms, owner)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id"
)


class Entries(Lookups):
    """The part of a journal that is about entries."""

    def begin(self, new: NewEntry, *, replaces: int | None = None) -> Entry | None:
        """Write an entry with everything its run needs, durably.

        Args:
            new: The entry.
            replaces: Id of the active entry of the same content that this one takes the place of.

        Returns:
            The entry, or None when another process began one for this content in the meantime.
        """
        with self._write(durable=True) as db:
            if replaces is not None:
                taken = db.execute(
                    "UPDATE entries SET active=0, owner='', state=? WHERE id=? AND active=1",
                    (FileState.SUPERSEDED.value, replaces),
                ).rowcount
                if not taken:
                    return None
                db.execute("DELETE FROM spool WHERE entry_id=?", (replaces,))
            elif db.execute(
                "SELECT 1 FROM entries WHERE content_id=? AND active=1", (new.content_id,)
            ).fetchone():
                return None
            entry_id = self._insert(db, new)
            self._follow(db, (new.content_id, new.joined))
        if replaces is not None:
            self._clear_kept()
        return self.entry(entry_id)

    def claim(self, entry_id: int) -> bool:
        """Make this process the only one that works on an entry; False when another lives on it."""
        with self._write() as db:
            row = db.execute(
                "SELECT owner FROM entries WHERE id=? AND active=1", (entry_id,)
            ).fetchone()
            if row is None or self._is_anothers(str(row[0])):
                return False
            db.execute("UPDATE entries SET owner=? WHERE id=?", (self._owner, entry_id))
        return True

    def release(self, entry_id: int) -> None:
        """Give a claim up."""
        with self._write() as db:
            db.execute(
                "UPDATE entries SET owner='' WHERE id=? AND owner=?", (entry_id, self._owner)
            )

    def release_dead(self) -> int:
        """Free the entries that dead processes had claimed; return how many."""
        freed = 0
        with self._write() as db:
            owners = db.execute("SELECT DISTINCT owner FROM entries WHERE owner <> ''").fetchall()
            for (owner,) in owners:
                if not is_alive(str(owner)):
                    freed += db.execute(
                        "UPDATE entries SET owner='' WHERE owner=?", (owner,)
                    ).rowcount
        return freed

    def advance(
        self,
        entry_id: int,
        state: FileState,
        *,
        run_id: str | None = None,
        unclear: bool | None = None,
        plan: RunPlan | None = None,
        durable: bool = False,
    ) -> bool:
        """Note that an entry this process has claimed has come to `state`.

        The spool of a finished one is dropped, and its claim.

        Returns:
            False when it is no longer this process's: another entry took its place.
        """
        done = state is FileState.FINISHED
        with self._write(durable=durable) as db:
            changed = db.execute(
                "UPDATE entries SET state=?, run_id=COALESCE(?, run_id),"
                " unclear=COALESCE(?, unclear), plan=COALESCE(?, plan), error='', hint=''"
                " WHERE id=? AND active=1 AND owner=?",
                (
                    state.value,
                    run_id,
                    None if unclear is None else int(unclear),
                    None if plan is None else pack_plan(plan),
                    entry_id,
                    self._owner,
                ),
            ).rowcount
            if done and changed:
                db.execute("DELETE FROM spool WHERE entry_id=?", (entry_id,))
                db.execute(
                    "UPDATE entries SET owner='', retry_at=0, finished_at=? WHERE id=?",
                    (self._clock(), entry_id),
                )
            self._follow_entry(db, entry_id)
        if done:
            self._clear_kept()
        return bool(changed)

    def postpone(
        self,
        entry_id: int,
        *,
        error: str,
        hint: str,
        retry_at: float,
        unclear: bool | None = None,
        failed: bool = True,
    ) -> None:
        """Note why and until when an entry waits; the claim is given up.

        Args:
            entry_id: The entry.
            error: One line why.
            hint: One line what to do, or "".
            retry_at: Epoch seconds of the next try.
            unclear: Whether the store may hold a run of it now; None leaves what is known.
            failed: Whether it counts as a failed try.
        """
        with self._write() as db:
            values = (
                error, hint, retry_at, int(failed), None if unclear is None else int(unclear),
                entry_id,
            )  # fmt: skip
            db.execute(
                "UPDATE entries SET error=?, hint=?, retry_at=?, attempts=attempts+?, owner='',"
                " unclear=COALESCE(?, unclear) WHERE id=?",
                tuple(map(storable, values)),
            )
            self._follow_entry(db, entry_id)

    def note(self, entry_id: int, error: str) -> None:
        """Say why an open entry waits, without making it wait."""
        with self._write() as db:
            db.execute("UPDATE entries SET error=? WHERE id=?", (storable(error), entry_id))
            self._follow_entry(db, entry_id)

    def fail(self, entry_id: int, *, error: str, hint: str) -> None:
        """Quarantine an entry: it waits for a person, with its bytes."""
        with self._write(durable=True) as db:
            db.execute(
                "UPDATE entries SET state=?, error=?, hint=?, owner='', retry_at=0 WHERE id=?",
                (FileState.QUARANTINED.value, storable(error), storable(hint), entry_id),
            )
            self._follow_entry(db, entry_id)

    def reopen(self, entry_id: int, state: FileState = FileState.QUARANTINED) -> None:
        """Let an entry in this state, quarantined or finished, start again with its run."""
        with self._write() as db:
            db.execute(
                "UPDATE entries SET state=?, error='', hint='', attempts=0, retry_at=0, unclear=1,"
                " created_at=? WHERE id=? AND active=1 AND state=?",
                (FileState.PARSED.value, self._clock(), entry_id, state.value),
            )
            self._follow_entry(db, entry_id)

    def mark_entry(self, entry_id: int, state: FileState, *, run_id: str | None = None) -> None:
        """Give a finished entry another final state (DELETED), or another run."""
        with self._write(durable=True) as db:
            db.execute(
                "UPDATE entries SET state=?, run_id=COALESCE(?, run_id), owner='' WHERE id=?",
                (state.value, run_id, entry_id),
            )
            self._follow_entry(db, entry_id)

    def deactivate(self, entry_id: int, state: FileState) -> None:
        """Take an entry out of the account (superseded, deleted by a person, given up)."""
        with self._write(durable=True) as db:
            db.execute(
                "UPDATE entries SET active=0, state=?, owner='' WHERE id=?", (state.value, entry_id)
            )
            db.execute("DELETE FROM spool WHERE entry_id=?", (entry_id,))
            self._follow_entry(db, entry_id)
        self._clear_kept()

    def ignore(self, path: str, entry_ids: Iterable[int] = ()) -> None:
        """Leave a path alone until `heed`: a person gave it up. All of it is kept, or nothing.

        Args:
            path: The path; an unknown one is no error.
            entry_ids: Entries this process has claimed, which leave the account with it. The
                finished entry whose place one of them took, if any, stands for the content again.
        """
        with self._write(durable=True) as db:
            for entry_id in entry_ids:
                self._take_out(db, entry_id)
            leave_alone(db, path, self._next_seq(db), self._clock())
        self._clear_kept()

    def _take_out(self, db: sqlite3.Connection, entry_id: int) -> None:
        row = db.execute(
            "UPDATE entries SET active=0, state=?, owner='' WHERE id=? AND active=1 AND owner=?"
            " RETURNING content_id",
            (FileState.IGNORED.value, entry_id, self._owner),
        ).fetchone()
        if row is None:
            return
        db.execute("DELETE FROM spool WHERE entry_id=?", (entry_id,))
        before = db.execute(
            "SELECT id FROM entries WHERE content_id=? AND id<? AND active=0 AND state=?"
            " AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1",
            (row[0], entry_id, FileState.SUPERSEDED.value),
        ).fetchone()
        if before is not None and not _is_replaced(db, before[0]):
            db.execute(
                "UPDATE entries SET active=1, state=? WHERE id=?",
                (FileState.FINISHED.value, before[0]),
            )
        self._follow_entry(db, entry_id)

    def drop_artifact(self, entry_id: int, path: str) -> None:
        """Forget one artifact of an entry: it cannot be uploaded any more."""
        with self._write() as db:
            db.execute("DELETE FROM spool WHERE entry_id=? AND path=?", (entry_id, storable(path)))

    def rename_artifact(self, entry_id: int, path: str, new: str) -> None:
        """Give one artifact of an entry another path, which no other has."""
        with self._write() as db:
            db.execute(
                "UPDATE spool SET path=? WHERE entry_id=? AND path=?",
                (storable(new), entry_id, storable(path)),
            )

    def hurry(self, path: str | None = None) -> None:
        """Make waiting entries due now: all, or those of one path."""
        with self._write() as db:
            if path is None:
                db.execute(
                    "UPDATE entries SET retry_at=0 WHERE id IN (SELECT id FROM open_entries)"
                )
            else:
                db.execute(
                    "UPDATE entries SET retry_at=0"
                    " WHERE path=? AND id IN (SELECT id FROM open_entries)",
                    (storable(path),),
                )

    def _insert(self, db: sqlite3.Connection, new: NewEntry) -> int:
        now = self._clock()
        values = (
            new.content_id, new.item, new.path, new.file_sha256, new.format, new.kind,
            new.evaluation_id, new.values_digest, new.mode, new.mode_source, new.action.value,
            FileState.PARSED.value, int(new.unclear), new.run_id,
            " ".join(map(str, new.predecessors)), new.joined, "\n".join(new.attached),
            pack_plan(new.plan), new.error, now, new.plan.started_ms, "",
        )  # fmt: skip
        row = db.execute(_INSERT, tuple(map(storable, values))).fetchone()
        db.executemany(
            "INSERT OR REPLACE INTO spool VALUES (?,?,?,?)",
            [(row[0], *self._spooled(file)) for file in new.plan.artifacts],
        )
        return int(row[0])

    def _spooled(self, file: ArtifactFile) -> tuple[object, object, bytes | None]:
        """Return path, local path and data of an artifact as `spool` has them."""
        local, data = file.local_path, file.data
        if data is not None and len(data) > LARGE_BYTES:
            local, data = self._kept.keep(data), None
        return storable(file.path), None if local is None else storable(str(local)), data

    def _follow_entry(self, db: sqlite3.Connection, entry_id: int) -> None:
        row = db.execute("SELECT content_id, joined FROM entries WHERE id=?", (entry_id,))
        self._follow(db, next(row, ()))

    def _follow(self, db: sqlite3.Connection, content_ids: Iterable[str]) -> None:
        follow(db, filter(None, content_ids), self._next_seq(db), self._clock())


def _is_replaced(db: sqlite3.Connection, entry_id: int) -> bool:
    """Return whether a finished entry stands in the place of this one."""
    found = db.execute(
        "SELECT 1 FROM entries WHERE finished_at IS NOT NULL AND predecessors<>''"
        " AND instr(' ' || predecessors || ' ', ?)",
        (f" {entry_id} ",),
    )
    return found.fetchone() is not None
