"""A line to type a directory in, with completion."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from evaltui.domain.text import clean

_MOST_CANDIDATES = 2_000
_NAMED = 8


class PathPrompt(ModalScreen[str | None]):
    """Asks for a directory; the result is what was typed, or None when it was left.

    Args:
        title: What the directory is for; may be foreign.
        value: What stands there at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", id="prompt.leave"),
        Binding("tab", "complete", "complete", id="prompt.complete", priority=True),
    ]
    DEFAULT_CSS = """
    PathPrompt { align: center middle; background: $background 60%; }
    PathPrompt > Vertical {
        width: 80; max-width: 96%; height: auto;
        background: $surface; border: round $primary; padding: 0 1;
    }
    PathPrompt Static { width: 1fr; height: auto; }
    PathPrompt Input { height: 1; padding: 0; background: $surface; }
    """

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title = clean(title)
        self._value = value

    def compose(self) -> ComposeResult:
        """Lay out title, input and note."""
        with Vertical():
            yield Static(Content.styled(self._title, "bold $primary"))
            field = Input(clean(self._value, limit=4_096), compact=True, select_on_focus=False)
            field.cursor_blink = False  # a blinking cursor is traffic for nothing
            yield field
            yield Static(Content(_KEYS_NOTE), id="prompt-note")

    def on_mount(self) -> None:
        """Put the cursor behind the text."""
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = len(field.value)

    def on_input_changed(self) -> None:
        """Take an objection away: the text is another one now."""
        self._note(_KEYS_NOTE)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Accept the text when it names a directory."""
        event.stop()
        text = event.value.strip()
        if not text:
            return
        if _is_directory(text):
            self.dismiss(text)
        else:
            self._note("no such directory", style="$warning")

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_complete(self) -> None:
        """Complete the last part of the path as far as it is certain."""
        field = self.query_one(Input)
        completed, candidates = complete_directory(field.value)
        if completed != field.value:
            field.value = completed
            field.cursor_position = len(completed)
        elif len(candidates) > 1:
            names = "  ".join(clean(name, limit=40) for name in candidates[:_NAMED])
            self._note(names + ("  …" if len(candidates) > _NAMED else ""))

    def _note(self, text: str, *, style: str = "$quiet") -> None:
        self.query_one("#prompt-note", Static).update(Content.styled(text, style))


_KEYS_NOTE = "enter accepts · tab completes · esc closes"


def _is_directory(text: str) -> bool:
    try:
        return Path(text).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def complete_directory(text: str) -> tuple[str, list[str]]:
    """Complete the last part of a path.

    Args:
        text: A path as it is being typed; `~` is understood.

    Returns:
        The text with as much added as all candidates share (and a slash when there is one only),
        and the names of the candidates, sorted.
    """
    head, slash, start = text.rpartition("/")
    folder = head + slash if slash else ""
    try:
        base = Path(folder or ".").expanduser()
        names = []
        for at, entry in enumerate(base.iterdir()):
            if at >= _MOST_CANDIDATES:
                break
            hidden = entry.name.startswith(".") and not start.startswith(".")
            if entry.name.startswith(start) and not hidden and entry.is_dir():
                names.append(entry.name)
    except (OSError, RuntimeError, ValueError):
        return text, []
    names.sort()
    if not names:
        return text, []
    shared = names[0] + "/" if len(names) == 1 else _common_start(names)
    return folder + shared, names


def _common_start(names: list[str]) -> str:
    low, high = names[0], names[-1]
    for at, (left, right) in enumerate(zip(low, high, strict=False)):
        if left != right:
            return low[:at]
    return low
