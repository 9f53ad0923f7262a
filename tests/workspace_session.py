"""An engine that is signed in to a stand-in for a workspace, and tempted by another one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from engine_process import EngineProcess
from second_look import StoredRun, own_report
from waiting import wait_for
from watch_process import drop
from workspaces import TOKEN, FakeWorkspace

from evaltui.domain.events import FileRow, FileState

WAYS = ("token", "client", "profile")
"""A personal token in the environment, a service principal, a profile."""

_ENGINE = str(Path(__file__).with_name("hurried_engine.py"))


class Session:
    """An engine and the directory that it watches; its waits between tries are shortened.

    Args:
        folder: For everything.
        ours: The workspace that is asked for.
        theirs: One that other variables and files name, and that must hear nothing.
        way: How to sign in, of WAYS.
        hurry: By how much the waits are shortened.
    """

    def __init__(
        self,
        folder: Path,
        ours: FakeWorkspace,
        theirs: FakeWorkspace,
        way: str = "profile",
        *,
        hurry: float = 100,
    ) -> None:
        self.workspace, self.way = ours, way
        self.reports, self.profile = folder / "in", folder / "cfg"
        self.reports.mkdir()
        elsewhere = f"[DEFAULT]\nhost = {theirs.url}\ntoken = {TOKEN}\n"
        (folder / ".databrickscfg").write_text(elsewhere)
        settings = {"watch": [str(self.reports)], "poll_interval_s": 1.0}
        environ = {
            "token": ours.by_token,
            "client": ours.by_client,
            "profile": lambda: ours.by_profile(self.profile) | theirs.by_token(),
        }[way]()
        if way == "profile":
            settings |= {"profile": "dev"}
        command = (sys.executable, "-P", _ENGINE, str(hurry))
        self.engine = EngineProcess(
            folder, settings, command=command, environ={**environ, "HOME": str(folder)}
        )
        self.engine.start()
        self.engine.until(lambda: self.engine.table.complete)

    def report(self, name: str) -> Path:
        """Put a report into the directory."""
        return drop(self.reports / f"{name}.json", own_report(0.5, id=name, name=name))

    def runs(self, name: str) -> list[StoredRun]:
        """Return all runs of a report, deleted and unfinished ones too."""
        return [run for run in self.workspace.runs() if run.name == name]

    def stored(self, name: str) -> list[StoredRun]:
        """Return the complete, active runs of a report."""
        runs = self.runs(name)
        return [run for run in runs if run.active and run.tags.get("evaltui.state") == "complete"]

    def until_stored(self, name: str) -> StoredRun:
        """Wait until store and screen have the one run of a report."""
        wait_for(lambda: self.stored(name), f"run of {name}")
        (run,) = self.stored(name)
        self.engine.until(lambda: run.run_id in {row.run_id for row in self.engine.runs()})
        return run

    def row(self, name: str) -> FileRow | None:
        """Return what the screen knows of a report's file."""
        path = str(self.reports / f"{name}.json")
        return next((row for row in self.engine.files.values() if row.path == path), None)

    def logged(self, *names: str) -> Callable[[], bool]:
        """Whether the screen shows reports as logged, read back and all."""

        def look() -> bool:
            rows = [self.row(name) for name in names]
            return all(row is not None and row.state is FileState.FINISHED for row in rows)

        return look

    def told(self, *words: str) -> Callable[[], bool]:
        """Whether some file waits for a reason with all these words."""
        return lambda: any(
            all(word in f"{row.reason} {row.hint}" for word in words)
            for row in self.engine.files.values()
        )

    def assert_once_and_whole(self, *names: str) -> None:
        """Fail unless each report has exactly one run in the store, with all that is in it."""
        for name in names:
            (run,) = (run for run in self.runs(name) if run.counts)
            assert (run.status, run.metrics) == ("FINISHED", {"accuracy": 0.5}), run
            assert sorted(run.artifacts) == ["app_metrics.json", f"{name}.json"], run
