"""Tracking that never makes an evaluation fail: errors become warnings, variables stay."""

from __future__ import annotations

import os
import sys
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
    """Warn the script's author at the line of the script, without secrets."""
    warnings.warn(redact(text), TrackingWarning, stacklevel=_levels_to_script())


def harmless(work: Callable[[], _T], what: str) -> _T | None:
    """Do something; what goes wrong is a TrackingWarning that begins with `what`, and None."""
    try:
        return work()
    except (EvaltuiError, OSError) as error:
        hint = getattr(error, "hint", None)
        warn(f"{what}: {error}" + (f" ({hint})" if hint else ""))
    except TrackingWarning:
        raise  # the script asked for warnings to be errors
    except Exception as error:  # noqa: BLE001 - an evaluation must not fail by a fault of ours
        warn(f"{what}: internal error: {type(error).__name__}: {error}")
    return None


def _levels_to_script() -> int:
    """Return how far up, seen from `warn`, the first frame lies that is none of ours."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - as the warnings module does
    while frame.f_back is not None and _is_ours(str(frame.f_globals.get("__name__", ""))):
        frame, level = frame.f_back, level + 1
    return level


def _is_ours(module: str) -> bool:
    return module == "contextlib" or module.partition(".")[0] == "evaltui"


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
