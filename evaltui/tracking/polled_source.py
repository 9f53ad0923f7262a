"""A source for stores that have to be asked what is new: by polls, and sweeps for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from evaltui.domain.recalled import Remembered
from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, RunStatus, Tag
from evaltui.errors import StoreError, StoreUnreachableError
from evaltui.tracking.ahead import Ahead
from evaltui.tracking.page_size import PageSize
from evaltui.tracking.rolling_sweep import Page, RollingSweep
from evaltui.tracking.run_values import FIRST_PAGE, SWEEP_PAGE, SeenRuns
from evaltui.tracking.transport import ReplyTooLargeError

OVERLAP_MS = 5 * 60_000
"""How far behind the newest known time polls look: the clocks of other machines differ."""

_MOST_CHECKS = 100
_CHECKS_S = 2.0
"""How many runs that stopped being listed are looked up in one call, and for how long."""

_ALL = ""
_RUNNING = "attributes.status = 'RUNNING'"
_MOST_POLL_PAGES = 5
_now: Callable[[], float] = time.time


class StoreQueries(Protocol):
    """The questions a store answers, each within the deadline of a read."""

    def experiment(self) -> Experiment | None:
        """Return the experiment, or None when there is none yet."""

    def get_run(self, run_id: str) -> Run | None:
        """Return one run, deleted ones too, or None when there is none."""

    def search(
        self, experiment_id: str, question: str, *, size: int, token: str
    ) -> tuple[list[Run], str]:
        """Return a page of active runs, newest start first, and where the next begins.

        Args:
            experiment_id: The experiment.
            question: A filter of MLflow, or "" for all.
            size: Most runs of the page.
            token: Where the page begins, "" for the first.

        Returns:
            The runs, and the token of the next page or "".
        """

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        """Return the run's artifact tree, sorted by path."""

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        """Return one artifact file."""

    def close(self) -> None:
        """Release connections."""


class _Asked(NamedTuple):
    question: str
    size: int
    token: str


class _Found(NamedTuple):
    runs: list[Run]
    token: str
    seconds: float


