"""The start of the engine process: `python -P -m evaltui.hosting`.

What the engine imports is there to stay: collecting garbage meanwhile would only delay it. And it
gives way to the screen, which has little to do but at once.
"""

from __future__ import annotations

import contextlib
import gc
import os

from evaltui.memory import keep_large_blocks_apart

GIVES_WAY = 5
"""Steps of niceness below the screen: a third of a processor's time to its one, where both want it.
Linux shares processors between sessions first, so where that is so nobody else gains by this."""


def main() -> None:
    """Load the engine without collections, and run it."""
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.nice(GIVES_WAY)
    keep_large_blocks_apart()
    gc.disable()  # the engine turns it on when it stands
    from evaltui.host import main as serve  # noqa: PLC0415 - that is what takes its time

    serve()


if __name__ == "__main__":
    main()
