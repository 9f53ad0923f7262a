"""Who has which content: the local answer to "is this report in the store already?"."""

from __future__ import annotations

import threading

import numpy as np

from evaltui.domain.run import Tag
from evaltui.domain.run_delta import RunDelta
from evaltui.domain.table import RunTable


class ContentIndex:
    """Which active runs carry which content; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, dict[str, bool]] = {}
        self._contents: dict[str, str] = {}
        self._several: set[str] = set()

    def runs(self, content_id: str) -> tuple[str, ...]:
        """Return the ids of the runs of a content, in the order they were first seen."""
        with self._lock:
            return tuple(self._runs.get(content_id, ()))

    def twins(self) -> frozenset[str]:
        """Return contents with more than one run that is not superseded.

        A run that is marked as a duplicate but still active counts: its deletion failed half-way.
        """
        with self._lock:
            return frozenset(
                content for content in self._several if sum(self._runs[content].values()) > 1
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
                    self._add(run_id, content, active=not by)

    def note_all(self, table: RunTable) -> None:
        """Note the runs of a whole listing."""
        contents = table.tag_column(Tag.CONTENT_ID)
        if contents is None:
            return
        with self._lock:
            for row in np.flatnonzero(table.alive & (contents.codes[: table.size] >= 0)).tolist():
                counts = not table.tag(row, Tag.SUPERSEDED_BY)
                if content := contents.get(row):
                    self._add(table.run_ids[row], content, active=counts)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._runs.clear()
            self._contents.clear()
            self._several.clear()

    def _add(self, run_id: str, content: str, *, active: bool) -> None:
        known = self._runs.setdefault(content, {})
        known[run_id] = active
        self._contents[run_id] = content
        if len(known) > 1:
            self._several.add(content)

    def _drop(self, run_id: str) -> None:
        content = self._contents.pop(run_id, None)
        if content is None:
            return
        known = self._runs[content]
        del known[run_id]
        if not known:
            del self._runs[content]
        if len(known) < 2:  # noqa: PLR2004 - one run is no pair
            self._several.discard(content)
