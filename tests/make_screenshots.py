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
REPORTS = 20
"""Reports that are there when the pictures are taken: the history and the first live ones."""

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
            await until_done(app)
            await pilot.press(*keys)
            await asyncio.sleep(1.0)  # what the last key asked of the engine arrives
            await pilot.pause()
            text = app.export_screenshot(title="evaltui")
            (FOLDER / f"{name}.svg").write_text(text, encoding="utf-8")
            print(f"screenshots/{name}.svg")
            await app.leave()


def _done(app: EvaltuiApp) -> int:
    """Return how many reports the watch is done with, and the screen shows as finished."""
    if app.conductor is None or (watch := app.conductor.session.bench.watch) is None:
        return 0
    table = app.conductor.session.bench.table
    rows = [row for row in range(table.size) if table.alive[row]]
    open_rows = [row for row in rows if table.run_status(row) is not RunStatus.FINISHED]
    return 0 if watch.pending or open_rows else watch.logged + watch.failed


async def until_done(app: EvaltuiApp) -> None:
    """Wait until every report is in the store and on the screen.

    Raises:
        TimeoutError: They do not come.
    """
    end = time.monotonic() + PATIENCE_S
    while _done(app) < REPORTS:
        if time.monotonic() > end:
            raise TimeoutError(f"{_done(app)} of {REPORTS} reports are done")
        await asyncio.sleep(0.05)  # how often it is looked


def write_reports(folder: Path) -> None:
    """Let the demo write until there are enough reports; then nothing changes any more."""
    with writing(folder, 7):
        while len(list(folder.rglob("evaluation_report.json"))) < REPORTS:
            time.sleep(0.1)  # how often it is looked


def main() -> None:
    """Run the demo and take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    forget_environment()
    with demo_place() as place:
        settings = place_settings(place, Settings(theme="dark", glyphs="block"))
        start_log(settings)
        write_reports(place / "reports")
        asyncio.run(take(settings))


if __name__ == "__main__":
    main()
