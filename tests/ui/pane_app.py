"""An application around one widget, with the themes of the screen."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from evaltui.ui.theme import DARK


class PaneApp(App[int]):
    """Shows one widget over the whole screen and keeps what it posts.

    Args:
        widget: The widget, or None for an empty screen.
    """

    CSS = "Screen { layers: base; }"

    def __init__(self, widget: Widget | None = None) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.widget = widget
        self.posted: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"better": "ansi_blue", "worse": "ansi_yellow", "quiet": "ansi_bright_black"}

    def compose(self) -> ComposeResult:
        if self.widget is not None:
            yield self.widget

    def post_message(self, message: Message) -> bool:
        self.posted.append(message)
        return super().post_message(message)

    def of(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.posted if isinstance(message, kind)]


def screen_text(app: App[int]) -> list[str]:
    """Return the screen as it stands, line by line, without the blanks at the end."""
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in app.screen._compositor.render_strips()
    ]


async def settle(pilot: Pilot[int]) -> None:
    """Let messages, layout and repaint come to rest."""
    for _ in range(3):
        await pilot.pause()
