"""`evaltui run`: run an evaluation command, then log the reports that it wrote or changed.

The command's output, signals and exit code pass through; tracking never alters them.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from evaltui.cli.file_lines import file_line
from evaltui.cli.log import submit
from evaltui.cli.output import note
from evaltui.cli.parser import Parser, Subparsers, add_command, add_report_options
from evaltui.domain.events import FileRole
from evaltui.domain.report import ModeSource
from evaltui.engine.roots import WatchRoot, owner_of, parse_root
from evaltui.engine.scan import Scanner
from evaltui.errors import ConfigError, EvaltuiError
from evaltui.log import redact, start_log
from evaltui.readers import has_report_name, wants_dot
from evaltui.settings import Settings
from evaltui.submit import Wish, forced_mode, one_shot, role_of

NOT_FOUND = 127
NOT_EXECUTABLE = 126
LOG_DEADLINE_S = 90.0
"""How long the shell is kept waiting for a store that does not answer."""

_FROM_KEYS = frozenset({signal.SIGINT, signal.SIGQUIT})
"""Signals that a terminal sends to the command by itself."""

_PASSED_ON = (
    *_FROM_KEYS, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `run`."""
    parser = add_command(
        subparsers,
        "run",
        "Run an evaluation command and log the reports it wrote or changed, to the directories "
        "of --watch or else the current one. The exit code is the command's own.",
    )
    parser.add_argument(
        "--watch",
        action="append",
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="where reports appear (default: the current directory); may be repeated",
    )
    add_report_options(parser)
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD", help="the command")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the command; return its exit code, 128 + n when signal n ended it."""
    command = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not command:
        raise ConfigError("no command is given", hint="evaltui run --mode mcp -- CMD ARGS…")
    roots = [parse_root(text, Path.cwd()) for text in settings.watch or (".",)]
    try:
        start_log(settings)
    except EvaltuiError as error:
        _warn(error.message)  # no reason not to evaluate
    scanner = Scanner(roots, wants_dot=wants_dot)
    scanner.scan()
    status = _run_command(command, _environment(settings))
    try:
        _log_in_time(scanner, roots, settings)
    except EvaltuiError as error:
        _say(f"not logged: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    except KeyboardInterrupt:
        _say("interrupted: reports that were read wait in the journal")
    return status


def _environment(settings: Settings) -> Mapping[str, str]:
    forced = forced_mode(settings, os.environ)
    return {**os.environ, "EVAL_MODE": forced[0]} if forced else os.environ


def _say(text: str) -> None:
    """Print narration; when nobody listens any more, the command's status counts all the same."""
    with suppress(OSError):
        note(redact(text))


def _warn(text: str) -> None:
    _say(f"warning: {text}")


# -- the command ---------------------------------------------------------------------------------


class _Relay:
    """Passes signals on to the command; those that come before it was started, then."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def catch(self, number: int, _: FrameType | None) -> None:
        """Handle a signal."""
        if self._child is None:
            self._early.append(number)
        elif number not in _FROM_KEYS or not _has_terminal():
            self._send(self._child, number)

    def attach(self, child: subprocess.Popen[bytes]) -> None:
        """Begin to pass on."""
        self._child = child
        for number in self._early:
            self._send(child, number)

    @staticmethod
    def _send(child: subprocess.Popen[bytes], number: int) -> None:
        if child.returncode is None:
            child.send_signal(number)


def _has_terminal() -> bool:
    """Return whether this process group is the one that the terminal sends its signals to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    relay = _Relay()
    with _signals_caught(relay):
        try:
            child = subprocess.Popen(command, env=environ)
        except (FileNotFoundError, NotADirectoryError):
            _say(f"{command[0]}: command not found")
            return NOT_FOUND
        except (OSError, ValueError) as error:
            _say(f"{command[0]}: {getattr(error, 'strerror', None) or error}")
            return NOT_EXECUTABLE
        relay.attach(child)
        status = child.wait()
    return 128 - status if status < 0 else status


@contextmanager
def _signals_caught(relay: _Relay) -> Iterator[None]:
    """Have the relay handle signals, but those that the shell had ignored (nohup)."""
    before = {
        number: handler
        for number in _PASSED_ON
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, relay.catch)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- its reports ---------------------------------------------------------------------------------


def _log_in_time(scanner: Scanner, roots: Sequence[WatchRoot], settings: Settings) -> None:
    """Log what is new; a store that hangs does not keep the shell waiting for ever."""
    ends: list[EvaltuiError | None] = []

    def work() -> None:
        try:
            _log_new(scanner, roots, settings)
        except EvaltuiError as error:
            ends.append(error)
        else:
            ends.append(None)

    worker = threading.Thread(target=work, name="evaltui-run-log", daemon=True)
    worker.start()
    deadline = time.monotonic() + LOG_DEADLINE_S
    while worker.is_alive() and time.monotonic() < deadline:
        worker.join(0.2)
    if worker.is_alive():
        _say("the store does not answer: the reports wait in the journal (evaltui log --pending)")
    elif not ends:
        _say("not logged: internal error; the log has the details")
    elif ends[0] is not None:
        raise ends[0]


def _log_new(scanner: Scanner, roots: Sequence[WatchRoot], settings: Settings) -> None:
    result = scanner.scan()
    stamps = sorted(result.new_or_changed, key=lambda stamp: (stamp.mtime_ns, str(stamp.path)))
    wishes = [_wish(stamp.path, roots, settings) for stamp in stamps if _is_report(stamp.path)]
    if not wishes:
        _say("the command left no new report")
        return
    with one_shot(settings, os.environ, notify=_warn) as desk:
        for outcome in submit(desk, wishes, settings):
            _say(file_line(outcome, "table"))


def _wish(path: Path, roots: Sequence[WatchRoot], settings: Settings) -> Wish:
    root = owner_of(path, roots)
    assert root is not None  # the scanner walks the roots only
    mode = (root.mode, ModeSource.ARGUMENT) if root.mode else forced_mode(settings, os.environ)
    return Wish(path, mode=mode, model=settings.model, root=root.path)


def _is_report(path: Path) -> bool:
    """Whether a new file is a run of its own, or was to be one and is broken."""
    role = role_of(path)
    if role is FileRole.UNKNOWN:
        return has_report_name(path.name)
    return role in {FileRole.REPORT, FileRole.GENERATION}
