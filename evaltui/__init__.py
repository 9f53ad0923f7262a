"""evaltui: the terminal workbench for evaluation runs tracked in MLflow.

The public Python API; nothing heavy is imported before one of its names is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaltui.api import (
        EvaluationTracker,
        TrackingWarning,
        compare,
        read_report,
        track_evaluation,
    )

__all__ = ["EvaluationTracker", "TrackingWarning", "compare", "read_report", "track_evaluation"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from evaltui import api  # noqa: PLC0415 - the screen and the commands do without

        return getattr(api, name)
    raise AttributeError(f"module 'evaltui' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
