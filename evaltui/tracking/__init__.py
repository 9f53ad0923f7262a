"""Tracking stores: target, sources, the writer; alone imports mlflow and databricks.

`open_source` and `open_writer` are what the rest of the program needs; they import what they open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaltui.domain.ports import ResumedSource, RunSource, RunWriter
from evaltui.errors import ConfigError

if TYPE_CHECKING:
    from evaltui.tracking.target import Target
    from evaltui.tracking.workspace_folders import ExperimentFolder

__all__ = ["open_resumable", "open_source", "open_writer"]


def open_source(target: Target, experiment: str | None = None) -> RunSource:
    """Return a reader of one experiment; nothing is asked of the store yet.

    Args:
        target: The store.
        experiment: Name of the experiment; default: the target's.
    """
    from evaltui.tracking.sources import open_for  # noqa: PLC0415 - requests and sqlite3 come late

    return open_for(target, target.experiment if experiment is None else experiment)


def open_resumable(target: Target) -> ResumedSource:
    """Return a reader of the target's experiment that can go on from a listing of before.

    Not for SQLite databases, which are read whole in less time.
    """
    from evaltui.tracking.sources import open_polled  # noqa: PLC0415

    return open_polled(target, target.experiment)


def open_writer(target: Target, folder: ExperimentFolder | None = None) -> RunWriter:
    """Return the writer of a store; mlflow is imported at its first call.

    Args:
        target: The store.
        folder: Told which folder a new experiment lacks (Databricks).

    Raises:
        ConfigError: The target is read-only.
    """
    if target.read_only:
        raise ConfigError("the store is read-only here", hint="leave --read-only out")
    from evaltui.tracking.writer import MlflowWriter  # noqa: PLC0415

    return MlflowWriter(target, folder=folder)