class PolledSource:
    """Reads one experiment of a store that answers questions. Implements `ResumedSource`.

    A poll asks three cheap questions: what started, what ended, what is running. What they cannot
    see (renames, deletions, late metrics, back-dated runs) a sweep finds, page by page.

    While a page of the first listing is used, the store is asked for the next one.

    After `resume` the first listing asks no more than a poll does, without a limit, and the first
    round of the sweep takes as large pages as the store answers in time.

    Args:
        kind: `rest` or `client`.
        queries: The store.

    Attributes:
        confirmed: Whether the store has said of every known run what it is like: from the end of a
            first listing on, or of the first round of the sweep after `resume`.
    """

    def __init__(self, kind: str, queries: StoreQueries) -> None:
        self.kind = kind
        self.confirmed = False
        self._queries = queries
        self._experiment_id = ""
        self._seen = SeenRuns()
        self._page = PageSize(FIRST_PAGE)
        self._sweep_page_size = PageSize(SWEEP_PAGE)
        self._questions = [_ALL]
        self._next_token = ""
        self._listed = False
        self._resumed = False
        self._newest_start = 0
        self._newest_end = 0
        self._running: set[str] = set()
        self._suspects: dict[str, None] = {}  # an ordered set
        self._unmet: set[str] = set()
        self._sweep = RollingSweep(self._sweep_page)
        self._ahead: Ahead[_Found] = Ahead()

    def resume(self, before: Remembered) -> None:
        """Begin with runs that are known already; to be called before anything else.

        `changes` then asks for what started or ended since, and for every run that had not ended.
        A run that is met for the first time is told of, whether it differs or not.
        """
        self._newest_start = before.newest_start_ms
        self._newest_end = before.newest_end_ms
        self._questions = [*self._news_questions(), _RUNNING]
        self._page = PageSize(SWEEP_PAGE)
        self._unmet = set(before.unfinished)
        self._sweep.know_all(before.starts_ms)
        self._resumed = True

    def experiment(self) -> Experiment | None:
        """Return the experiment, or None when there is none yet."""
        found = self._queries.experiment()
        if found is not None:
            self._experiment_id = found.experiment_id
        return found

    def changes(self) -> Iterator[RunBatch]:
        """Yield what is new since the last call; see `RunSource.changes`."""
        if not self._experiment_id and self.experiment() is None:
            return
        if self._listed:
            yield from self._poll()
        else:
            yield from self._list()

    def unchanged(self) -> bool:
        """Return False: only a question to the server tells."""
        return False

    def sweep(self) -> Iterator[RunBatch]:
        """Re-read the next page of the experiment; see `RunSource.sweep`."""
        if not self._listed:
            return
        found, missing = self._sweep.step()
        self._suspects |= dict.fromkeys(missing)
        if news := self._note(found):
            yield RunBatch(news)  # told before anything else can fail: it is not read again soon
        fresh, removed = self._check()
        news = self._note(fresh)
        self.confirmed = self.confirmed or (self._sweep.rounds > 0 and not self._suspects)
        if news or removed:
            yield RunBatch(news, removed)

    def get_run(self, run_id: str) -> Run | None:
        """Return one run whole, deleted ones too, or None when there is none.

        Who asked knows it now, so its deletion is news, though no listing may have shown it.
        """
        run = self._queries.get_run(run_id)
        if run is not None and run.active and run.experiment_id == self._experiment_id:
            self._sweep.know(run)
        return run

    def find_runs(self, content_id: str) -> tuple[Run, ...]:
        """Return the active runs of the experiment with this content id, oldest start first."""
        if "'" in content_id or (not self._experiment_id and self.experiment() is None):
            return ()
        found = self._search_all(f"tags.`{Tag.CONTENT_ID}` = '{content_id}'")
        exact = [run for run in found if run.tags.get(Tag.CONTENT_ID) == content_id]
        return tuple(sorted(exact, key=lambda run: (run.started_ms or 0, run.run_id)))

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        """Return the run's artifact tree, sorted by path."""
        return self._queries.list_artifacts(run_id)

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        """Return one artifact file."""
        return self._queries.read_artifact(run_id, path, max_bytes=max_bytes)

    def artifact_file(self, run_id: str, path: str) -> Path | None:
        """Return None: artifacts lie with the store."""
        del run_id, path
        return None

    def close(self) -> None:
        """Close the connection."""
        self._queries.close()

    # -- first listing and polls -----------------------------------------------------------------

    def _list(self) -> Iterator[RunBatch]:
        """Ask the questions of the first listing; one that broke off goes on where it was."""
        while self._questions:
            runs, self._next_token = self._next_page(
                self._page, self._questions[0], self._next_token
            )
            self._unmet.difference_update(run.run_id for run in runs)
            if self._next_token:
                self._ask_ahead()
            else:
                self._questions.pop(0)
            last = not self._questions and not self._resumed
            self._listed = self.confirmed = last
            yield RunBatch(self._note(runs), complete=last)
        if not self._listed:
            yield self._end_of_resumed()

    def _ask_ahead(self) -> None:
        """Let the store work on the next page while this one is used."""
        asked = _Asked(self._questions[0], self._page.size, self._next_token)
        self._ahead.start(asked, partial(self._ask, asked))

    def _end_of_resumed(self) -> RunBatch:
        """Look at runs that had not ended and were not met."""
        self._suspects |= dict.fromkeys(self._unmet)
        fresh, removed = self._check()
        self._listed = True
        return RunBatch(self._note(fresh), removed)

    def _next_page(self, page: PageSize, question: str, token: str) -> tuple[list[Run], str]:
        """Read a page as large as the store answers in time."""
        while True:
            asked = _Asked(question, page.size, token)
            try:
                found = self._ahead.result(asked, partial(self._ask, asked))
            except ReplyTooLargeError:
                if not page.shrink():
                    raise
                continue
            except StoreUnreachableError:
                page.shrink()
                raise
            if found.token:  # only a full page tells how long so many runs take
                page.took(found.seconds)
            return found.runs, found.token

    def _ask(self, asked: _Asked) -> _Found:
        began = time.monotonic()
        runs, token = self._queries.search(
            self._experiment_id, asked.question, size=asked.size, token=asked.token
        )
        return _Found(runs, token, time.monotonic() - began)

    def _news_questions(self) -> tuple[str, str]:
        return (
            f"attributes.start_time > {self._since(self._newest_start)}",
            f"attributes.end_time > {self._since(self._newest_end)}",
        )

    def _poll(self) -> Iterator[RunBatch]:
        found = {
            run.run_id: run
            for question in self._news_questions()
            for run in self._search_all(question)
        }
        running = {run.run_id: run for run in self._search_all(_RUNNING)}
        self._suspects |= dict.fromkeys(self._running - running.keys() - found.keys())
        fresh, removed = self._check()
        found |= running
        found |= {run.run_id: run for run in fresh}
        news = self._note(found.values())
        if news or removed:
            yield RunBatch(news, removed)

    def _since(self, newest_ms: int) -> int:
        """Return from when on a poll asks; a time in the future must not blind it."""
        return max(0, min(newest_ms, int(_now() * 1000)) - OVERLAP_MS)

    def _check(self) -> tuple[list[Run], tuple[str, ...]]:
        """Look up runs that listings left out; return those that are there, and the gone ids.

        A listing alone is no proof: false empty pages happen.

        Raises:
            StoreError: The first of them cannot be looked up.
        """
        there: list[Run] = []
        gone: list[str] = []
        end = time.monotonic() + _CHECKS_S
        for run_id in list(self._suspects)[:_MOST_CHECKS]:
            try:
                run = self._queries.get_run(run_id)
            except StoreError:
                if there or gone:
                    break  # what was found is told; the others stay suspects
                raise
            del self._suspects[run_id]
            if run is not None and run.active:
                there.append(run)
            else:
                self._running.discard(run_id)
                was_known = self._sweep.forget(run_id)
                if self._seen.forget(run_id) or was_known:
                    gone.append(run_id)
            if time.monotonic() > end:
                break
        return there, tuple(gone)

    def _note(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """Remember runs and return those that are news."""
        active = [run for run in runs if run.active]
        for run in active:
            self._newest_start = max(self._newest_start, run.started_ms or 0)
            self._newest_end = max(self._newest_end, run.ended_ms or 0)
            if run.status is RunStatus.RUNNING:
                self._running.add(run.run_id)
            else:
                self._running.discard(run.run_id)
            self._sweep.know(run)
        return self._seen.news(active)

    def _search_all(self, question: str) -> list[Run]:
        found: list[Run] = []
        token = ""
        for _ in range(_MOST_POLL_PAGES):
            runs, token = self._queries.search(
                self._experiment_id, question, size=SWEEP_PAGE, token=token
            )
            found += runs
            if not token:
                break
        return found

    def _sweep_page(self, token: str) -> Page:
        page = PageSize(SWEEP_PAGE) if self.confirmed else self._sweep_page_size
        runs, token = self._next_page(page, _ALL, token)
        return Page([run for run in runs if run.active], token)
