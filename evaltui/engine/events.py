"""File events: hints that something changed. Whatever they miss, a scan finds.

One daemon thread listens; it never outlives the process and is never waited for.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.engine.doorbell import Doorbell
from evaltui.engine.roots import SKIPPED_FOLDERS, is_temporary
from evaltui.late_dataclass import dataclass

if TYPE_CHECKING:
    from watchfiles import Change

MANY_CHANGES = 1_000
"""A batch above this is not looked at path by path: a scan is cheaper, and misses nothing."""

LIMIT_REACHED = "inotify limit reached"

_STEP_MS = 2
_DEBOUNCE_MS = 20
_ASK_MS = 2  # how long watchfiles is asked: it has what the kernel rang for within a moment
_GAP_S = 0.005  # between two batches at least
_BETWEEN_S = 0.008  # between two questions where no bell rings
_RINGS_WITHIN_S = 1.0  # a bell that works: what it rings for may be there before
_LONGEST_S = 5.0  # the same while one hangs and does not ring: as between scans


@dataclass(frozen=True, slots=True)
class Changes:
    """What was heard since the last time.

    Attributes:
        paths: Paths to look at, without repetitions.
        scan: Whether a scan is due: more changed than is worth looking at one by one, or the
            listener has only now begun to hear.
    """

    paths: tuple[str, ...] = ()
    scan: bool = False


class FileEvents:
    """Listens to changes below directories.

    Args:
        wake: Called, from the listener's thread, whenever there is something to hear.
        skip: Names of folders whose events are dropped.
    """

    def __init__(self, wake: Callable[[], None], *, skip: frozenset[str] = SKIPPED_FOLDERS) -> None:
        self._wake = wake
        self._skip = skip
        self._lock = threading.Lock()
        self._heard: dict[str, None] = {}
        self._scan = False
        self._stop: threading.Event | None = None
        self._bell = Doorbell()
        self.problem = "not started"
        """Why there are no events, or "" while there are."""

    def arm(self, directories: Sequence[Path]) -> None:
        """Listen to these directories from now on, and to no others."""
        self.disarm("nothing to listen to")
        if not directories:
            return
        self.problem = ""
        self._stop, self._bell = threading.Event(), Doorbell()
        threading.Thread(
            target=self._listen,
            args=(self._stop, self._bell, [str(path) for path in directories]),
            name="file-events",
            daemon=True,
        ).start()

    def disarm(self, why: str) -> None:
        """Stop listening; never waits for the thread."""
        if self._stop is not None:
            self._stop.set()
            self._bell.ring()
        self._stop = None
        self.problem = why

    def drain(self) -> Changes:
        """Return what was heard since the last call."""
        with self._lock:
            changes = Changes(tuple(self._heard), self._scan)
            self._heard, self._scan = {}, False
        return changes

    def _listen(self, stop: threading.Event, bell: Doorbell, directories: list[str]) -> None:
        why = "the listener ended"
        try:
            if not any(map(os.path.isdir, directories)):  # not told by watchfiles
                raise FileNotFoundError(errno.ENOENT, "no such directory")
            self._follow(stop, bell, directories)
        except (OSError, RuntimeError) as error:  # RuntimeError: of the watcher's own inside
            why = _reason(error)
        finally:
            bell.take_down()
            if not stop.is_set():  # whatever ended it, nobody listens any more
                self.problem = why
                with self._lock:
                    self._scan = True
                self._wake()

    def _follow(self, stop: threading.Event, bell: Doorbell, directories: list[str]) -> None:
        try:
            self._take(stop, bell, directories, self._batches(stop, directories, lenient=False))
        except PermissionError:
            self._take(stop, bell, directories, self._batches(stop, directories, lenient=True))

    def _batches(
        self, stop: threading.Event, directories: list[str], *, lenient: bool
    ) -> Iterator[set[tuple[Change, str]]]:
        """Return the events of directories, a batch or an empty set whenever it is asked for.

        Args:
            stop: Ends them.
            directories: The directories.
            lenient: Pass over folders that may not be read. watchfiles then passes over the limit
                of watches too, so it is asked without first.
        """
        from watchfiles import watch  # noqa: PLC0415 - a megabyte where nothing is watched

        return iter(
            watch(
                *directories,
                watch_filter=None,
                step=_STEP_MS,
                debounce=_DEBOUNCE_MS,
                stop_event=stop,
                rust_timeout=_ASK_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
                force_polling=False,
                recursive=True,
                ignore_permission_denied=lenient,
            )
        )

    def _take(
        self,
        stop: threading.Event,
        bell: Doorbell,
        directories: list[str],
        batches: Iterator[set[tuple[Change, str]]],
    ) -> None:
        """Ask for events when the bell rings, and ever more seldom while it does not.

        What the kernel rang for may reach watchfiles a moment later. Where no bell rings, it is
        asked all the time.
        """
        above = sorted(directories, key=len)
        batch = bell.hang(lambda: next(batches, None))
        if batch is not None:
            self._hear(batch, above, first=True)
        wait_s = 0.0  # what came before the bell hung rang for nobody
        while batch is not None and not stop.is_set():
            rang = bell.wait(wait_s) if bell.hangs else stop.wait(_BETWEEN_S)
            batch = next(batches, None)
            if batch:
                self._hear(batch, above, first=False)
                if bell.hangs and wait_s and not (bell.has_rung or bell.wait(_RINGS_WITHIN_S)):
                    bell.take_down()  # it does not work here
                time.sleep(_GAP_S)
            wait_s = _GAP_S if batch or rang else min(max(_GAP_S, 4 * wait_s), _LONGEST_S)

    def _hear(self, batch: set[tuple[Change, str]], directories: list[str], *, first: bool) -> None:
        paths = [path for _, path in batch if self._counts(path, directories)]
        if not paths and not first:
            return
        with self._lock:
            self._scan = self._scan or first or len(batch) > MANY_CHANGES
            if len(self._heard) + len(paths) > MANY_CHANGES:
                self._scan = True
            if self._scan:
                self._heard = {}
            else:
                self._heard |= dict.fromkeys(paths)
        self._wake()

    def _counts(self, path: str, directories: list[str]) -> bool:
        below = next((path[len(d) :] for d in directories if path.startswith(d)), path)
        folders, _, name = below.rpartition(os.sep)
        return self._skip.isdisjoint(Path(folders).parts) and not is_temporary(name)


def _reason(error: Exception) -> str:
    text = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC or "watch limit" in text.lower():
        return LIMIT_REACHED
    if number in (errno.EMFILE, errno.ENFILE) or "too many open files" in text.lower():
        return "no inotify instance free"
    if isinstance(error, FileNotFoundError):
        return "the directory is gone"
    return f"no file events: {text.splitlines()[0][:100] if text else type(error).__name__}"
