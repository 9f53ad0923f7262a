"""Following one experiment of a store: listing, polls, sweeps, and who has which content.

The owner's thread calls `step`; the wishes (`refresh`, `pause`, `include`) and the questions
(`known_runs`, `twins`, `status`, `listed`, `run`) may come from any thread.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaltui.domain.events import StoreState, StoreStatus
from evaltui.domain.ports import ResumedSource, RunSource
from evaltui.domain.recalled import Recalled, Remembered, remembered
from evaltui.domain.run import Experiment, Run, RunBatch
from evaltui.domain.run_delta import RunColumns, RunDelta
from evaltui.domain.table import RunTable
from evaltui.domain.table_changes import changed_positions
from evaltui.engine.connection import Connection
from evaltui.engine.contents import runs_of_content, twins
from evaltui.engine.wishes import Wishes
from evaltui.errors import StoreBusyError, StoreError, StoreRejectedError

SWEEP_S = 10.0
_CHEAP_KIND = "sqlite"  # asking for the experiment costs microseconds
_ANSWERING = frozenset({StoreState.LIVE, StoreState.BUSY})


class Poller:
    """Keeps a table of the store's runs up to date and publishes what changes in it.

    Args:
        open_source: Opens the store; called again after a failed listing or a new experiment.
        resume_source: Opens the store to go on from `recalled`; None lists it in full.
        recalled: A listing from before, which the screen shows; its table is this one's from now
            on. Not looked at without `resume_source`.
        status: Target, experiment and interval; what is known before the first answer.
        publish: Called with every page of changes and whether all before it is to be forgotten.
        tell: Called with the status whenever something visible in it changed.
        lock: Held from the moment a page is known until it is published.
        sweep_s: Seconds between sweeps.
        jitter_ratio: Share of the interval by which polls vary.
        stopping: Asked between pages; True leaves a listing unfinished.
        clock: Epoch seconds.
        monotonic: Seconds for the schedule.
        chance: Random number in [0, 1).
    """

    def __init__(
        self,
        open_source: Callable[[], RunSource],
        status: StoreStatus,
        *,
        resume_source: Callable[[], ResumedSource] | None = None,
        recalled: Recalled | None = None,
        publish: Callable[[RunDelta, bool], None],
        tell: Callable[[StoreStatus], None],
        lock: threading.RLock | None = None,
        sweep_s: float = SWEEP_S,
        jitter_ratio: float = 0.0,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.table = RunTable()
        self._open_source = open_source
        self._publish = publish
        self._lock = lock or threading.RLock()
        self._sweep_s = sweep_s
        self._stopping = stopping
        self._monotonic = monotonic
        self._connection = Connection(
            status, tell=tell, jitter_ratio=jitter_ratio, clock=clock, chance=chance
        )
        self._source: RunSource | None = None
        self._changing = threading.Lock()  # the table; nothing is told meanwhile, which may wait
        self._twins: frozenset[str] | None = None
        self._resume_source = resume_source
        self._resumed: ResumedSource | None = None
        self._before: Remembered | None = None
        if resume_source is not None and recalled is not None:
            self.table = recalled.table
            self._before = remembered(self.table, recalled.status.data_at_s or 0.0)
        self._experiment: Experiment | None = None
        self._experiment_tags: Mapping[str, str] = {}
        self._listed = False
        self._looked = False
        self._version_before = 0  # of the table, when the listing began
        self._next_poll = monotonic()
        self._next_sweep = self._next_poll + sweep_s
        self._wishes = Wishes()

    # -- questions and wishes, from any thread -------------------------------------------------

    @property
    def status(self) -> StoreStatus:
        """How the store is."""
        return self._connection.status

    @property
    def listed(self) -> bool:
        """Whether the whole experiment is known, though parts may be as a session before left them.

        `confirmed` tells whether they are.
        """
        return self._listed

    @property
    def confirmed(self) -> bool:
        """Whether the store has told of every run: then `known_runs` can be believed.

        A listing from before knows nothing of runs that were dated back since, such as those of
        old reports that somebody logged elsewhere.
        """
        return self._listed and self._before is None

    def announce(self) -> None:
        """Tell the status as it is, if it was not told yet."""
        self._connection.announce()

    def known_runs(self, content_id: str) -> tuple[str, ...]:
        """Return the ids of the active runs that carry this content."""
        with self._changing:
            return runs_of_content(self.table, content_id)

    @property
    def experiment_tags(self) -> Mapping[str, str]:
        """Tags of the experiment as it was last looked at."""
        return self._experiment_tags

    def run(self, run_id: str) -> Run | None:
        """Return a known run, or None when it is unknown or gone."""
        with self._changing:
            row = self.table.row_of(run_id)
            return None if row is None else self.table.run(row, self.status.experiment_id)

    def twins(self) -> frozenset[str]:
        """Return contents that more than one run stands for by itself."""
        with self._changing:
            if self._twins is None:
                self._twins = twins(self.table)
            return self._twins

    def refresh(self) -> None:
        """Poll and sweep at the next step, whatever the schedule says."""
        self._wishes.refresh()

    def pause(self, *, on: bool) -> None:
        """Stop polling, or go on at once."""
        self._wishes.pause(on=on)

    def include(self, run_ids: Iterable[str]) -> None:
        """Fetch these runs at the next step: a poll may not see a run that is dated back."""
        self._wishes.include(run_ids)

    def note(self, **found: str) -> None:
        """Have told, at the next step, what others found out; see `Connection.note`."""
        self._wishes.note(**found)

    def due_in(self) -> float:
        """Return the seconds until `step` has something to do, 0 when it has already."""
        wish_s = self._wishes.due_in(busy=self.status.state is StoreState.BUSY)
        if wish_s is not None:
            return wish_s
        return max(0.0, min(self._next_poll, self._next_sweep) - self._monotonic())

    # -- work, from the owner's thread ------------------------------------------------------------

    def rest(self) -> float | None:
        """Return the seconds to the next step where this one has nothing to do but to wait.

        That is so while nobody writes to a store that is live: most of the time, so this looks at
        as little as can be. None: `step` has to look.
        """
        source, now = self._source, self._monotonic()
        if source is None or source.kind != _CHEAP_KIND or not self._listed:
            return None
        if not self._next_poll <= now < self._next_sweep or self._connection.slowdown > 1:
            return None
        try:
            if not (self._wishes.none() and self._is_live() and source.unchanged()):
                return None
        except StoreError:
            return None  # the step asks again, and tells
        self._connection.still()
        wait_s = self._connection.interval_s()
        self._next_poll = now + wait_s
        return wait_s

    def step(self) -> None:
        """Do what is due: poll, sweep, both or nothing. Errors of the store become its status."""
        paused, refresh, hurry = self._wishes.take()
        found = self._wishes.take_found()
        if found:
            self._connection.note(**found)
        self._connection.pause(on=paused)
        if paused and not refresh:
            return
        now = self._monotonic()
        answered, known_before, self._looked = True, self._listed, False
        if refresh or now >= self._next_poll:
            answered = self.poll_once()
        elif hurry and self.status.state is not StoreState.BUSY:
            answered = self._fetch_only() if self._can_fetch() else self.poll_once()
        sweep = known_before and (refresh or now >= self._next_sweep)  # a listing just swept all
        if answered and sweep and not self._stopping():
            self.sweep_once()

    def poll_once(self) -> bool:
        """Publish what is new in the store; False when it did not answer."""
        return self._ask(self._poll, sweep=False)

    def sweep_once(self) -> bool:
        """Re-read a page of known runs and publish what differs; False without an answer."""
        return self._ask(self._sweep, sweep=True)

    def _can_fetch(self) -> bool:
        """Whether runs can be fetched by their ids, without the searches of a poll."""
        remote = self._source is not None and self._source.kind != _CHEAP_KIND
        known = self._listed and bool(self.status.experiment_id)
        return remote and known and self.status.state is StoreState.LIVE

    def _fetch_only(self) -> bool:
        """Publish the runs that were asked for; the next poll comes when it would have come."""
        try:
            assert self._source is not None
            self._fetch_included(self._source)
        except StoreError as error:
            self._failed(error)
            return False
        return True

    def go_on_with(self, table: RunTable) -> None:
        """Take a table of the very same runs in place of the one there is."""
        with self._changing:
            self.table = table

    def pack(self) -> None:
        """Keep the table in little memory; for the end of a listing."""
        with self._changing:
            self.table.pack()

    def close(self) -> None:
        """Release the store's connections."""
        source, self._source = self._source, None
        if source is not None:
            with contextlib.suppress(StoreError):
                source.close()

    def _ask(self, work: Callable[[RunSource], None], *, sweep: bool) -> bool:
        try:
            if self._source is None:
                self._source = self._open()
                self._version_before = self.table.version
            work(self._source)
        except StoreError as error:
            self._failed(error)
            return False
        if sweep:
            usual_s = self._sweep_s if self.confirmed else min(self._sweep_s, SWEEP_S)
            self._next_sweep = self._monotonic() + usual_s * self._connection.slowdown
        else:
            self._connection.fresh()
            self._next_poll = self._monotonic() + self._connection.interval_s()
        return True

    def _open(self) -> RunSource:
        if self._before is None or self._resume_source is None:
            return self._open_source()
        self._resumed = source = self._resume_source()
        source.resume(self._before)
        return source

    def _failed(self, error: StoreError) -> None:
        if not self._listed and not isinstance(error, StoreBusyError):
            self.close()  # a listing that broke off starts anew; one that was put off goes on
        delay = self._connection.failed(error)
        self._next_poll = self._monotonic() + delay
        self._next_sweep = max(self._next_sweep, self._next_poll)

    def _poll(self, source: RunSource) -> None:
        unknown = not self.status.experiment_id
        if unknown or source.kind == _CHEAP_KIND or self.status.state not in _ANSWERING:
            source = self._look(source)
        self._fetch_included(source)
        for batch in source.changes() if self.status.experiment_id else ():
            self._take(batch)
            if self._stopping():
                return
        if not self._listed:
            self._take(RunBatch(complete=True))

    def _sweep(self, source: RunSource) -> None:
        if source.kind != _CHEAP_KIND and not self._looked:
            source = self._look(source)
        for batch in source.sweep() if self.status.experiment_id else ():
            self._take(replace(batch, complete=True))
        if self._resumed is not None and self._resumed.confirmed:
            self._confirm()

    def _look(self, source: RunSource) -> RunSource:
        """Note which experiment there is; return the source to go on with."""
        experiment = source.experiment()
        self._looked = True
        if experiment is not None and not experiment.active:
            raise StoreRejectedError(
                f"the experiment {experiment.name} is deleted",
                hint="restore it in MLflow, or choose another with --experiment",
            )
        if experiment is not None and experiment is self._experiment and self._is_live():
            return source  # the very answer of last time
        self._experiment = experiment
        before, now = self.status.experiment_id, _id_of(experiment)
        if before and before != now:
            self._forget()
            self._source = source = self._open_source()
        self._experiment_tags = {} if experiment is None else experiment.tags
        self._connection.looked(experiment)
        return source

    def _forget(self) -> None:
        """Begin again: what was known belongs to an experiment that is no longer there."""
        self.close()
        with self._lock:
            with self._changing:
                self.table, self._twins = RunTable(), None
            self._listed = False
            self._version_before = self.table.version
            self._publish(RunDelta(complete=False), True)
        self._confirm()

    def _confirm(self) -> None:
        """Note that of a listing from before nothing is left that the store did not confirm."""
        self._before, self._resumed = None, None
        self._connection.confirmed()

    def _is_live(self) -> bool:
        return self.status.state is StoreState.LIVE and bool(self.status.experiment_id)

    def _fetch_included(self, source: RunSource) -> None:
        wanted = self._wishes.take_included()
        if source.kind == _CHEAP_KIND:
            return  # its polls see every write
        try:
            found = [source.get_run(run_id) for run_id in wanted]
        except StoreError:
            self._wishes.put_back(wanted)
            raise
        runs = [run for run in found if run is not None]
        here = self.status.experiment_id
        mine = tuple(run for run in runs if not here or run.experiment_id == here)
        if mine:
            self._take(RunBatch(mine, complete=False))

    def _take(self, batch: RunBatch) -> None:
        runs, dead = _by_life(batch.runs)
        removed = dead | set(batch.removed)
        ending = batch.complete and not self._listed
        anew = self._before is None
        delta = RunDelta.from_runs(runs, complete=batch.complete, total=batch.total)
        if ending and anew:
            removed |= self._not_listed().difference(delta.run_ids)
        if not anew:
            delta = delta.part(changed_positions(self.table, delta))
        gone = [run_id for run_id in removed if self.table.row_of(run_id) is not None]
        if not (delta.run_ids or gone or ending):
            return
        delta = replace(delta, removed=tuple(gone), complete=batch.complete)
        with self._lock:
            if delta.run_ids or gone or anew:  # else the mirror of the table is still up to date
                self._apply(delta, compact=self._listed or ending)
            self._listed = self._listed or ending  # not before: who sees it believes `known_runs`
            self._publish(delta, False)
        if ending and anew:
            self._confirm()
        elif ending:
            self._next_sweep = self._monotonic()  # what only sweeps find may be days old

    def _apply(self, delta: RunDelta, *, compact: bool) -> None:
        """Change the table; it is not made anew during a listing, which tells runs by versions."""
        with self._changing:
            self._twins = None
            self.table.apply(delta)
            if not self._listed:
                self.table.pack(loose_ratio=1)
            if compact and self.table.is_sparse:
                self.table = self.table.compacted()

    def _not_listed(self) -> set[str]:
        """Return known runs that no page of the listing has brought: a listing before broke off."""
        table = self.table
        rows = np.flatnonzero(table.alive & (table.row_version <= self._version_before))
        return {table.run_ids[row] for row in rows.tolist()}


def _by_life(runs: Sequence[Run]) -> tuple[Sequence[Run], set[str]]:
    """Return the active runs, and the ids of the others."""
    if isinstance(runs, RunColumns):
        return runs, set()
    return [run for run in runs if run.active], {run.run_id for run in runs if not run.active}


def _id_of(experiment: Experiment | None) -> str:
    return experiment.experiment_id if experiment is not None else ""
