"""A new SQLite store, whole or not at all.

MLflow makes its tables in dozens of steps that take seconds. A second process that comes in
between, or a crash, leaves a database that no MLflow opens again. So the store is made beside its
place and put there when it is finished; of two processes the first wins.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from evaltui.tracking.target import Target, TargetKind

_STALE_S = 3_600.0


def make_database(target: Target) -> None:
    """Make the target's SQLite database when there is no file yet; mlflow must be imported.

    Raises:
        OSError: The directory cannot be written.
        Exception: Whatever mlflow raises.
    """
    database = target.database
    if database is None or database.exists():
        return
    private = target.kind is TargetKind.EMBEDDED
    if private:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    prefix = f".{database.name}.new-"
    _remove_stale(database.parent, prefix)
    draft = database.with_name(f"{prefix}{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600 if private else 0o666)
        _fill(draft, target)
        _publish(draft, database)
    finally:
        draft.unlink(missing_ok=True)


def _fill(draft: Path, target: Target) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - heavy

    root = target.artifact_root
    place = root.as_uri() if root is not None else ""
    make: Any = SqlAlchemyStore  # without types
    make(f"sqlite:///{draft}", place).engine.dispose()


def _publish(draft: Path, database: Path) -> None:
    """Give the draft its name, unless another process was faster."""
    with contextlib.suppress(FileExistsError):
        try:
            database.hardlink_to(draft)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if not database.exists():
                draft.rename(database)


def _remove_stale(folder: Path, prefix: str) -> None:
    """Remove drafts of processes that were killed."""
    oldest = time.time() - _STALE_S
    for path in folder.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()
