"""Companions that are written after their report: artifacts for a run that may be finished."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import RunStatus
from evaltui.engine.admission import attachment
from evaltui.engine.steps.machine import ATTACH_MARK
from evaltui.ledger.journal import Action, Entry, Journal, NewEntry
from evaltui.readers import companion_names

ATTACH_WITHIN_S = 600.0
"""How long after a run is finished a companion is still taken for a part of it."""


class LateCompanions:
    """Queues companions for the runs of their reports, each name once.

    Args:
        journal: The journal.
        clock: Epoch seconds.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock

    def attach(self, path: str, name: str, data: bytes) -> bool:
        """Queue a companion of the report at `path`; see Ingestor.attach_companion."""
        for base in self._journal.entries_of(path):
            if base.action is not Action.ATTACH:
                return bool(self._queue(base, name, data))
        return False

    def attach_found(self, companion: Path, data: bytes) -> str:
        """Queue a companion for the newest report of its folder that it belongs to.

        Returns:
            The content id of its entry, or "" when it was not queued.
        """
        for base in self._journal.neighbours_of(str(companion.parent)):
            if companion.name in companion_names(Path(base.path).name):
                return self._queue(base, companion.name, data)
        return ""

    def _queue(self, base: Entry, name: str, data: bytes) -> str:
        waited_s = 0.0 if base.finished_at is None else self._clock() - base.finished_at
        if waited_s > ATTACH_WITHIN_S or attachment(name, data) in base.attached:
            return ""
        if not base.is_open and base.state is not FileState.FINISHED:
            return ""
        new = _entry(base, name, data)
        return "" if self._journal.begin(new) is None else new.content_id


def _entry(base: Entry, name: str, data: bytes) -> NewEntry:
    content_id = f"{base.content_id}{ATTACH_MARK}{name}"
    plan = RunPlan(
        content_id=content_id,
        name=name,
        started_ms=base.plan.started_ms - 1,  # due after its report
        ended_ms=base.plan.ended_ms,
        metric_ms=base.plan.metric_ms,
        status=RunStatus.FINISHED,
        create_tags={},
        tags={},
        params={},
        metrics={},
        artifacts=(ArtifactFile(name, data=data),),
    )
    return NewEntry(
        content_id=content_id,
        item=base.item,
        path=str(Path(base.path).parent / name),
        file_sha256=hashlib.sha256(data).hexdigest(),
        format=base.format,
        kind=base.kind,
        evaluation_id="",
        values_digest="",
        mode=base.mode,
        mode_source=base.mode_source,
        plan=plan,
        action=Action.ATTACH,
    )
