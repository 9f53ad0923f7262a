"""The real screen with a heartbeat on its event loop; writes the beats that came late as JSON.

With each stands what the loop itself took of a processor meanwhile, and what it waited for one that
others had; the rest of the time it waited for another thread of its own process, or for a disk.

Usage: measured_screen.py OUT.json [evaltui options]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from evaltui.cli.main import main
from evaltui.ui import app

BEAT_S = 0.005
LATE_S = 0.006
_SCHEDULED = os.open("/proc/thread-self/schedstat", os.O_RDONLY)


class MeasuredApp(app.EvaltuiApp):
    """The screen, and a task that wants to run every 5 ms."""

    out = Path()

    def on_mount(self) -> None:
        """Start the heartbeat; Textual itself calls the on_mount of every base class."""
        self.late: list[tuple[float, ...]] = []
        self.beats = 0
        self.engine_s = float("inf")
        self.run_worker(self._beat(), group="heartbeat")

    async def _beat(self) -> None:
        began = time.monotonic()
        while True:
            due, before, queued = time.monotonic() + BEAT_S, time.thread_time(), queued_s()
            await asyncio.sleep(BEAT_S)
            late, used = time.monotonic() - due, time.thread_time() - before
            self.beats += 1
            if self.engine_s > due and self.conductor is not None and self.conductor.link.pid:
                self.engine_s = round(due - began, 3)
            if late > LATE_S:
                at = round(due - began, 3)
                displaced = queued_s() - queued
                self.late.append((at, *(round(part * 1000, 1) for part in (late, used, displaced))))

    async def leave(self, code: int = 0) -> None:
        """Write down what was measured, then leave."""
        facts: dict[str, Any] = {
            "beats": self.beats,
            "late_ms": self.late,
            "engine_s": self.engine_s,
        }
        facts["forbidden"] = sorted(
            {"mlflow", "sqlalchemy", "pandas", "databricks"} & sys.modules.keys()
        )
        self.out.write_text(json.dumps(facts), encoding="utf-8")
        await super().leave(code)


def queued_s() -> float:
    """Return how long this thread was ready to run and had no processor, in seconds, so far."""
    return int(os.pread(_SCHEDULED, 100, 0).split()[1]) / 1e9


if __name__ == "__main__":
    MeasuredApp.out = Path(sys.argv[1])
    app.EvaltuiApp = MeasuredApp  # type: ignore[misc]  # what run_app makes
    sys.exit(main(sys.argv[2:]))
