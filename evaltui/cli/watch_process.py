"""A headless watch in this process: from the first look to the signal that ends it."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from evaltui.cli.file_lines import exit_code
from evaltui.cli.output import note
from evaltui.cli.watch_lines import Teller
from evaltui.cli.watchers import noted
from evaltui.domain.events import WatchRole, WatchStatus
from evaltui.engine.link import Request, Verb
from evaltui.engine.roots import merge_roots, owner_of, parse_root
from evaltui.engine.runtime import Engine
from evaltui.engine.settle import UNREADABLE_PATIENCE_S
from evaltui.late_dataclass import dataclass
from evaltui.settings import Settings
from evaltui.tracking.target import resolve_target
from evaltui.wiring import build, journal_directory

STOP_S = 8.0
"""How long the report at hand may take after a signal; the journal keeps it in any case."""

HANG_UP_S = 3.0
"""The same when the terminal is gone: what runs in it is soon killed."""

PATIENCE_S = 5.0
"""How long `--once` waits for a file that is incomplete."""

_SAME_S = 0.5
"""A second signal so soon is the first one again: timeout(1) sends it to process and group."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TURN_S = 0.25
_QUIET_TURNS = 3


@dataclass(frozen=True, slots=True)
class Life:
    """How a watch lives.

    Attributes:
        begun: Told once, when it is clear who watches; what it raises ends the watch.
        neutral: Leave the current directory, which may be unmounted or deleted some day.
        log_file: Where the lines go, or "" for those of this process.
    """

    begun: Callable[[WatchStatus], None] = lambda _: None
    neutral: bool = False
    log_file: str = ""


def watch(settings: Settings, form: str, *, once: bool = False, life: Life | None = None) -> int:
    """Watch until a signal comes, or, once, until everything there was dealt with.

    Args:
        settings: What to watch, and where to log it.
        form: `table` or `json`.
        once: Leave when nothing is left to do.
        life: How the watch lives.

    Returns:
        The exit code, 128 + n after signal n.

    Raises:
        ConfigError: Target or directories make no sense.
        JournalError: The journal cannot be opened.
        OSError: Nobody reads the lines any more.
    """
    life = life or Life()
    patience_s = PATIENCE_S if once else UNREADABLE_PATIENCE_S
    roots = merge_roots(parse_root(text, Path.cwd()) for text in settings.watch)
    teller = Teller(form, still_broken=lambda path: once and owner_of(path, roots) is not None)
    journal = journal_directory(settings, resolve_target(settings, os.environ))
    engine = build(settings, os.environ, emit=teller.events.put, patience_s=patience_s)
    if life.neutral:
        os.chdir("/")
    with _signals() as caught, noted(journal, roots, life.log_file):
        # What waits in the journal has a try now. Before the start: else it would be polled twice.
        engine.submit(Request(0, Verb.REFRESH))
        engine.start()
        try:
            _follow(engine, teller, caught, once=once, begun=life.begun)
        finally:  # also when nobody reads the lines any more
            ended = engine.stop(HANG_UP_S if signal.SIGHUP in caught else STOP_S)
        if not ended:
            note("the store did not answer in time: the report at hand stays in the journal")
        teller.finish()
        sys.stdout.flush()
    if caught:
        return 128 + caught[0]
    return exit_code(teller.outcomes(), named=False)


def _follow(
    engine: Engine,
    teller: Teller,
    caught: list[int],
    *,
    once: bool,
    begun: Callable[[WatchStatus], None],
) -> None:
    quiet, told = 0, False
    while not caught and not engine.stopping:
        teller.turn(_TURN_S)
        if not told and teller.watch is not None and teller.watch.role is not WatchRole.NONE:
            told = True
            begun(teller.watch)
        quiet = quiet + 1 if once and engine.idle and teller.nothing_left else 0
        if quiet >= _QUIET_TURNS:
            return


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that end the watch; a second one ends the process at once.

    So does a thread after a while, in case that a line cannot be written because its reader does
    not read: a signal that comes right before such a write neither interrupts it nor is seen here.
    """
    caught: list[int] = []
    first = 0.0

    def catch(number: int, _: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if caught and now - first > _SAME_S:
            os._exit(128 + caught[0])
        if caught:
            return
        first = now
        caught.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    threading.Thread(target=_end_in_time, args=(heard,), name="evaltui-end", daemon=True).start()
    told_before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, catch)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(told_before)
        os.close(told)


def _end_in_time(heard: int) -> None:
    """End the process some time after its first signal, unless the other end is closed by then."""
    first, end = 0, float("inf")
    while not first or select.select([heard], [], [], max(0.0, end - time.monotonic()))[0]:
        numbers = os.read(heard, 64)
        if not numbers:
            os.close(heard)
            return
        if not first and numbers[0] in _SIGNALS:
            first, end = numbers[0], time.monotonic() + STOP_S + HANG_UP_S
    os._exit(128 + first)
