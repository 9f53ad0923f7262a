"""Which keys work in which pane, and which of them the footer offers there."""

from __future__ import annotations

from evaltui.ui.keys import APP_KEYS, DIFF_KEYS, LIST_KEYS, MAIN_KEYS, RUN_KEYS, WATCH_KEYS, Key

_ANYWHERE = frozenset(
    {"runs.filter", "runs.baseline", "runs.compare", "runs.watch", "runs.copy", "runs.close"}
)
"""Keys of the run list that the footer shows in other panes as well."""

_PANE_KEYS: dict[str, tuple[Key, ...]] = {
    "runs": MAIN_KEYS,
    "diff": (*DIFF_KEYS, *LIST_KEYS, *MAIN_KEYS),
    "trends": (*LIST_KEYS, *MAIN_KEYS),
    "cases": (*RUN_KEYS, *LIST_KEYS, *MAIN_KEYS),
    "watch": (*WATCH_KEYS, *LIST_KEYS, *MAIN_KEYS),
    "artifacts": (*LIST_KEYS, *MAIN_KEYS),
}


def keys_of(pane: str) -> tuple[Key, ...]:
    """Return the keys that work in a pane, nearest to the focus first."""
    return (*_PANE_KEYS[pane], *APP_KEYS)


def footer_keys(pane: str) -> list[Key]:
    """Return the keys that the footer offers in a pane."""
    keys = keys_of(pane)
    if pane == "runs":
        return list(keys)
    return [key for key in keys if key.pane != "runs" or key.id in _ANYWHERE]
