"""`evaltui demo` in a terminal: the whole job in half a minute, and nothing left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pty_session import PtySession
from second_look import recording_server
from stores import quiet_environ, template_database

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("demo")]

DEMO = [sys.executable, "-P", "-m", "evaltui", "demo"]


@dataclass
class Home:
    """A home and a directory for temporary files, which must be empty in the end."""

    folder: Path

    @property
    def environ(self) -> dict[str, str | None]:
        kept = {name: text for name, text in quiet_environ().items() if not name.startswith("XDG_")}
        return {
            **dict.fromkeys(os.environ),
            **kept,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "COLORTERM": "truecolor",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def left(self) -> list[str]:
        """Return what lies there."""
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob("*/*")]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    template_database()  # made before the time for the demo runs
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    return Home(tmp_path)


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[str]]]:
    with recording_server() as found:
        yield found


def runs_shown(session: PtySession) -> int:
    found = re.search(r"Runs (\d+)", session.text)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_demo_shows_runs_a_regression_and_a_broken_report_and_leaves_nothing(
    home: Home, size: tuple[int, int]
) -> None:
    with PtySession(DEMO, size=size, env=home.environ, cwd=home.folder) as session:
        session.until(lambda: runs_shown(session) >= 12, "the history as runs")
        before = runs_shown(session)
        session.until(lambda: runs_shown(session) > before + 3, "live runs")
        session.until(lambda: re.search(r"\d!", session.text), "a value that got worse")
        session.until(lambda: re.search(r"[1-9]\d* (err|failed|bad)", session.text), "a failure")
        session.send("5")
        session.until_text("demo/reports/mcp")
        session.send("4")
        session.until_text("no web page")
        assert str(home.folder) not in bytes(session.data).decode(errors="replace")
        session.send("q")  # to the runs, and out: nothing of the person's goes unwatched
        session.until_text("[1 Runs]")
        session.send("q")
        assert session.wait() == 0
        assert "evaltui --watch DIR" in bytes(session.data).decode(errors="replace")
    assert home.left() == []


def test_nothing_of_the_environment_counts(home: Home, recorder: tuple[str, list[str]]) -> None:
    url, requests = recorder
    hostile = {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_REGISTRY_URI": url,
        "MLFLOW_EXPERIMENT_NAME": "/Shared/theirs",
        "MLFLOW_TRACKING_TOKEN": "secret-token",
        "DATABRICKS_HOST": url,
        "DATABRICKS_TOKEN": "dapi0123456789abcdef",
        "EVALTUI_CONFIG": "/no/such/garbage.toml",
        "EVALTUI_MODE": "theirs",
        "EVALTUI_NO_SUCH_SETTING": "1",
        "EVAL_MODE": "theirs",
    }
    (home.folder / ".env").write_text(f"MLFLOW_TRACKING_URI={url}\n")
    environ = {**home.environ, **hostile}
    with PtySession(DEMO, size=(120, 40), env=environ, cwd=home.folder) as session:
        session.until(lambda: runs_shown(session) >= 12, "the history as runs")
        assert "theirs" not in session.text
        assert "klaudbiusz-evaluations" in session.text
        session.send("\x03")
        assert session.wait() == 0
    assert requests == []
    assert home.left() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_leaves_nothing(home: Home, number: signal.Signals) -> None:
    with PtySession(DEMO, size=(100, 30), env=home.environ, cwd=home.folder) as session:
        session.until(lambda: runs_shown(session) >= 1, "a run")
        for _ in range(3):  # a terminal that closes hangs up, and so does its shell
            session.process.send_signal(number)
            session.pump(0.02)
        assert session.wait() == 128 + number
    assert home.left() == []


@pytest.mark.parametrize(
    "flags",
    [
        ["--tracking-uri", "http://127.0.0.1:1"],
        ["--experiment", "theirs"],
        ["--state-dir", "s"],
        ["--data-dir", "d"],
        ["--profile", "p"],
    ],
)
def test_a_place_that_is_named_is_refused(home: Home, flags: list[str]) -> None:
    environ = {name: text for name, text in home.environ.items() if text is not None}
    done = subprocess.run(
        [*DEMO, *flags], capture_output=True, text=True, env=environ, cwd=home.folder, check=False
    )
    assert done.returncode == 2
    assert "the demo has" in done.stderr
    assert home.left() == []


def test_without_a_terminal_the_demo_is_refused_and_makes_nothing(home: Home) -> None:
    environ = {name: text for name, text in home.environ.items() if text is not None}
    done = subprocess.run(
        DEMO, capture_output=True, text=True, env=environ, cwd=home.folder, check=False
    )
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert home.left() == []
