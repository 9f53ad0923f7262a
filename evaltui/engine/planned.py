"""Files of a run that is still to be written."""

from __future__ import annotations

from evaltui.domain.plan import RunPlan
from evaltui.tracking.case_table import CASE_TABLE_PATH


def planned_table(plan: RunPlan, *, max_bytes: int) -> bytes | None:
    """Return the bytes of a plan's case table; None when there is none, or it is too large."""
    for item in plan.artifacts:
        if item.path != CASE_TABLE_PATH:
            continue
        if item.data is not None:
            return item.data
        if item.local_path is not None:
            try:
                if item.local_path.stat().st_size <= max_bytes:
                    return item.local_path.read_bytes()
            except OSError:  # it was written meanwhile, and is not kept any more
                return None
    return None
