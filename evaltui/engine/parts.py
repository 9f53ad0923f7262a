"""What the engine is put together from: watcher, ingestor and store, as it needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from evaltui.domain.events import StoreStatus, WatchStatus
from evaltui.domain.ports import ResumedSource, RunSource, RunWriter
from evaltui.domain.run import Run
from evaltui.domain.web_page import WebPage
from evaltui.engine.poll import SWEEP_S
from evaltui.engine.roots import WatchRoot
from evaltui.engine.taker import Taker
from evaltui.late_dataclass import dataclass

if TYPE_CHECKING:
    from evaltui.engine.outcome import Outcome

KnownRuns = Callable[[str], tuple[str, ...]]
"""Content id to ids of the active runs that carry it."""

Link = Callable[[str, Sequence[str]], WebPage]
"""Returns the web page of an experiment's runs: of none, of one, or of several side by side."""


class Watch(Protocol):
    """The watcher; one thread uses it, but `wake`, which any may call."""

    def step(self) -> list[Outcome]:
        """Do one turn: what is due of looks, scans and settled files."""

    def wait(self, timeout_s: float) -> None:
        """Wait for an event, for something that is due, or for `wake`."""

    def wake(self) -> None:
        """End a wait, or the next one."""

    def add_root(self, root: WatchRoot) -> None:
        """Watch one more root."""

    def retry(self, path: str) -> None:
        """Read a path again."""

    def ignore(self, path: str) -> None:
        """Wait for a path no longer."""

    def status(self) -> WatchStatus:
        """Return the watch in figures."""

    @property
    def idle(self) -> bool:
        """Whether everything that is there was seen and nothing settles."""

    def close(self) -> None:
        """Stop watching."""


class Ingest(Taker, Protocol):
    """The ingestor; one thread uses it, but `local_runs` and `refusal`, which any may use."""

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
        """Log reports whose time has come; the only method that is slow, with `clear_twins`."""

    def hurry(self) -> None:
        """Make everything that waits for the store due now."""

    def ignore(self, path: str) -> str:
        """Leave a path alone until it is retried; return why not, or ""."""

    def note_deleted(self, run_ids: Collection[str]) -> None:
        """Note that runs were deleted."""

    def recover(self) -> int:
        """Free what dead processes left behind."""

    def clear_twins(self, contents: Collection[str]) -> tuple[str, ...]:
        """Delete twins among the runs of these contents; raises StoreError where some are left."""

    @property
    def refusal(self) -> tuple[str, str]:
        """Why the store takes no report until a person acts, and what to do; "" and "" for none."""

    def local_runs(self) -> list[Run]:
        """Return unfinished reports as runs."""

    def next_due(self) -> float | None:
        """Return the epoch second at which `log_due` has work, or None."""

    def close(self) -> None:
        """Close what was opened."""


@dataclass(frozen=True, slots=True)
class Store:
    """The tracking target.

    Attributes:
        status: What is known of it before the first answer.
        open_source: Opens a reader of the experiment.
        open_writer: Opens a writer.
        resume_source: Opens a reader that goes on from a listing of before; None where reading
            everything again is as cheap.
        link: Finds the web page of runs.
        ask_user: Asks the store who we are, raises StoreError; None where that is not asked.
        missing_folder: Returns the folder that a new experiment lacks as far as it is known, "" for
            none; asks nothing.
        make_folder: Makes that folder, raises StoreError.
        sweep_s: Seconds between sweeps.
        jitter_ratio: Share of the interval by which polls vary.
    """

    status: StoreStatus
    open_source: Callable[[], RunSource]
    open_writer: Callable[[], RunWriter]
    link: Link
    resume_source: Callable[[], ResumedSource] | None = None
    ask_user: Callable[[], str] | None = None
    missing_folder: Callable[[], str] = lambda: ""
    make_folder: Callable[[], None] = lambda: None
    sweep_s: float = SWEEP_S
    jitter_ratio: float = 0.0
