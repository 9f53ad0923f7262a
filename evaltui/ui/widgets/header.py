"""The header line: what is looked at, why, and whether it is live."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.events import StoreState, StoreStatus, WatchRole, WatchStatus
from evaltui.domain.text import clean
from evaltui.ui.fitting import shorten
from evaltui.ui.instants import clock_text, duration_text

WARNING_FROM = 60
"""Width from which the warning has room."""
WHOLE_WARNING_FROM = 140
"""Width from which it is not cut short."""
OLD_FROM_S = 30.0
"""Seconds between polls from which the age of the data is worth its room."""
_SHORT_NAME = 16
_WORKSPACE = "databricks"


_SYNCING = frozenset({StoreState.CONNECTING, StoreState.LIVE})


def store_text(
    store: StoreStatus | None, *, engine_down: str, as_of_s: float | None = None
) -> tuple[str, str]:
    """Return a word or two on the store and the style class for it.

    Args:
        store: Status of the tracking target, or None before it is known.
        engine_down: Why there is no engine, or "".
        as_of_s: Epoch seconds of a listing from before, until what is new since is there, or None.
            Then the status tells whether some of it still stands unconfirmed.
    """
    if engine_down:
        return "ENGINE DOWN", "$warning"
    if store is not None and store.state in _SYNCING and (old := as_of_s or store.unconfirmed_s):
        return f"as of {clock_text(old)} · syncing", "$warning"
    if store is None or store.state is StoreState.CONNECTING:
        return "CONNECTING", "$quiet"
    return _state_text(store)


def _state_text(store: StoreStatus) -> tuple[str, str]:
    since = f" since {clock_text(store.since_s)}" if store.since_s else ""
    age = f", as of {clock_text(store.as_of_s)}" if store.as_of_s else ""
    every = f"{store.poll_interval_s:g}s"
    seldom = store.poll_interval_s >= OLD_FROM_S
    return {
        StoreState.LIVE: (f"LIVE {every}{age if seldom else ''}", "$better"),
        StoreState.BUSY: (f"BUSY {every}{age}", "$warning"),
        StoreState.PAUSED: (f"PAUSED{age}", "$warning"),
        StoreState.OFFLINE: (f"OFFLINE{since}", "$worse"),
        StoreState.REFUSED: (f"REFUSED{since}", "$worse"),
    }[store.state]


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


def left_texts(experiment: str, target: str, user: str, why: str) -> Iterator[str]:
    """Yield the left part of the line, the whole of it first, then shorter and shorter ones.

    What is longer than it must be goes first: folders, domains, the end of long names; then the
    user, then the reason.

    Args:
        experiment: Name of the experiment; on Databricks a path.
        target: Sort of the store and its place.
        user: Who we are there, or "".
        why: What chose the target, or "".
    """
    kind, _, place = target.partition(" ")
    label = place.partition(".")[0]
    near = f"{kind} {place if label.isdigit() else label}".rstrip()
    name = experiment.rpartition("/")[2] or experiment
    short = shorten(name, _SHORT_NAME)
    me = shorten(user.partition("@")[0], _SHORT_NAME)
    chosen = why.partition(" and ")[0]
    yield f"evaltui  {experiment}  {_whole(target, user, why)}"
    yield f"{experiment}  {_whole(target, user, why)}"
    yield f"{name}  {_whole(target, user, why)}"
    yield f"{name}  {_whole(target, me, why)}"
    if kind == _WORKSPACE:
        yield f"{name}  {_whole(near, me, chosen)}"
    if user:
        yield f"{name}  {_whole(kind, me, chosen)}"
        yield f"{short}  {_whole(kind, me, chosen)}"
        yield f"{short}  {_whole(kind, me, '')}"
    yield f"{name}  {target}"
    yield f"{name}  {_whole(kind, '', why)}"


def _whole(target: str, user: str, why: str) -> str:
    return target + (f" as {user}" if user else "") + (f" ({why})" if why else "")


class Header(Widget):
    """One line: experiment, target, who we are there and why it was chosen, state, watch."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._store: StoreStatus | None = None
        self._watch: WatchStatus | None = None
        self._engine_down = ""
        self._experiment = ""
        self._as_of_s: float | None = None
        self._drawn = Content("")

    def show(
        self,
        store: StoreStatus | None,
        watch: WatchStatus | None,
        *,
        engine_down: str = "",
        experiment: str = "",
        as_of_s: float | None = None,
    ) -> None:
        """Show new figures; nothing is drawn when nothing differs.

        Args:
            store: Status of the tracking target, or None before it is known.
            watch: Status of the watch, or None before it is known.
            engine_down: Why there is no engine, or "".
            experiment: Name to show until the engine says it.
            as_of_s: As `store_text` takes it.
        """
        self._store, self._watch = store, watch
        self._engine_down, self._experiment = engine_down, experiment
        self._as_of_s = as_of_s
        if self._line() != self._drawn:  # most polls change a time that is not on show
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        self._drawn = self._line()
        return self._drawn

    def _line(self) -> Content:
        """Return the line, the left part shortened where the width asks for it."""
        width = self.size.width
        state, style = store_text(self._store, engine_down=self._engine_down, as_of_s=self._as_of_s)
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
        experiment, target, user, why = clean(self._experiment), "", "", ""
        if self._store is not None:
            experiment = clean(self._store.experiment) or experiment
            target, why = clean(self._store.target), clean(self._store.why)
            user = clean(self._store.user)
        for text in left_texts(experiment, target, user, why):
            if cell_len(text) + 1 < room:
                return text
        return experiment.rpartition("/")[2] or experiment

    def _warning(self) -> str:
        if self._store is None or not self._store.warning:
            return "read-only" if self._store is not None and self._store.read_only else ""
        text = clean(self._store.warning)
        return text if self.size.width >= WHOLE_WARNING_FROM else clean(text, limit=24)
