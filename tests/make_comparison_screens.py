"""Makes the pictures of two real report series compared, in screenshots/.

    EVALTUI_SAMPLES=DIRECTORY python tests/make_comparison_screens.py

One series is twelve reports of the app-evaluation family, logged as they are. The other is two
SWE-bench Verified results of one model with and without a second opinion (polydev-swe-bench, MIT),
which evaltui has no reader for: they become reports in evaltui's own format. The samples are read
from that directory and are not part of this repository; only the pictures are.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stores import EXPERIMENT, new_store, quiet_environ

from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
PATIENCE_S = 120.0
EVALTUI = str(Path(sys.executable).parent / "evaltui")

Shot = tuple[str, tuple[int, int], tuple[str, ...]]
APP_EVAL: tuple[Shot, ...] = (
    ("compare-app-eval-120x40", (120, 40), ("g", "c")),
    ("compare-app-eval-cases-160x50", (160, 50), ("g", "c", "l", "j")),
    ("compare-app-eval-series-160x50", (160, 50), ("g", "space", "space", "space", "space", "c")),
)
SWE_BENCH: tuple[Shot, ...] = (
    ("compare-swe-bench-120x40", (120, 40), ("g", "c")),
    ("compare-swe-bench-statistics-120x40", (120, 40), ("g", "c", "S")),
)


def swe_bench_report(path: Path, *, name: str, started_at: str) -> dict[str, Any]:
    """Return a result of SWE-bench's harness as a report in evaltui's own format."""
    told = json.loads(path.read_text(encoding="utf-8"))
    resolved, broken = set(told["resolved_ids"]), set(told["error_ids"])
    cases = [
        {
            "id": case_id,
            "status": "error" if case_id in broken else "pass" if case_id in resolved else "fail",
            "scores": {} if case_id in broken else {"resolved": float(case_id in resolved)},
        }
        for case_id in told["submitted_ids"]
    ]
    judged = len(cases) - len(broken)
    return {
        "schema": "evaltui.report/1",
        "id": f"swe-bench-{name}",
        "name": name,
        "mode": "swe_bench",
        "model": path.name.partition(".")[0],
        "started_at": started_at,
        "params": {"dataset": "SWE-bench Verified", "setting": name},
        "metrics": [
            {
                "name": "resolved_rate",
                "value": len(resolved) / judged,
                "direction": "higher",
                "unit": "rate",
                "n": judged,
            },
            {
                "name": "error_instances",
                "value": len(broken),
                "direction": "lower",
                "unit": "count",
            },
        ],
        "cases": cases,
    }


def log(place: Path, reports: Sequence[Path], first: str) -> Settings:
    """Log reports into a store of their own; the first one is the baseline of all."""
    place.mkdir()
    store = new_store(place / "store.db")
    env = quiet_environ(
        EVALTUI_STATE_DIR=str(place / "state"),
        EVALTUI_TRACKING_URI=f"sqlite:///{store}",
        EVALTUI_EXPERIMENT=EXPERIMENT,
        HOME=os.environ["HOME"],
    )
    subprocess.run([EVALTUI, "log", *map(str, reports)], env=env, check=True, stdout=sys.stderr)
    listed = subprocess.run(
        [EVALTUI, "runs", "--format", "json"], env=env, check=True, capture_output=True
    )
    runs = sorted(json.loads(listed.stdout)["runs"], key=lambda run: run["started_at"])
    chosen = next(run["run_id"] for run in runs if first in run["name"])
    subprocess.run([EVALTUI, "baseline", "set", chosen], env=env, check=True, stdout=sys.stderr)
    return Settings(
        state_dir=place / "state",
        tracking_uri=f"sqlite:///{store}",
        experiment=EXPERIMENT,
        glyphs="block",
        theme="dark",
    )


async def take(settings: Settings, shots: Sequence[Shot], runs: int) -> None:
    """Take pictures of a store with a number of runs."""
    for name, size, keys in shots:
        app = EvaltuiApp(settings)
        async with app.run_test(size=size) as pilot:
            await _until(lambda app=app: _runs(app) == runs)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                await _until(lambda app=app: not _busy(app))
            await asyncio.sleep(0.5)  # the words about a line follow the cursor after a rest
            await pilot.pause()
            text = app.export_screenshot(title="evaltui")
            (FOLDER / f"{name}.svg").write_text(text, encoding="utf-8")
            print(f"screenshots/{name}.svg")
            await app.leave()


def _runs(app: EvaltuiApp) -> int:
    return app.conductor.session.bench.total if app.conductor is not None else 0


def _busy(app: EvaltuiApp) -> bool:
    return app.conductor is None or app.conductor.main.comparing


async def _until(condition: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what the picture is to show does not come")
        await asyncio.sleep(0.05)  # how often it is looked


def main() -> int:
    """Take the pictures."""
    if "EVALTUI_SAMPLES" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    samples = Path(os.environ["EVALTUI_SAMPLES"])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["HOME"] = folder  # paths on the pictures are the same every time
        series = sorted((samples / "app_eval/series_k1_2025-11-17").glob("*.json"))
        settings = log(place / "apps", series, "")
        asyncio.run(take(settings, APP_EVAL, len(series)))
        made = []
        for name, word, at in (
            ("haiku-4.5 alone", "baseline", "2025-12-28T09:00:00Z"),
            ("haiku-4.5 polydev", "polydev", "2025-12-28T15:00:00Z"),
        ):
            (found,) = (samples / "swebench").glob(f"*{word}-eval.json")
            report = swe_bench_report(found, name=name, started_at=at)
            made.append(place / f"{name}.json")
            made[-1].write_text(json.dumps(report), encoding="utf-8")
        settings = log(place / "swe", made, "alone")
        asyncio.run(take(settings, SWE_BENCH, len(made)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
