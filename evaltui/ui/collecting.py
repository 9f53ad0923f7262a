"""Garbage is collected where nobody waits: walking through everything takes 5 to 10 ms."""

from __future__ import annotations

import gc

_MIDDLE_PER_FULL = 1_000
"""Collections of younger objects before the interpreter makes a full one by itself, 10 as a rule.

For a screen that never rests: one that does collects every few seconds."""


def begin() -> None:
    """Collect from now on; what is there already stays, and is never walked through again.

    Nothing is collected before, which would stop the loop for a moment.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _MIDDLE_PER_FULL)
    gc.enable()


def collect(*, stays: bool) -> bool:
    """Make a full collection if one is due; return whether it was.

    Args:
        stays: What is left afterwards is there to stay, as in `begin`; garbage that is already old
            stays as well.
    """
    due = gc.isenabled() and gc.get_count()[-1] > 0
    if due and stays:
        gc.collect(1)  # a full one would walk through all of it once more
        gc.freeze()
    elif due:
        gc.collect()
    return due
