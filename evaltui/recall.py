"""The mirror of a tracking target: opened for the screen, and for the engine that keeps it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from evaltui.domain.events import StoreStatus
from evaltui.domain.recalled import Recalled
from evaltui.domain.table import RunTable
from evaltui.mirror.files import MirrorFile, new_token
from evaltui.mirror.layout import Facts
from evaltui.mounts import network_type
from evaltui.tracking.target import Target


def recall_target(target: Target) -> Recalled | None:
    """Return the last listing of a target, or None where there is none of use."""
    found = MirrorFile(target.key).open()
    if found is None or not found.table.size:
        return None
    facts = found.facts
    status = replace(
        first_status(target),
        experiment_id=facts.experiment_id,
        baseline_run_id=facts.baseline_run_id,
        directions=facts.directions,
        data_at_s=facts.asked_at_s,
        unconfirmed_s=facts.as_of_s,
    )
    return Recalled(found.table, status, facts.token)


def recall_shown(target: Target, token: str) -> Recalled | None:
    """Return the listing of this token, or None when another one took its place."""
    found = recall_target(target)
    return found if found is not None and found.token == token else None


class TargetMirror:
    """Keeps the listing of a target. Implements `engine.mirroring.Mirror`.

    Args:
        target: Store and experiment.
        directory: Where mirrors lie; default: below the XDG cache.
    """

    def __init__(self, target: Target, directory: Path | None = None) -> None:
        self._key = target.key
        self._file = MirrorFile(target.key, directory)
        self._token = ""

    def keep(self, table: RunTable, status: StoreStatus) -> bool:
        """Write the mirror anew; False when that failed, which is in the log."""
        self._token = new_token()
        facts = Facts(
            key=self._key,
            experiment_id=status.experiment_id,
            token=self._token,
            as_of_s=status.as_of_s or time.time(),
            asked_at_s=status.data_at_s or time.time(),
            baseline_run_id=status.baseline_run_id,
            directions=dict(status.directions),
        )
        return self._file.write(table, facts)

    def kept(self) -> RunTable | None:
        """Return the listing that was kept last, mapped.

        None when another process put its own in that place, or where another machine may take the
        file away from under a process that has it mapped, which would end it.
        """
        if network_type(self._file.path):
            return None
        found = self._file.open()
        return found.table if found is not None and found.facts.token == self._token else None


def first_status(target: Target) -> StoreStatus:
    """Return what is known of a store before it was asked."""
    return StoreStatus(
        target=target.label,
        why=target.why,
        experiment=target.experiment or f"experiment {target.experiment_id}",
        warning=target.warning,
        poll_interval_s=target.poll_interval_s,
        read_only=target.read_only,
    )
