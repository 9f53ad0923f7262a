"""Every frame of an application twice: as Textual draws it, and as the lean display does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyte
from rich.console import Console, RenderableType
from strict_terminal import StrictTerminal
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen

from evaltui.ui.app import EvaltuiApp
from evaltui.ui.lean.updates import takes


class TwoTerminals:
    """Stands where an application's frames go to a terminal, and compares two terminals.

    Args:
        app: The application, before it runs.
        colours: "truecolor", "256" or "standard".

    Attributes:
        frames: Frames that were compared.
        textual_bytes: What Textual would have sent for them.
        lean_bytes: What the lean display sends.
        torn: Until the next whole frame the two may differ: another program wrote to them, or
            frames were made for the size before, whose lines beyond the edge make Textual's
            terminal scroll, while the lean display leaves them out.
    """

    def __init__(self, app: EvaltuiApp, *, colours: str = "truecolor") -> None:
        assert app._lean is not None
        self._app, self._lean = app, app._lean
        self._console = Console(
            color_system=colours,  # type: ignore[arg-type]  # one of Rich's names
            force_terminal=True,
            legacy_windows=False,
        )
        self._terminals = (StrictTerminal(80, 24), StrictTerminal(80, 24))
        self._streams = tuple(pyte.Stream(terminal) for terminal in self._terminals)
        for stream in self._streams:
            stream.feed("\x1b[?7l")
        self.torn = False
        self.frames = self.textual_bytes = self.lean_bytes = 0
        app._display = self._display  # type: ignore[method-assign]

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if takes(renderable):
            assert isinstance(renderable, LayoutUpdate | ChopsUpdate)
            self._compare(renderable)
        App._display(self._app, screen, renderable)

    def _compare(self, update: LayoutUpdate | ChopsUpdate) -> None:
        size = (self._app.size.width, self._app.size.height)
        self._resize(size)
        whole = update.render_segments(self._console)
        lean = self._lean.draw(update, self._console, size)
        dirty: set[int] = set()
        for stream, terminal, text in zip(
            self._streams, self._terminals, (whole, lean), strict=True
        ):
            terminal.dirty.clear()
            stream.feed(text)
            dirty |= terminal.dirty
        self.frames += 1
        self.textual_bytes += len(whole.encode())
        self.lean_bytes += len(lean.encode())
        region = update.region if isinstance(update, LayoutUpdate) else None
        if region == Region(0, 0, *size):
            self.torn = False
        elif not _fits(update, size):
            self.torn = True
        if not self.torn:
            self._assert_same(sorted(dirty & set(range(size[1]))))

    def _assert_same(self, lines: Iterable[int]) -> None:
        textual, ours = self._terminals
        for y in lines:
            pairs = zip(ours.looks(y), textual.looks(y), strict=True)
            differing = [(x, *pair) for x, pair in enumerate(pairs) if pair[0] != pair[1]]
            assert not differing, f"frame {self.frames}, line {y}: {differing[:3]}"

    def _resize(self, size: tuple[int, int]) -> None:
        for terminal in self._terminals:
            if (terminal.columns, terminal.lines) != size:
                terminal.resize(size[1], size[0])

    def spoil(self, text: str) -> None:
        """Let another program write to both terminals: they differ until all is drawn again."""
        self.torn = True
        for stream in self._streams:
            stream.feed(text)

    @property
    def text(self) -> str:
        """What the terminal of the lean display shows."""
        return "\n".join(self._terminals[1].display)

    def assert_same(self) -> None:
        """Compare every cell of the two, and that no torn frame is left."""
        assert not self.torn
        self._assert_same(range(self._terminals[0].lines))


def _fits(update: LayoutUpdate | ChopsUpdate, size: tuple[int, int]) -> bool:
    if isinstance(update, LayoutUpdate):
        return update.region.right <= size[0] and update.region.bottom <= size[1]
    return all(y < size[1] and update.chop_ends[y][-1] <= size[0] for y, _, _ in update.spans)
