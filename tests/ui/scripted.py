"""A screen with an engine that says what a test wants it to say, at a fixed time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loop_rest import loop_rests
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.pilot import Pilot

from evaltui.domain.events import StoreState, StoreStatus, WatchRole, WatchStatus
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import RunDelta
from evaltui.engine.link import Reply, RunsChanged, StoreChanged, Verb, WatchChanged
from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp, Recall, nothing
from evaltui.ui.client import EngineLink, EngineUp, LinkEvent
from evaltui.ui.conductor import Conductor
from evaltui.ui.engine_spawn import EarlyEngine
from evaltui.ui.main_screen import MainScreen
from evaltui.ui.page_keeper import Shelf
from evaltui.ui.screens.too_small import TooSmallScreen
from evaltui.ui.session import Session

NOW_S = 1_795_530_120.0
"""2026-11-24 14:22:00 UTC."""
HOUR_MS = 3_600_000
PATIENCE_S = 90.0
"""Longest wait: what a screen imports in its threads takes a loaded machine long."""

Answer = Mapping[str, Any] | str | Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A payload, the text of an error, or what makes a payload of the arguments."""


class ScriptedLink(EngineLink):
    """An engine in this process: answers by a table, and notes what it was asked."""

    def __init__(self, settings: Settings, deliver: Callable[[LinkEvent], None]) -> None:
        super().__init__(settings, deliver)
        self.say = deliver
        self.asked: list[tuple[Verb, Mapping[str, Any]]] = []
        self.answers: dict[Verb, Answer] = {}
        self.script: list[LinkEvent] = []
        self.started = asyncio.Event()
        self.held: asyncio.Event | None = None
        self.stopped = False
        self.retried = 0

    @property
    def alive(self) -> bool:
        """Whether the engine runs."""
        return self.started.is_set() and not self.stopped

    async def run(self) -> None:
        """Say the script, then stay."""
        self.started.set()
        self.say(EngineUp(again=False))
        for event in self.script:
            self.say(event)
        await asyncio.Event().wait()

    async def request(
        self, verb: Verb, args: Mapping[str, Any] | None = None, *, slot: str = ""
    ) -> Reply | None:
        """Answer from the table; None when nothing stands there."""
        self.asked.append((verb, dict(args or {})))
        answer = self.answers.get(verb)
        if self.held is not None:
            await self.held.wait()
        if answer is None:
            return None
        if isinstance(answer, str):
            return Reply(1, {}, answer, "try again")
        return Reply(1, answer(dict(args or {})) if callable(answer) else answer)

    def tell(self, verb: Verb, args: Mapping[str, Any] | None = None) -> bool:
        """Note the wish."""
        self.asked.append((verb, dict(args or {})))
        return self.alive

    def retry_now(self) -> None:
        """Count."""
        self.retried += 1

    async def close(self, grace_s: float = 0.0, *, finish: bool = False) -> None:
        """Stop."""
        self.stopped = True

    def kill(self) -> None:
        """Stop."""
        self.stopped = True


def make_app(
    *script: LinkEvent,
    settings: Settings | None = None,
    answers: Mapping[Verb, Answer] | None = None,
    cwd: str = "/home/ada/evals",
    recall: Recall = nothing,
    shelf: Shelf | None = None,
    early: EarlyEngine | None = None,
) -> EvaltuiApp:
    """Return an application whose engine says `script`."""

    def make_link(wanted: Settings, deliver: Callable[[LinkEvent], None]) -> ScriptedLink:
        link = ScriptedLink(wanted, deliver)
        link.script = list(script)
        link.answers = dict(answers or {})
        return link

    chosen = settings or Settings(glyphs="block", theme="dark", display="lean")
    return EvaltuiApp(
        chosen,
        make_link=make_link,
        clock=lambda: NOW_S,
        cwd=cwd,
        recall=recall,
        shelf=shelf,
        page=shelf.take() if shelf is not None else None,
        early=early,
    )


def link_of(app: EvaltuiApp) -> ScriptedLink:
    """Return the scripted engine of an application that has come so far."""
    link = conductor_of(app).link
    assert isinstance(link, ScriptedLink)
    return link


def conductor_of(app: EvaltuiApp) -> Conductor:
    """Return the conductor of an application that has come so far."""
    assert app.conductor is not None
    return app.conductor


def session_of(app: EvaltuiApp) -> Session:
    """Return the state of an application that has come so far."""
    return conductor_of(app).session


