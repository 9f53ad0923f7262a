"""Directories of their own for programs that run in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pty_session import PtySession, screen_command


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
