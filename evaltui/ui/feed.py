"""What the engine sends, in portions that the event loop can bear."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from evaltui.domain.table import RunDelta
from evaltui.engine.link import RunsChanged
from evaltui.ui.client import LinkEvent
from evaltui.ui.delayed import call_behind_others

SLICE_ROWS = 500
"""Most runs that are merged before keys get their turn."""


def split(change: RunsChanged, size: int = SLICE_ROWS) -> Iterator[RunsChanged]:
    """Yield a page of runs in slices that have the same effect one after the other."""
    delta = change.delta
    count = len(delta.run_ids)
    if count <= size:
        yield change
        return
    for low in range(0, count, size):
        part = slice(low, low + size)
        yield RunsChanged(
            RunDelta(
                run_ids=delta.run_ids[part],
                names=delta.names[part],
                status=delta.status[part],
                started_ms=delta.started_ms[part],
                ended_ms=delta.ended_ms[part],
                metrics={name: column[part] for name, column in delta.metrics.items()},
                params={name: texts[part] for name, texts in delta.params.items()},
                tags={name: texts[part] for name, texts in delta.tags.items()},
                removed=delta.removed if low == 0 else (),
                complete=delta.complete and low + size >= count,
                total=delta.total,
            ),
            reset=change.reset and low == 0,
        )


class Feed:
    """A queue that hands over one portion per turn of the event loop.

    Args:
        apply: Called with every portion, in order.
    """

    def __init__(self, apply: Callable[[LinkEvent], None]) -> None:
        self._apply = apply
        self._queue: deque[LinkEvent] = deque()
        self._scheduled = False

    def put(self, event: LinkEvent) -> None:
        """Queue an event."""
        if isinstance(event, RunsChanged):
            self._queue.extend(split(event))
        else:
            self._queue.append(event)
        self._go_on()

    def _go_on(self) -> None:
        if self._queue and not self._scheduled:
            self._scheduled = True
            call_behind_others(self._step)

    def _step(self) -> None:
        self._scheduled = False
        event = self._queue.popleft()
        self._go_on()
        self._apply(event)
