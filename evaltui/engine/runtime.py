"""The engine: what ingests, what follows the store and what tells of it, each on its thread.

The same object runs in the engine process of the screen and in headless commands. Threads wait
for events and for the next thing that is due; an idle engine uses next to no time.

- ingest: watcher and ingestor, one report at a time.
- query: the poller; a store that hangs holds up nothing else.
- tell: journal and unfinished reports to events. When the reader of the events is stopped, this
  one waits for it, and the ingest goes on.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.domain.events import FileState, Notice, StoreState, StoreStatus, WatchRole
from evaltui.domain.ports import RunSource
from evaltui.domain.recalled import Recalled
from evaltui.domain.run import LOCAL_PREFIX
from evaltui.domain.table import RunDelta
from evaltui.engine.crew import Crew
from evaltui.engine.feed import Feed
from evaltui.engine.ingest_loop import IngestLoop
from evaltui.engine.link import Event, Reply, Request, RunsChanged, StoreChanged
from evaltui.engine.local_rows import LocalRows
from evaltui.engine.loop import Bell, Loop
from evaltui.engine.mirroring import Mirror, Mirroring
from evaltui.engine.parts import Ingest, KnownRuns, Store, Watch
from evaltui.engine.poll import Poller
from evaltui.engine.requests import SLOW, Controls, Desk, Lanes
from evaltui.engine.sync import Sync
from evaltui.engine.telling import TELL_S, Telling
from evaltui.errors import EvaltuiError
from evaltui.ledger.journal import Journal
from evaltui.memory import give_back

if TYPE_CHECKING:
    from evaltui.engine.comparing import Comparer

_READ_GRACE_S = 1.0
"""How long the end waits for threads that have nothing to lose."""

_log = logging.getLogger(__name__)


class Engine:
    """Watches, ingests, follows the store, and answers; safe to be used from any thread.

    Args:
        store: The tracking target.
        journal: The journal of target and experiment; closed by `stop`.
        make_ingestor: Makes the ingestor, given who knows the runs of a content.
        make_watcher: Makes the watcher, given the ingestor.
        emit: Called with every event, from several threads.
        cwd: Directory that relative paths in requests start from.
        watches: Whether there is something to watch from the beginning; if not, ingestor and
            watcher are made when they are first wanted.
        make_comparer: Makes what reads the cases of runs, at the first comparison; default: one
            that keeps them in memory only.
        mirror: Where whole listings are kept for the next start; None: nowhere.
        shown: What the reader of the events shows already, if it is of this target.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        *,
        make_ingestor: Callable[[KnownRuns], Ingest],
        make_watcher: Callable[[Ingest], Watch],
        emit: Callable[[Event], None],
        cwd: Path,
        watches: bool = True,
        make_comparer: Callable[[], Comparer] | None = None,
        mirror: Mirror | None = None,
        shown: Recalled | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._mirroring = Mirroring(mirror) if mirror is not None else None
        self._journal = journal
        self._emit = emit
        self._stop = threading.Event()
        self._query_bell = Bell()
        self._begun = threading.Event()
        self._settled = False
        self._mirror_at = -math.inf
        self._last_state = StoreState.CONNECTING
        self._twins: frozenset[str] = frozenset()
        self._search: RunSource | None = None
        self._told_hinders = dict.fromkeys(("missing_folder", "write_error", "write_hint"), "")
        self._asked_who = store.ask_user is None
        merging = threading.RLock()
        resumed = shown if store.resume_source is not None else None
        if self._mirroring is not None and resumed is not None:
            self._mirroring.begin(resumed.table, resumed.status)
        self._poller = Poller(
            store.open_source,
            store.status if shown is None else shown.status,
            resume_source=store.resume_source,
            recalled=resumed,
            publish=self._publish,
            tell=self._tell_store,
            lock=merging,
            sweep_s=store.sweep_s,
            jitter_ratio=store.jitter_ratio,
            stopping=self._stop.is_set,
            clock=clock,
        )
        self._local_rows = LocalRows(
            _pages(emit, shown, resumes=resumed is not None),
            self._poller.known_runs,
            is_logged=self._is_logged,
            lock=merging,
        )
        self._crew = Crew(
            journal, lambda: make_ingestor(self._known_runs), make_watcher, wanted=watches
        )
        self._feed = Feed(journal, self._crew.local_runs, self._local_rows, emit)
        self._telling = Telling(
            self._feed,
            others_wrote=self._others_wrote,
            told=self._tell_what_hinders,
            stop=self._stop,
            polls_often=store.status.poll_interval_s < TELL_S,
        )
        self._ingest = IngestLoop(
            self._crew,
            self._feed,
            begun=self._begun,
            logged=self._include,
            tidied=self._poll_now,
            told=self._telling.tell,
            may_write=not store.status.read_only,
            stop=self._stop,
            clock=clock,
        )
        self._desk = self._make_desk(cwd, make_comparer)
        self._lanes = Lanes(self._desk.answer, emit)
        self._threads = [
            self._loop("ingest", self._ingest.turn, self._ingest.wait),
            self._loop("query", self._query_turn, self._query_bell.wait),
            self._loop("tell", self._telling.turn, self._telling.wait),
        ]

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; returns at once."""
        for thread in self._threads:
            thread.start()

    def begin_stop(self) -> None:
        """Ask the threads to end; returns at once."""
        self._stop.set()
        self._begun.set()
        self._ingest.wake()
        self._query_bell.ring()
        self._telling.wake()

    def stop(self, timeout_s: float) -> bool:
        """End the threads, letting the ingest finish the report at hand.

        Returns:
            Whether the ingest ended in time. If not, it is left as it is: the journal makes that
            safe, and no thread keeps the process alive.
        """
        self.begin_stop()
        started = [thread for thread in self._threads if thread.ident is not None]
        patience_s = timeout_s
        for thread in started:  # the ingest is the first; a read that hangs is not waited for
            thread.join(patience_s)
            patience_s = min(timeout_s, _READ_GRACE_S)
        if any(thread.is_alive() for thread in started):
            return not (started and started[0].is_alive())
        try:
            self._feed.step()
            self._ingest.close()
            self._poller.close()
            if self._mirroring is not None and self._poller.listed:
                self._mirroring.finish(self._poller)
            if self._search is not None:
                self._search.close()
            self._journal.close()
        except EvaltuiError as error:
            _log.warning("at the end: %s", error.message)
        return True

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.is_set()

    @property
    def status(self) -> StoreStatus:
        """How the store is."""
        return self._poller.status

    @property
    def idle(self) -> bool:
        """Whether the ingest has nothing to do now: all files seen, all that can be logged is."""
        return self._ingest.idle

    # -- requests --------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """Answer a request; those of `SLOW` may take seconds."""
        return self._desk.answer(request)

    def submit(self, request: Request) -> None:
        """Answer a request by a Reply event; returns at once."""
        if request.verb in SLOW:
            self._lanes.submit(request)
        else:
            self._emit(self.handle(request))

    def notice(self, notice: Notice) -> None:
        """Have something told to the person."""
        self._feed.notice(notice)
        self._telling.wake()

    def _make_desk(self, cwd: Path, make_comparer: Callable[[], Comparer] | None) -> Desk:
        order = self._ingest.order
        controls = Controls(
            refresh=self._refresh,
            pause=self._pause,
            add_root=lambda root: order(lambda: self._crew.watcher.add_root(root)),
            retry=lambda path: order(lambda: self._retry(path)),
            ignore=lambda path: order(lambda: self._ignore(path)),
            stop=self.begin_stop,
        )
        return Desk(
            controls,
            poller=self._poller,
            journal=self._journal,
            open_source=self._store.open_source,
            open_writer=self._store.open_writer,
            link=self._store.link,
            make_folder=self._store.make_folder,
            cwd=cwd,
            make_comparer=make_comparer,
        )

    def _refresh(self) -> None:
        self._hurry()
        self._poll_now()

    def _hurry(self) -> None:
        """Let reports that wait for the store be tried now, if anything is watched."""
        if self._crew.made or self._crew.wanted:
            self._ingest.order(self._try_now)

    def _try_now(self) -> None:
        self._crew.ingestor.hurry()

    def _retry(self, path: str) -> None:
        self._crew.ingestor.hurry()  # it may be waiting for the store, with all others
        self._crew.watcher.retry(path)

    def _ignore(self, path: str) -> None:
        why = self._crew.ingestor.ignore(path)
        if why:
            self.notice(Notice("warning", f"{path} is not ignored: {why}"))
        else:
            self._crew.watcher.ignore(path)

    def _poll_now(self) -> None:
        self._poller.refresh()
        self._query_bell.ring()

    def _include(self, run_ids: Collection[str]) -> None:
        self._poller.include(run_ids)
        self._query_bell.ring()

    def _pause(self, on: bool) -> None:
        self._poller.pause(on=on)
        self._query_bell.ring()

    # -- query -----------------------------------------------------------------------------------

    def _query_turn(self) -> float:
        self._telling.glance()
        rest_s = self._poller.rest() if time.monotonic() < self._mirror_at else None
        return self._ask_store() if rest_s is None else rest_s

    def _ask_store(self) -> float:
        self._poller.announce()  # target and reason stand on screen before the store answers
        self._poller.step()
        self._begun.set()
        twins = self._poller.twins() if self._poller.confirmed else frozenset()
        if twins != self._twins:
            self._ingest.twins(twins)
        self._twins = twins
        self._find_out_who_we_are()
        due_s = self._poller.due_in()
        if self._poller.listed and not self._settled:
            self._settled = True
            self._poller.pack()
            gc.collect()  # what Python keeps of freed tuples lies among what the pages have left
            give_back()
        self._mirror_at = math.inf
        if self._mirroring is not None and self._poller.listed:
            wait_s = self._mirroring.step(self._poller)
            self._mirror_at = time.monotonic() + wait_s
            due_s = min(due_s, wait_s)
        return due_s

    def _find_out_who_we_are(self) -> None:
        """Ask once, after the first listing and beside the polls: nothing waits for the answer."""
        ask_user = self._store.ask_user
        if self._asked_who or ask_user is None or not self._poller.listed:
            return
        self._asked_who = True

        def ask() -> None:
            try:
                user = ask_user()
            except EvaltuiError as error:
                _log.info("who we are is not known: %s", error.message)  # the doctor tells it
            else:
                self._poller.note(user=user)
                self._query_bell.ring()

        threading.Thread(target=ask, name="evaltui-who", daemon=True).start()

    def _publish(self, delta: RunDelta, reset: bool) -> None:
        if delta.removed and not reset:
            removed = delta.removed
            self._ingest.order(lambda: self._crew.ingestor.note_deleted(removed))
        self._local_rows.store_page(delta, reset)
        self._begun.set()

    def _tell_store(self, status: StoreStatus) -> None:
        if status.state is StoreState.LIVE and self._last_state is StoreState.OFFLINE:
            self._hurry()
        if status.state is not StoreState.BUSY:  # busy after offline: still waiting to be live
            self._last_state = status.state
        self._emit(StoreChanged(status))

    def _known_runs(self, content_id: str) -> tuple[str, ...]:
        """Return who has a content: the local index, or the store while that is not confirmed."""
        if self._poller.confirmed:
            return self._poller.known_runs(content_id)
        if self._search is None:
            self._search = self._store.open_source()
        return tuple(run.run_id for run in self._search.find_runs(content_id))

    # -- tell ------------------------------------------------------------------------------------

    def _others_wrote(self) -> None:
        if self._feed.role is not WatchRole.WATCHER:
            self._ingest.wake()  # another process wrote: the watch has other figures

    def _tell_what_hinders(self) -> None:
        """Tell why reports cannot be written although the store can be read."""
        error, hint = self._crew.refusal
        hinders = {
            "missing_folder": self._store.missing_folder(),
            "write_error": error,
            "write_hint": hint,
        }
        if hinders != self._told_hinders:
            self._told_hinders = hinders
            self._poller.note(**hinders)
            self._query_bell.ring()

    def _is_logged(self, local_id: str) -> bool:
        number = local_id.removeprefix(LOCAL_PREFIX)
        entry = self._journal.entry(int(number)) if number.isdecimal() else None
        return entry is not None and entry.state is FileState.FINISHED

    def _loop(
        self, name: str, turn: Callable[[], float], wait: Callable[[float], None]
    ) -> threading.Thread:
        return Loop(name, turn, wait, stop=self._stop, notice=self.notice).thread()


def _pages(
    emit: Callable[[Event], None], shown: Recalled | None, *, resumes: bool
) -> Callable[[RunDelta, bool], None]:
    """Return what takes the pages for the screen."""

    def tell(delta: RunDelta, reset: bool) -> None:
        emit(RunsChanged(delta, reset))

    if resumes:
        return tell  # the poller goes on from what is on show, and tells what differs
    return Sync(tell, shown.table if shown is not None else None).page