def main_of(app: EvaltuiApp) -> MainScreen:
    """Return the main screen of an application that has come so far."""
    return conductor_of(app).main


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Let the application run until a condition holds, and on until nothing more is under way.

    One that asserts, or asks for a widget or screen that is not there yet, does not hold yet.
    A main screen that is there, and not covered, is also waited for until all its panes are.

    Raises:
        AssertionError: It does not come to hold.
    """
    end = time.monotonic() + PATIENCE_S
    while not _holds(pilot.app, condition):
        assert time.monotonic() < end, f"never: {condition}"
        with contextlib.suppress(ScreenStackError):  # the application ends
            await pilot.pause(0.01)
    await loop_rests()


def _holds(app: App[Any], condition: Callable[[], bool]) -> bool:
    with contextlib.suppress(AssertionError, NoMatches, ScreenStackError):
        return condition() and _is_whole(app)
    return False


def _is_whole(app: App[Any]) -> bool:
    conductor = app.conductor if isinstance(app, EvaltuiApp) else None
    if conductor is None or not conductor.main.is_running:
        return True
    return conductor.main.following is not None or isinstance(app.screen, TooSmallScreen)


def screen_text(app: EvaltuiApp) -> str:
    """Return the characters on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


# -- what the engine says -------------------------------------------------------------------------


def store(**changes: Any) -> StoreChanged:
    """Return a live local store, with changes."""
    fields: dict[str, Any] = {
        "target": "sqlite ~/.local/share/evaltui/mlflow.db",
        "why": "default",
        "experiment": "/Shared/klaudbiusz-evaluations",
        "experiment_id": "1",
        "state": StoreState.LIVE,
        "since_s": NOW_S - 600,
        "poll_interval_s": 0.5,
        "data_at_s": NOW_S - 1,
    }
    return StoreChanged(StoreStatus(**(fields | changes)))


def watching(**changes: Any) -> WatchChanged:
    """Return a watch on one directory, with changes."""
    fields: dict[str, Any] = {
        "roots": ("/home/ada/evals",),
        "role": WatchRole.WATCHER,
        "logged": 3,
        "events": "events",
    }
    return WatchChanged(WatchStatus(**(fields | changes)))


def runs(
    *rows: Run, complete: bool = True, reset: bool = False, removed: Sequence[str] = ()
) -> RunsChanged:
    """Return a page of runs."""
    return RunsChanged(RunDelta.from_runs(rows, complete=complete, removed=removed), reset=reset)


def run(
    run_id: str,
    *,
    name: str | None = None,
    hours_ago: float | None = 1.0,
    mode: str | None = "mcp",
    status: RunStatus = RunStatus.FINISHED,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Run:
    """Return a run that started some hours before now."""
    start = None if hours_ago is None else int(NOW_S * 1000 - hours_ago * HOUR_MS)
    own = {Tag.MODE.value: mode} if mode is not None else {}
    return Run(
        run_id=run_id,
        experiment_id="1",
        name=run_id if name is None else name,
        status=status,
        started_ms=start,
        ended_ms=None if start is None else start + 900_000,
        metrics=dict(metrics or {}),
        params=dict(params or {}),
        tags=own | dict(tags or {}),
    )


_QUALITY = (0.71, 0.74, 0.73, 0.78, 0.76, 0.81, 0.79, 0.35, 0.80, 0.83, 0.85, 0.84)


def evaluation(number: int, *, mode: str = "mcp", hours_ago: float | None = None) -> Run:
    """Return a believable run of the app-evaluation family; the eighth one went wrong."""
    quality = _QUALITY[number % len(_QUALITY)]
    wobble = ((number * 7) % 5 - 2) / 100
    metrics = {
        "overall_quality_score": quality,
        "build_success_rate": min(1.0, quality + 0.12),
        "runtime_success_rate": min(1.0, quality + 0.08 + wobble),
        "tests_pass_rate": quality - 0.06 - wobble,
        "databricks_connectivity_rate": min(1.0, quality + 0.03),
        "avg_local_runability_score": 3.0 + quality,
        "generation_cost_usd": 4.1 + wobble * 20,
        "total_output_tokens": 181_000.0 + number * 1_234,
        "avg_turns_per_app": 31.0 + number % 4,
        "total_apps": 20.0,
    }
    if number % 3 == 0:
        del metrics["tests_pass_rate"]
    ago = hours_ago if hours_ago is not None else (12 - number) * 2.5 + 0.5
    return run(
        f"{number:02d}a7c4e19b{mode[:1]}",
        name=f"eval_{mode}_{1200 + number}",
        hours_ago=ago,
        mode=mode,
        metrics=metrics,
        params={
            "mode": mode,
            "total_apps": "20",
            "model_version": "claude-sonnet-4-5" if number > 5 else "claude-sonnet-4",
            "prompt_version": f"v{9 + number // 4}",
            "backend": "claude",
        },
        tags={"framework": "klaudbiusz", "evaltui.headline": "overall_quality_score"},
    )


def batch() -> list[Run]:
    """Return twelve runs of one mode and three of another, one of them failed."""
    found = [evaluation(number) for number in range(12)]
    found += [evaluation(n, mode="vanilla_sdk", hours_ago=n * 5 + 1.2) for n in (1, 5, 9)]
    found.append(run("99failed00", name="eval_mcp_broken", hours_ago=6.2, status=RunStatus.FAILED))
    return found


SNAPSHOTS = Path(__file__).parent / "__snapshots__"
