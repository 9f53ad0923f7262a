"""Who has which content: the local answer to "is this report in the store already?"."""

from __future__ import annotations

import threading

import numpy as np

from evaltui.domain.run import Tag
from evaltui.domain.run_delta import RunDelta
from evaltui.domain.table import RunTable


class ContentIndex:
    """Which active runs carry which content; safe for threads.

    Nearly every content has one run, for which there is no collection: with 100,000 of them these
    would be most of the memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, str | tuple[str, ...]] = {}
        self._contents: dict[str, str] = {}
        self._several: set[str] = set()
        self._superseded: set[str] = set()

    def runs(self, content_id: str) -> tuple[str, ...]:
        """Return the ids of the runs of a content, in the order they were first seen."""
        with self._lock:
            return self._of(content_id)

    def twins(self) -> frozenset[str]:
        """Return contents with more than one run that is not superseded.

        A run that is marked as a duplicate but still active counts: its deletion failed half-way.
        """
        with self._lock:
            return frozenset(
                content
                for content in self._several
                if sum(run_id not in self._superseded for run_id in self._of(content)) > 1
            )

    def update(self, delta: RunDelta) -> None:
        """Note new or changed runs and forget removed ones."""
        size = len(delta.run_ids)
        contents = delta.tags.get(Tag.CONTENT_ID) or [None] * size
        superseded = delta.tags.get(Tag.SUPERSEDED_BY) or [None] * size
        with self._lock:
            for run_id in delta.removed:
                self._drop(run_id)
            for run_id, content, by in zip(delta.run_ids, contents, superseded, strict=True):
                if self._contents.get(run_id, content or "") != (content or ""):
                    self._drop(run_id)
                if content:
                    self._add(run_id, content, superseded=bool(by))

    def note_all(self, table: RunTable) -> None:
        """Note the runs of a whole listing."""
        contents = table.tag_column(Tag.CONTENT_ID)
        if contents is None:
            return
        with self._lock:
            for row in np.flatnonzero(table.alive & (contents.codes[: table.size] >= 0)).tolist():
                superseded = bool(table.tag(row, Tag.SUPERSEDED_BY))
                if content := contents.get(row):
                    self._add(table.run_ids[row], content, superseded=superseded)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._runs.clear()
            self._contents.clear()
            self._several.clear()
            self._superseded.clear()

    def _add(self, run_id: str, content: str, *, superseded: bool) -> None:
        (self._superseded.add if superseded else self._superseded.discard)(run_id)
        self._contents[run_id] = content
        known = self._of(content)
        if run_id not in known:
            self._put(content, (*known, run_id))

    def _drop(self, run_id: str) -> None:
        self._superseded.discard(run_id)
        content = self._contents.pop(run_id, None)
        if content is not None:
            self._put(content, tuple(other for other in self._of(content) if other != run_id))

    def _of(self, content: str) -> tuple[str, ...]:
        found = self._runs.get(content, ())
        return (found,) if isinstance(found, str) else found

    def _put(self, content: str, runs: tuple[str, ...]) -> None:
        if runs:
            self._runs[content] = runs[0] if len(runs) == 1 else runs
        else:
            del self._runs[content]
        (self._several.add if len(runs) > 1 else self._several.discard)(content)
