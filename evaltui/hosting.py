"""The start of the engine process: `python -P -m evaltui.hosting`.

What the engine imports is there to stay: collecting garbage meanwhile would only delay it.
"""

from __future__ import annotations

import gc

from evaltui.memory import keep_large_blocks_apart


def main() -> None:
    """Load the engine without collections, and run it."""
    keep_large_blocks_apart()
    gc.disable()  # the engine turns it on when it stands
    from evaltui.host import main as serve  # noqa: PLC0415 - that is what takes its time

    serve()


if __name__ == "__main__":
    main()
