"""The header line: what is looked at, why, and whether it is live."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.events import StoreState, StoreStatus, WatchRole, WatchStatus
from evaltui.domain.text import clean
from evaltui.ui.format import clock_text, duration_text

WARNING_FROM = 60
"""Width from which the warning has room."""
WHOLE_WARNING_FROM = 140
"""Width from which it is not cut short."""


def store_text(store: StoreStatus | None, *, engine_down: str) -> tuple[str, str]:
    """Return a word or two on the store and the style class for it."""
    if engine_down:
        return "ENGINE DOWN", "$warning"
    if store is None or store.state is StoreState.CONNECTING:
        return "CONNECTING", "$quiet"
    since = f" since {clock_text(store.since_s)}" if store.since_s else ""
    if store.state is StoreState.LIVE:
        return f"LIVE {store.poll_interval_s:g}s", "$better"
    if store.state is StoreState.PAUSED:
        age = f", as of {clock_text(store.data_at_s)}" if store.data_at_s else ""
        return f"PAUSED{age}", "$warning"
    if store.state is StoreState.OFFLINE:
        return f"OFFLINE{since}", "$worse"
    return f"REFUSED{since}", "$worse"


def watch_text(watch: WatchStatus | None) -> str:
    """Return the watch in figures, or an empty text when nothing is watched."""
    if watch is None or watch.role is WatchRole.NONE:
        return ""
    total = watch.logged + watch.pending + watch.failed
    parts = [f"watch {watch.logged}/{total}"]
    if watch.pending:
        parts.append(f"{watch.pending} pending")
    parts.append(f"{watch.failed} err" if watch.failed else "ok" if not watch.pending else "")
    if watch.backlog:
        left = (
            f", {duration_text(watch.backlog / watch.backlog_rate)}" if watch.backlog_rate else ""
        )
        parts.append(f"backlog {watch.backlog}{left}")
    if watch.role is WatchRole.VIEWER and watch.watcher_pid is not None:
        parts.append(f"by pid {watch.watcher_pid}")
    return " ".join(part for part in parts if part)


class Header(Widget):
    """One line: experiment, target and why, state of the store, the watch, a warning."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._store: StoreStatus | None = None
        self._watch: WatchStatus | None = None
        self._engine_down = ""
        self._experiment = ""
        self._drawn = Content("")

    def show(
        self,
        store: StoreStatus | None,
        watch: WatchStatus | None,
        *,
        engine_down: str = "",
        experiment: str = "",
    ) -> None:
        """Show new figures; nothing is drawn when nothing differs.

        Args:
            store: Status of the tracking target, or None before it is known.
            watch: Status of the watch, or None before it is known.
            engine_down: Why there is no engine, or "".
            experiment: Name to show until the engine says it.
        """
        self._store, self._watch = store, watch
        self._engine_down, self._experiment = engine_down, experiment
        if self._line() != self._drawn:  # most polls change a time that is not on show
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        self._drawn = self._line()
        return self._drawn

    def _line(self) -> Content:
        """Return the line, the left part shortened where the width asks for it."""
        width = self.size.width
        state, style = store_text(self._store, engine_down=self._engine_down)
        right = [(state, style)]
        watch = watch_text(self._watch)
        if watch:
            failed = self._watch is not None and self._watch.failed
            right.append((watch, "$worse" if failed else "$foreground"))
        warning = self._warning()
        if warning and width >= WARNING_FROM:
            right.append((f"! {warning}", "$worse"))
        taken = sum(cell_len(text) + 2 for text, _ in right)
        left = set_cell_size(self._left(width - taken - 1), max(0, width - taken - 2))
        pieces: list[Content] = [Content.styled(f" {left}", "bold")]
        for text, look in right:
            pieces += [Content("  "), Content.styled(text, look)]
        return Content("").join(pieces)

    def _left(self, room: int) -> str:
        experiment, target, why = clean(self._experiment), "", ""
        if self._store is not None:
            experiment = clean(self._store.experiment) or experiment
            target, why = clean(self._store.target), clean(self._store.why)
        named = f"{experiment}  {target}" + (f" ({why})" if why else "")
        short = experiment.rpartition("/")[2] or experiment
        for text in (
            f"evaltui  {named}",
            f"{named}",
            f"{short}  {target}" + (f" ({why})" if why else ""),
            f"{short}  {target}",
            f"{short}  {target.partition(' ')[0]}" + (f" ({why})" if why else ""),
        ):
            if cell_len(text) + 1 < room:
                return text
        return short

    def _warning(self) -> str:
        if self._store is None or not self._store.warning:
            return "read-only" if self._store is not None and self._store.read_only else ""
        text = clean(self._store.warning)
        return text if self.size.width >= WHOLE_WARNING_FROM else clean(text, limit=24)
