"""Ingest: from a settled file to runs in the store, each report exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.ports import RunSource, RunWriter
from evaltui.domain.run import Run, Tag
from evaltui.domain.stamp import FileStamp
from evaltui.engine.admission import Admission, parse
from evaltui.engine.giving_up import GivingUp
from evaltui.engine.late_companions import LateCompanions
from evaltui.engine.local_runs import LocalRuns
from evaltui.engine.mending import Mending
from evaltui.engine.outcome import IngestSettings, Outcome, ReportFile
from evaltui.engine.shipping import Shipping
from evaltui.engine.steps.machine import Machine
from evaltui.engine.steps.store import Store
from evaltui.engine.twins import Twins
from evaltui.errors import StoreError
from evaltui.ledger.journal import Journal

__all__ = ["IngestSettings", "Ingestor", "Outcome", "ReportFile"]

_TRIM_EVERY = 500


class Ingestor:
    """Takes files, journals their reports and logs them; synchronous, no threads of its own.

    One thread at a time may use it; only `outcome`, `local_runs`, `open_count`, `refusal` and
    `next_due` may be used from others meanwhile. Every method may raise JournalError (disk full,
    damaged journal); nothing else leaves it but programming errors.

    Args:
        journal: Journal of the target and experiment.
        open_source: Opens a reader of the store, at the first need.
        open_writer: Opens a writer of the store, at the first need.
        experiment: Name of the experiment, as `RunWriter.ensure_experiment` takes it.
        settings: What holds for every report.
        clock: Epoch seconds.
        known_runs: Local index: content id to ids of the active runs a poll has seen.
        search_first: Search the store before every create (one-shot commands); with a journal
            that was made just now it is done anyway: the one before may have been lost.
        crash_at: Called with the name of each step (`steps.machine.STEPS`); tests end the process
            there.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        open_source: Callable[[], RunSource],
        open_writer: Callable[[], RunWriter],
        experiment: str,
        settings: IngestSettings | None = None,
        clock: Callable[[], float] = time.time,
        known_runs: Callable[[str], tuple[str, ...]] | None = None,
        search_first: bool = False,
        crash_at: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._journal = journal
        self._settings = settings or IngestSettings()
        self._clock = clock
        self._open_source = open_source
        self._store = Store(open_source, open_writer, experiment)
        self._admission = Admission(journal, self._settings, clock)
        self._twins = Twins(journal, self._store, clock)
        self._mending = Mending(journal, self._store)
        self._giving_up = GivingUp(journal, self._store, read_only=self._settings.read_only)
        self._local_runs = LocalRuns(journal)
        self._companions = LateCompanions(journal, clock)
        self._ignored = 0
        machine = Machine(
            journal,
            self._store,
            known_runs=known_runs or (lambda _: ()),
            search_first=search_first or journal.is_new,
            crash_at=crash_at,
        )
        self._shipping = Shipping(journal, machine, clock, read_only=self._settings.read_only)

    # -- taking files ----------------------------------------------------------------------------

    def take(self, file: ReportFile) -> Outcome:
        """Parse a settled file and journal its reports and its row; no network.

        The journal row of the path is written here, whatever comes out. A companion of a report
        that was logged lately is queued for its run (`attach_companion`).

        Raises:
            FileChangedError: A file that is not held is not what was hashed any more.
            OSError: It cannot be read any more.
        """
        parsed = parse(file, max_whole=self._settings.max_spool_bytes)
        if parsed.outcome is not None:
            return self._without_report(file, parsed.outcome)
        begun = [
            self._admission.begin(file, report, number)
            for number, report in enumerate(parsed.reports)
        ]
        content_ids = tuple(dict.fromkeys(content_id for content_id, _ in begun))
        self._record(file, parsed.recognition.format, parsed.recognition.role, content_ids)
        outcome = self._outcome_of(str(file.file.stamp.path), content_ids)
        if not any(new for _, new in begun) and outcome.state is FileState.FINISHED:
            return _as_known(outcome)
        return outcome

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        """Give a file up until it changes (unreadable, too large, truncated for minutes)."""
        state = FileState.QUARANTINED
        self._journal.record(stamp, root=root, state=state, reason=reason, hint=hint)
        return Outcome(str(stamp.path), state, reason=reason, hint=hint)

    def attach_companion(self, path: str, name: str, data: bytes) -> bool:
        """Queue a companion that came later as an artifact of a report's run.

        Args:
            path: Path of the report.
            name: File name of the companion.
            data: Its bytes.

        Returns:
            Whether it was queued: False when there is no run, it was finished more than ten
            minutes ago, or a companion of this name was attached later or with these very bytes.
        """
        return self._companions.attach(path, name, data)

    def _without_report(self, file: ReportFile, outcome: Outcome) -> Outcome:
        """Record a file that is no report itself."""
        attached = ""
        if outcome.role is FileRole.COMPANION and file.file.held:
            attached = self._companions.attach_found(file.file.stamp.path, file.file.data)
        self._journal.record(
            file.file.stamp,
            root=file.root,
            state=outcome.state,
            reason=outcome.reason,
            hint=outcome.hint,
            fmt=outcome.format,
            role=outcome.role,
            sha256=file.file.sha256,
            listed=outcome.listed,
            parts=(attached,) if attached else (),
        )
        if outcome.state is FileState.IGNORED:
            self._ignored += 1
            if self._ignored % _TRIM_EVERY == 0:
                self._journal.trim_ignored()
        return outcome

    def _record(
        self, file: ReportFile, fmt: str, role: FileRole, content_ids: tuple[str, ...]
    ) -> None:
        path = str(file.file.stamp.path)
        whole = self._journal.standing(path, content_ids)
        self._journal.record(
            file.file.stamp,
            root=file.root,
            state=FileState.PARSED if whole is None else whole.state,
            reason="" if whole is None else whole.reason,
            hint="" if whole is None else whole.hint,
            fmt=fmt,
            role=role,
            sha256=file.file.sha256,
            run_ids=() if whole is None else whole.run_ids,
            retry_at=None if whole is None else whole.retry_at,
            parts=content_ids,
        )

    # -- logging ---------------------------------------------------------------------------------

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
        """Log entries whose time has come, newest evaluation first; the only method that is slow.

        Args:
            limit: Entries at most.
            only: Content ids to keep to (`Outcome.content_ids`); their waiting times are ignored.

        Returns:
            One outcome per entry worked on. None when the store is being left alone after a
            failure, or everything due is in the hands of another process.
        """
        worked_on = self._shipping.ship(limit=limit, only=only)
        return [self._outcome_of(entry.path, (entry.content_id,)) for entry in worked_on]

    def outcome(self, path: str) -> Outcome | None:
        """Return what the journal says about a path now (another process may be at work)."""
        row = self._journal.file(path)
        if row is None:
            return None
        return Outcome(
            path=row.path,
            state=row.state,
            run_ids=row.run_ids,
            format=row.format,
            role=row.role,
            reason=row.reason,
            hint=row.hint,
            content_ids=self._journal.parts(path),
            retry_at_s=row.retry_at_s,
        )

    def _outcome_of(self, path: str, content_ids: tuple[str, ...]) -> Outcome:
        found = self.outcome(path)
        if found is not None and set(content_ids) <= set(found.content_ids):
            return found
        whole = self._journal.standing(path, content_ids)
        if whole is None:
            return Outcome(path, FileState.PARSED, content_ids=content_ids)
        return Outcome(
            path,
            whole.state,
            whole.run_ids,
            reason=whole.reason,
            hint=whole.hint,
            content_ids=content_ids,
            retry_at_s=whole.retry_at,
        )

    def retry(self, path: str) -> bool:
        """Try a quarantined report again; False when its file has to be taken for that.

        So it is with a report whose run was deleted, which is not made again by itself.
        """
        found = False
        for content_id in self._journal.parts(path):
            entry = self._journal.active_entry(content_id)
            if entry is not None and entry.state is FileState.QUARANTINED:
                self._journal.reopen(entry.entry_id)
                found = True
            elif entry is not None and entry.state is FileState.DELETED:
                self._journal.deactivate(entry.entry_id, FileState.DELETED)
        return found

    def ignore(self, path: str) -> str:
        """Leave a path alone until it is retried; see GivingUp.

        Raises:
            StoreError: A half-written run of it could not be deleted.
        """
        return self._giving_up.ignore(path)

    def mend(self, path: str) -> str:
        """Look whether a logged path is in the store as it was written; see Mending.

        Raises:
            StoreError: The store does not answer, or refuses.
        """
        return self._mending.mend(path)

    def hurry(self) -> None:
        """Make everything that waits for the store due now."""
        self._shipping.hurry()

    def recover(self) -> int:
        """Free what dead processes left claimed; return the number of open entries. At start."""
        self._journal.release_dead()
        self._journal.shrink()
        return self._journal.open_count()

    def note_deleted(self, run_ids: Collection[str]) -> None:
        """Note that a poll saw runs deleted: their reports are not logged again by themselves.

        A run that another machine deleted as a twin is replaced by the one that stays.
        """
        for run_id in run_ids:
            entry = self._journal.entry_of_run(run_id)
            if entry is None or entry.state is not FileState.FINISHED:
                continue
            try:
                run = self._store.source.get_run(run_id)
            except StoreError:
                continue  # a later sweep tells it again
            if run is not None and run.active:
                continue
            winner = "" if run is None else run.tags.get(Tag.DUPLICATE_OF, "")
            if winner:
                self._journal.mark_entry(entry.entry_id, FileState.FINISHED, run_id=winner)
            else:
                self._journal.mark_entry(entry.entry_id, FileState.DELETED)

    def reconcile(self, runs: Iterable[Run] | None = None) -> tuple[str, ...]:
        """Delete twins (softly): runs of one content that a lost answer or another machine made.

        Args:
            runs: Active runs of the experiment; None lists the store.

        Returns:
            Ids of the runs that were deleted. Failures of the store end it early, quietly: the
            next call goes on.
        """
        if self._settings.read_only:
            return ()
        try:
            return self._twins.clear(self._listing() if runs is None else runs)
        except StoreError:
            return ()

    def clear_twins(self, contents: Iterable[str]) -> tuple[str, ...]:
        """Do as `reconcile` for a few contents, whose runs the store is asked for now.

        Raises:
            StoreError: The store failed for some; the others were dealt with.
        """
        found: list[Run] = []
        failed: StoreError | None = None
        for content in () if self._settings.read_only else contents:
            try:
                found += self._store.source.find_runs(content)
            except StoreError as error:
                failed = error
        cleared = self._twins.clear(found)
        if failed is not None:
            raise failed
        return cleared

    def _listing(self) -> list[Run]:
        source = self._open_source()  # a fresh one tells everything
        try:
            return [run for batch in source.changes() for run in batch.runs]
        finally:
            source.close()

    def local_runs(self) -> list[Run]:
        """Return unfinished reports as runs: id `local:<entry>`, status PENDING, newest first."""
        return self._local_runs.runs()

    @property
    def refusal(self) -> tuple[str, str]:
        """Why the store takes no report until a person acts, and what to do; "" and "" for none."""
        return self._shipping.refusal

    def open_count(self) -> int:
        """Return the number of runs, changes and companions still to be written."""
        return self._journal.open_count()

    def next_due(self) -> float | None:
        """Return the epoch second at which `log_due` will have work, or None."""
        return self._shipping.next_due()

    def close(self) -> None:
        """Close the source, if it was opened."""
        self._store.close()


def _as_known(outcome: Outcome) -> Outcome:
    """Return the outcome of a report that was logged before, at the same path."""
    if outcome.reason:
        return outcome
    return Outcome(
        path=outcome.path,
        state=FileState.DUPLICATE,
        run_ids=outcome.run_ids,
        format=outcome.format,
        role=outcome.role,
        reason=f"already logged as run {', '.join(outcome.run_ids)}",
        content_ids=outcome.content_ids,
    )
