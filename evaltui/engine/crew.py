"""Watcher and ingestor, made when there is something for them to do.

What they import takes a tenth of a second and some megabytes, and a screen that only looks at a
store never needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evaltui.domain.events import WatchStatus
from evaltui.domain.run import Run
from evaltui.engine.local_runs import LocalRuns
from evaltui.engine.parts import Ingest, Watch
from evaltui.ledger.journal import Journal


class Crew:
    """The watcher and the ingestor of one engine.

    The ingest thread alone makes and uses them; `local_runs`, `refusal` and `made` may be used by
    any.

    Args:
        journal: Journal of the target and experiment.
        make_ingestor: Makes the ingestor.
        make_watcher: Makes the watcher, given the ingestor.
        wanted: Whether there is something to watch from the beginning.
    """

    def __init__(
        self,
        journal: Journal,
        make_ingestor: Callable[[], Ingest],
        make_watcher: Callable[[Ingest], Watch],
        *,
        wanted: bool,
    ) -> None:
        self._make_ingestor = make_ingestor
        self._make_watcher = make_watcher
        self._idle_runs = LocalRuns(journal)
        self._made: tuple[Ingest, Watch] | None = None
        self.wanted = wanted

    @property
    def made(self) -> bool:
        """Whether they are there."""
        return self._made is not None

    @property
    def ingestor(self) -> Ingest:
        """The ingestor; made now, if it is not there yet."""
        return self._both()[0]

    @property
    def watcher(self) -> Watch:
        """The watcher; made now, if it is not there yet."""
        return self._both()[1]

    def status(self) -> WatchStatus:
        """Return the watch in figures."""
        return WatchStatus() if self._made is None else self._made[1].status()

    def local_runs(self) -> Sequence[Run]:
        """Return unfinished reports as runs."""
        return self._idle_runs.runs() if self._made is None else self._made[0].local_runs()

    @property
    def refusal(self) -> tuple[str, str]:
        """Why the store takes no report until a person acts; see Ingest."""
        return ("", "") if self._made is None else self._made[0].refusal

    def wake(self) -> None:
        """End the wait of the watcher, if there is one."""
        if self._made is not None:
            self._made[1].wake()

    def close(self) -> None:
        """Close both, if they are there; the ingest thread has ended."""
        if self._made is not None:
            ingestor, watcher = self._made
            watcher.close()
            ingestor.close()

    def _both(self) -> tuple[Ingest, Watch]:
        if self._made is None:
            ingestor = self._make_ingestor()
            self._made = ingestor, self._make_watcher(ingestor)
        return self._made
