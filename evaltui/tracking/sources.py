"""The reader that fits a target; only what is needed for it is imported."""

from __future__ import annotations

from evaltui.domain.ports import ResumedSource, RunSource
from evaltui.errors import StoreError
from evaltui.tracking.target import Target, TargetKind


def open_for(target: Target, experiment: str) -> RunSource:
    """Return a reader of one experiment; a store that is away is told at the first question.

    A SQLite database whose tables are not those evaltui reads directly is left to mlflow.

    Args:
        target: The store.
        experiment: Name of the experiment; "" for the one of `target.experiment_id`.
    """
    if target.database is not None and _fits(target):
        from evaltui.tracking.sqlite_source import SqliteSource  # noqa: PLC0415

        return SqliteSource(
            target.database,
            experiment,
            target.experiment_id,
            elsewhere=lambda: _client(target, experiment),
        )
    return open_polled(target, experiment)


def open_polled(target: Target, experiment: str) -> ResumedSource:
    """Return a reader of one experiment of a store that has to be asked what is new."""
    if target.kind in {TargetKind.SERVER, TargetKind.DATABRICKS}:
        from evaltui.tracking.rest_source import RestSource  # noqa: PLC0415

        return RestSource(target, experiment)
    return _client(target, experiment)


def _client(target: Target, experiment: str) -> ResumedSource:
    from evaltui.tracking.client_source import ClientSource  # noqa: PLC0415

    return ClientSource(target, experiment)


def _fits(target: Target) -> bool:
    """Return whether a database can be read directly; one that cannot be read now counts so."""
    from evaltui.tracking.sqlite_database import Database  # noqa: PLC0415

    assert target.database is not None
    database = Database(target.database)
    try:
        return database.version() is None or not any("." in name for name in database.missing())
    except StoreError:
        return True
    finally:
        database.close()
