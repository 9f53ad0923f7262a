"""The real program, its engine replaced: `screen_with_fake_engine.py FLAGS --engine WORDS`.

With `BREAK_A_KEY` in the environment the key r raises an error that has a secret in its locals;
with `HANG_ON_A_KEY` it blocks the event loop for good.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the package beside this folder

from evaltui.cli.main import main  # noqa: E402 - the path first
from evaltui.ui import engine_spawn  # noqa: E402


def break_a_key() -> None:
    """Let the key r fail."""
    from evaltui.ui.app import EvaltuiApp

    def fail(_: EvaltuiApp) -> None:
        secret = "canary" + "-in-locals"
        message = "a broken key"
        raise ZeroDivisionError(message if secret else "")

    EvaltuiApp.action_refresh_store = fail  # type: ignore[method-assign]


def hang_on_a_key() -> None:
    """Let the key r block the loop."""
    from evaltui.ui.app import EvaltuiApp

    def hang(_: EvaltuiApp) -> None:
        logging.getLogger("evaltui").warning("hanging")
        while True:
            time.sleep(1)  # for good: the loop is to hang

    EvaltuiApp.action_refresh_store = hang  # type: ignore[method-assign]


if __name__ == "__main__":
    cut = sys.argv.index("--engine")
    fake = Path(__file__).resolve().parent / "fake_engine.py"
    engine_spawn.ENGINE_COMMAND = (sys.executable, str(fake), *sys.argv[cut + 1 :])  # type: ignore[assignment]
    if os.environ.get("BREAK_A_KEY"):
        break_a_key()
    if os.environ.get("HANG_ON_A_KEY"):
        hang_on_a_key()
    sys.exit(main(sys.argv[1:cut]))
