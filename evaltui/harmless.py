"""Tracking that never makes an evaluation fail: errors become warnings, variables stay."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from evaltui.errors import EvaltuiError
from evaltui.log import redact

_T = TypeVar("_T")
_FOREIGN = ("MLFLOW_", "_MLFLOW_", "DATABRICKS_")


class TrackingWarning(UserWarning):
    """Something was not tracked (yet); the evaluation itself is fine."""


def warn(text: str) -> None:
    """Warn the script's author, without secrets."""
    warnings.warn(redact(text), TrackingWarning, stacklevel=5)


def harmless(work: Callable[[], _T], what: str) -> _T | None:
    """Do something; what goes wrong is a TrackingWarning that begins with `what`, and None."""
    try:
        return work()
    except (EvaltuiError, OSError) as error:
        hint = getattr(error, "hint", None)
        warn(f"{what}: {error}" + (f" ({hint})" if hint else ""))
        return None


@contextmanager
def own_environment() -> Iterator[None]:
    """Give the script its own MLFLOW_ and DATABRICKS_ variables back afterwards.

    The writer sets some before it imports mlflow, which reads them again at every call.
    """
    before = {name: value for name, value in os.environ.items() if name.startswith(_FOREIGN)}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            if name not in before:
                del os.environ[name]
        os.environ.update(before)
