"""Directories for programs that run in a terminal, and workspaces to log to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pty_session import PtySession, screen_command
from workspaces import TOKEN, FakeWorkspace


class Opened:
    """Starts programs in terminals and ends what a test left running."""

    def __init__(self, folder: Path) -> None:
        self._sessions: list[PtySession] = []
        self.log = folder / "state" / "evaltui.log"
        self._env: dict[str, str | None] = {
            "EVALTUI_STATE_DIR": str(folder / "state"),
            "EVALTUI_DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "NO_COLOR": None,
            "COLORTERM": "truecolor",
        }

    def __call__(
        self,
        *flags: str,
        engine: tuple[str, ...] = ("serve",),
        size: tuple[int, int] = (80, 24),
        owned: bool = True,
        **env: str | None,
    ) -> PtySession:
        """Start the real program with a fake engine."""
        command = screen_command(*flags, engine=engine)
        session = PtySession(command, size=size, env={**self._env, **env}, owned=owned)
        self._sessions.append(session)
        return session

    def close(self) -> None:
        for session in self._sessions:
            session.__exit__(None, None, None)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[FakeWorkspace]]:
    """Two workspaces; the second one is where nothing must ever arrive."""
    folder = tmp_path_factory.mktemp("workspaces")
    with FakeWorkspace(folder / "ours") as ours, FakeWorkspace(folder / "theirs") as theirs:
        yield [ours.ready(), theirs.ready()]


@pytest.fixture
def ours(workspaces: list[FakeWorkspace]) -> Iterator[FakeWorkspace]:
    ours, theirs = workspaces
    for workspace in workspaces:
        workspace.tell("clear")
    yield ours
    ours.tell("clear")
    ours.tell("config", tokens={TOKEN: {"user": "dev@example.com"}}, limited=False, page_cap=0)
    assert theirs.count() == 0
