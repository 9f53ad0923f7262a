"""The watcher: finds reports below the watched roots and hands each over once it has settled.

Synchronous steps of at most about 50 ms; only the listener for file events has a thread. Events
are hints, scans find what they miss.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from evaltui import readers
from evaltui.domain.events import WatchRole, WatchStatus
from evaltui.domain.stamp import FileStamp
from evaltui.engine.backlog import Candidate
from evaltui.engine.events import FileEvents
from evaltui.engine.figures import Figures
from evaltui.engine.intake import Intake
from evaltui.engine.outcome import Outcome
from evaltui.engine.progress import Progress
from evaltui.engine.recall import Recall
from evaltui.engine.roles import Roles
from evaltui.engine.roots import WatchRoot, merge_roots, owner_of
from evaltui.engine.scan import Gone, Scanner, ScanResult
from evaltui.engine.schedule import ScanSchedule
from evaltui.engine.taker import Taker
from evaltui.engine.trouble_rows import TroubleRows
from evaltui.engine.vantage import Vantage
from evaltui.engine.watch_settings import WatchSettings
from evaltui.errors import JournalError
from evaltui.ledger.journal import Journal

__all__ = ["WatchSettings", "Watcher"]

SLICE_S = 0.05
"""Seconds a step works on files before it lets others have their turn."""
MAX_OPEN = 500
"""While so many runs are still to be written, no more of the backlog is read."""


class Watcher:
    """Watches roots; one thread uses it, but `wake`, which any may call.

    Args:
        roots: What is watched.
        journal: Journal of the target and experiment.
        ingestor: Takes the files that have settled.
        state_dir: Where the lock files are. None is the journal's directory: watchers of other
            targets are not kept out then.
        settings: How files are watched.
        clock: Epoch seconds.
        monotonic: Seconds that never go back.

    Raises:
        ConfigError: A root is given with two modes, or the backlog setting is wrong.
    """

    def __init__(
        self,
        roots: Sequence[WatchRoot],
        journal: Journal,
        ingestor: Taker,
        *,
        state_dir: Path | None = None,
        settings: WatchSettings | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = settings or WatchSettings()
        self._journal = journal
        self._ingestor = ingestor
        self._monotonic = monotonic
        self._roots: tuple[WatchRoot, ...] = ()
        self._untried: set[WatchRoot] = set()
        self._unscanned: set[WatchRoot] = set()
        self._stale = False
        self._woken = threading.Event()
        self._roles = Roles(state_dir or journal.directory, monotonic)
        self._scanner = Scanner((), wants_dot=readers.wants_dot, file_name=readers.has_report_name)
        self._recall = Recall(journal)
        self._intake = Intake(
            journal,
            ingestor,
            settings=settings,
            owner=self._owner,
            clock=clock,
            monotonic=monotonic,
        )
        self._trouble = TroubleRows(journal)
        self._schedule = ScanSchedule(monotonic, clock)
        self._vantage = Vantage(FileEvents(self.wake), monotonic, use_events=settings.events)
        self._figures = Figures(journal, monotonic)
        self._mode = settings.mode
        self._add(roots)

    # -- turns -----------------------------------------------------------------------------------

    def step(self) -> list[Outcome]:
        """Do one turn: locks, looks and scans that are due, files that have settled.

        Returns:
            What became of files in this turn; files that settle on are not among them.

        Raises:
            JournalError: The journal cannot be read or written; the next step goes on where this
                one stopped.
        """
        outcomes: list[Outcome] = []
        self._take_roles()
        self._find(outcomes)
        self._work(outcomes)
        old = self._intake.queue.old
        self._figures.note(old, self._ingestor.open_count() if self._figures.counts_on(old) else 0)
        return outcomes

    def wait(self, timeout_s: float) -> None:
        """Wait for an event, for something that is due, or for `wake`; at most `timeout_s`.

        Where only a look is due whether the roots are still there, it is taken, and the wait goes
        on unless one is not: a step costs ten times as much.
        """
        end = self._monotonic() + timeout_s
        while True:
            left_s = min(self._next_at(), end) - self._monotonic()
            if self._woken.wait(max(0.0, left_s)) or self._monotonic() >= end:
                break
            if self._next_at(looking=False) <= self._monotonic() or self._roots_moved():
                break
        self._woken.clear()

    def wake(self) -> None:
        """End a wait, or the next one."""
        self._woken.set()

    def add_root(self, root: WatchRoot) -> None:
        """Watch one more root.

        Raises:
            ConfigError: It is watched already, with another mode.
        """
        self._add((*self._roots, root))

    def retry(self, path: str) -> None:
        """Read a path again, whatever the journal knows of it, and try its runs now.

        Raises:
            JournalError: The journal cannot be written.
        """
        if self._ingestor.retry(path):
            return
        heeded = self._journal.heed(path)
        self._scanner.forget([Path(path)])
        found = self._scanner.look([path])
        for stamp in found.new_or_changed:
            self._intake.settle.drop(stamp.path)
            self._intake.queue.put(Candidate(stamp, asked=True))
        if heeded and not found.new_or_changed:
            self._intake.gone(Path(path))
        self.wake()

    def ignore(self, path: str) -> None:
        """Wait for a path no longer: the journal says that a person gave it up."""
        self._intake.ignore(Path(path))

    def close(self) -> None:
        """Give the locks back and stop listening; waits for nobody."""
        self._vantage.close()
        self._roles.release()
        self.wake()

    # -- what is going on ------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether everything that is there was seen, and nothing can be done before a change.

        A backlog that waits for the store counts as idle: the ingestor has work then. So do files
        that stay incomplete or unreadable for seconds; they are tried again all the same.
        """
        if self._untried or self._unscanned or not self._intake.settle.stuck:
            return False
        first = self._intake.queue.first()
        return first is None or (first.old and self._is_full())

    def progress(self) -> list[Progress]:
        """Return how far evaluations are that write one file per app."""
        return self._intake.cases.all()

    def status(self) -> WatchStatus:
        """Return the watch in figures.

        Raises:
            JournalError: The journal cannot be read.
        """
        counts = self._figures.counts(tuple(str(root.path) for root in self._roots))
        held, others = self._roles.held, self._roles.watchers()
        role = WatchRole.WATCHER if held else WatchRole.VIEWER
        return WatchStatus(
            roots=tuple(str(root) for root in self._roots),
            role=role if self._roots and not self._untried else WatchRole.NONE,
            watcher_pid=next(filter(None, others.values()), None) if not held else None,
            logged=counts.get("logged", 0),
            pending=counts.get("pending", 0),
            failed=counts.get("failed", 0),
            ignored=counts.get("ignored", 0),
            events=self._vantage.describe(self._schedule.interval_s, others) if held else "",
            backlog=self._figures.backlog,
            backlog_rate=self._figures.rate,
            backlog_skipped=counts.get("skipped", 0),
        )

    # -- roots -----------------------------------------------------------------------------------

    def _add(self, wanted: Sequence[WatchRoot]) -> None:
        roots = tuple(replace(root, mode=root.mode or self._mode) for root in merge_roots(wanted))
        self._untried |= set(roots) - set(self._roots)
        self._roots = roots
        self._roles.add(roots)
        self.wake()

    def _owner(self, path: Path) -> WatchRoot | None:
        root = owner_of(path, self._roots)
        return root if root in self._roles.held else None

    def _take_roles(self) -> None:
        gained = self._roles.take()
        # Only what a root holds when its watch begins is backlog, not what a watcher that ended
        # has left: that one has made the choice.
        self._unscanned |= self._untried & set(gained)
        self._untried = set()
        held = self._roles.held
        if self._roots_moved() or gained:
            self._stale = True
        if self._stale:
            known = self._recall.known(held)
            self._scanner.set_roots(())
            self._scanner.set_roots(held)
            self._scanner.remember(known)
            self._trouble.adopt(self._recall.troubles)
            self._schedule.request()
            self._stale = False

    def _roots_moved(self) -> bool:
        """Look, if it is time to, whether a root is another directory; the next step heeds it."""
        moved = self._vantage.moved([root.path for root in self._roles.held])
        self._stale = self._stale or moved
        return moved

    # -- finding ---------------------------------------------------------------------------------

    def _find(self, outcomes: list[Outcome]) -> None:
        if not self._roles.held:
            return
        changes = self._vantage.events.drain()
        if changes.scan or self._intake.lost:
            self._schedule.request()
            self._intake.lost = False
        if self._schedule.due():
            self._scan(outcomes)
        elif changes.paths:
            self._apply(self._scanner.look(changes.paths), outcomes)
        if self._intake.settle.restat_due():
            self._restat()

    def _scan(self, outcomes: list[Outcome]) -> None:
        result = self._scanner.scan()
        self._vantage.scanned(result.leaks, result.folders)
        self._schedule.done(
            seconds=result.seconds, files=result.total_files, events=self._vantage.hears
        )
        begun = {r for r in self._unscanned if r.path not in result.missing_roots}
        self._unscanned = set()
        self._apply(result, outcomes, begun)
        self._figures.begin(self._intake.queue.old)
        for path in (*self._intake.settle, *self._recall.unfinished):
            if self._scanner.stamp(path) is None and self._owner(path) is not None:
                outcomes += filter(None, [self._intake.gone(path)])
        self._recall.unfinished.clear()
        outcomes += self._trouble.show(result, self._owner)

    def _apply(
        self,
        result: ScanResult,
        outcomes: list[Outcome],
        begun: frozenset[WatchRoot] | set[WatchRoot] = frozenset(),
    ) -> None:
        for stamp in result.new_or_changed:
            old = bool(begun) and self._is_old(stamp, begun)
            self._intake.found(stamp, placed=stamp.path in result.placed, old=old)
        try:
            self._follow(result, outcomes)
        except JournalError:
            self._scanner.forget(new for _, new in result.renamed)  # to be read instead
            raise

    def _follow(self, result: ScanResult, outcomes: list[Outcome]) -> None:
        for old, new in result.renamed:
            stamp = self._scanner.stamp(new)
            if stamp is not None:
                outcomes += filter(None, [self._intake.renamed(old, stamp)])
        for path in result.vanished:
            outcomes += filter(None, [self._intake.gone(path)])

    def _is_old(self, stamp: FileStamp, begun: frozenset[WatchRoot] | set[WatchRoot]) -> bool:
        if stamp.path in self._recall.unfinished:
            return False
        return len(begun) == len(self._roots) or self._owner(stamp.path) in begun

    def _restat(self) -> None:
        for found in self._scanner.restat(list(self._intake.settle)):
            if isinstance(found, Gone):
                self._schedule.request()  # only a scan tells whether it was renamed
            elif found != self._intake.settle.get(found.path):
                self._intake.found(found)

    # -- working ---------------------------------------------------------------------------------

    def _work(self, outcomes: list[Outcome]) -> None:
        end = self._monotonic() + SLICE_S
        for stamp in self._intake.due():
            outcomes += filter(None, [self._intake.take(stamp)])
            if self._monotonic() > end:
                return
        queue, full = self._intake.queue, self._is_full()
        while (candidate := queue.first()) is not None and not (candidate.old and full):
            outcomes += filter(None, [self._intake.look_into(candidate)])
            queue.finish(candidate)
            if self._monotonic() > end:
                return

    def _is_full(self) -> bool:
        return self._intake.queue.old > 0 and self._ingestor.open_count() >= MAX_OPEN

    def _next_at(self, *, looking: bool = True) -> float:
        """Return when something is to be done, on the monotonic clock; inf without an idea.

        Args:
            looking: Whether to look for roots that are gone or others counts.
        """
        first = self._intake.queue.first()
        if first is not None and not (first.old and self._is_full()):
            return self._monotonic()
        times = [self._roles.next_at]
        if self._roles.held:
            times += [self._schedule.next_at, self._intake.settle.next_due()]
            times += [self._vantage.next_at] if looking else []
        return min((at for at in times if at is not None), default=math.inf)
