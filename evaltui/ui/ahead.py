"""An engine that is started before the screen is even imported.

Where nothing is known before the store answers, the engine is what everybody waits for, and a
second processor has nothing else to do meanwhile. Imports little.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

from evaltui.settings import Settings
from evaltui.ui.engine_process import EarlyEngine

_FEW_THREADS = "OPENBLAS_NUM_THREADS"


class Ahead:
    """The event loop of the screen, made before it, and on it an engine.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: Settings) -> None:
        few_threads()
        self.runner = asyncio.Runner()
        self.engine = self.runner.run(_started(settings))

    def close(self) -> None:
        """End the loop, and the engine if nobody has taken it."""
        if not self.engine.taken:
            with contextlib.suppress(OSError):  # it could not be started
                self.runner.run(_end(self.engine))
        self.runner.close()


async def _started(settings: Settings) -> EarlyEngine:
    engine = EarlyEngine(settings, asked=True)
    await engine.launched()
    return engine


async def _end(engine: EarlyEngine) -> None:
    process = await engine.take()
    process.kill()
    await process.exited.wait()
    process.close()


def few_threads() -> None:
    """Keep numpy's library of linear algebra, which nothing here uses, from making threads.

    It makes one per processor otherwise, here and in the engine: a tenth of a second of its start.
    """
    os.environ.setdefault(_FEW_THREADS, "1")
