"""The demo's temporary place, which is shown by name: a path that is gone soon helps nobody."""

from __future__ import annotations

import re

DEMO_PREFIX = "evaltui-demo-"
"""How the name of the demo's directory begins."""

_DEMO = re.compile(rf"(?:/[^/]+)*?/{DEMO_PREFIX}[^/]+(?=/|\Z)")


def is_in_demo(path: str) -> bool:
    """Return whether an absolute path lies in a demo's place."""
    return _DEMO.match(path) is not None


def shown_path(path: str) -> str:
    """Return an absolute path as it is shown: `demo/…` in a demo's place, else as it is."""
    return _DEMO.sub("demo", path, count=1) if is_in_demo(path) else path
