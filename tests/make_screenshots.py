"""Makes the pictures in screenshots/ from the demo: real reports, real store, real engine.

python tests/make_screenshots.py
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from evaltui.cli.demo import demo_place, forget_environment, place_settings, writing
from evaltui.domain.run import RunStatus
from evaltui.log import start_log
from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
PATIENCE_S = 180.0
RUNS = 16
"""Runs that are in the store when the pictures are taken: the history and the first live ones."""

SHOTS: tuple[tuple[str, tuple[int, int], tuple[str, ...]], ...] = (
    ("demo-120x40", (120, 40), ("g",)),
    ("demo-80x24", (80, 24), ("g",)),
    ("diff-120x40", (120, 40), ("g", "2")),
    ("trends-120x40", (120, 40), ("3",)),
    ("watch-80x24", (80, 24), ("5",)),
    ("run-120x40", (120, 40), ("g", "j", "j", "j", "enter")),
    ("help-80x24", (80, 24), ("question_mark",)),
)


async def take(settings: Settings) -> None:
    """Wait until the demo has come far enough, then take every picture."""
    for name, size, keys in SHOTS:
        app = EvaltuiApp(settings)
        async with app.run_test(size=size) as pilot:
            await until_logged(app)
            await pilot.press(*keys)
            await asyncio.sleep(1.0)  # what the last key asked of the engine arrives
            await pilot.pause()
            text = app.export_screenshot(title="evaltui")
            (FOLDER / f"{name}.svg").write_text(text, encoding="utf-8")
            print(f"screenshots/{name}.svg")
            await app.leave()


def _logged(app: EvaltuiApp) -> int:
    if app.conductor is None:
        return 0
    table = app.conductor.session.bench.table
    rows = range(table.size)
    return sum(
        bool(table.alive[row]) and table.run_status(row) is RunStatus.FINISHED for row in rows
    )


async def until_logged(app: EvaltuiApp) -> None:
    """Wait until enough runs are in the store and on the screen.

    Raises:
        TimeoutError: They do not come.
    """
    end = time.monotonic() + PATIENCE_S
    while _logged(app) < RUNS:
        if time.monotonic() > end:
            raise TimeoutError(f"{_logged(app)} of {RUNS} runs are logged")
        await asyncio.sleep(0.05)


def main() -> None:
    """Run the demo and take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    forget_environment()
    with demo_place() as place:
        settings = place_settings(place, Settings(theme="dark", glyphs="block"))
        start_log(settings)
        with writing(place / "reports", 7):
            asyncio.run(take(settings))


if __name__ == "__main__":
    main()
