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
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from evaltui.cli.file_lines import file_line
from evaltui.cli.log import forced_mode, submit, warn
from evaltui.cli.output import note
from evaltui.cli.parser import Parser, Subparsers, add_command, add_report_options
from evaltui.domain.events import FileRole
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import read_head
from evaltui.engine.roots import parse_root
from evaltui.engine.scan import Scanner
from evaltui.errors import ConfigError, EvaltuiError, ReportError
from evaltui.readers import HEAD_BYTES, recognise, wants_dot
from evaltui.settings import Settings
from evaltui.submit import Wish, one_shot

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_LOG_DEADLINE_S = 90.0


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
    scanner = Scanner(roots, wants_dot=wants_dot)
    scanner.scan()
    status = _run_command(command, _environment(settings))
    try:
        _log_in_time(scanner, settings)
    except EvaltuiError as error:
        note(f"not logged: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    return status


def _environment(settings: Settings) -> Mapping[str, str]:
    mode = {"EVAL_MODE": settings.mode} if settings.mode else {}
    return {**os.environ, **mode}


def _run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(command, env=environ)
    except FileNotFoundError:
        note(f"{command[0]}: command not found")
        return NOT_FOUND
    except OSError as error:
        note(f"{command[0]}: {error.strerror}")
        return NOT_EXECUTABLE
    with _signals_passed_on(child):
        while True:
            try:
                status = child.wait()
                break
            except KeyboardInterrupt:
                continue  # the terminal sent it to the command too: its answer counts
    return 128 - status if status < 0 else status


@contextmanager
def _signals_passed_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def pass_on(number: int, _: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_in_time(scanner: Scanner, settings: Settings) -> None:
    """Log what is new; a store that hangs does not keep the shell waiting for ever."""
    failure: list[EvaltuiError] = []

    def work() -> None:
        try:
            _log_new(scanner, settings)
        except EvaltuiError as error:
            failure.append(error)

    worker = threading.Thread(target=work, name="evaltui-run-log", daemon=True)
    worker.start()
    deadline = time.monotonic() + _LOG_DEADLINE_S
    while worker.is_alive() and time.monotonic() < deadline:
        worker.join(0.2)
    if worker.is_alive():
        note("the store does not answer: the reports wait in the journal (evaltui log --pending)")
    for error in failure:
        raise error


def _log_new(scanner: Scanner, settings: Settings) -> None:
    result = scanner.scan()
    stamps = sorted(result.new_or_changed, key=lambda stamp: (stamp.mtime_ns, str(stamp.path)))
    reports = [stamp.path for stamp in stamps if _is_report(stamp)]
    if not reports:
        note("the command left no new report")
        return
    mode = forced_mode(settings)
    wishes = [Wish(path, mode=mode, model=settings.model) for path in reports]
    with one_shot(settings, os.environ, notify=warn) as desk:
        for outcome in submit(desk.ingestor, wishes, settings):
            note(file_line(outcome, "table"))


def _is_report(stamp: FileStamp) -> bool:
    """Whether a new file is a run of its own: an evaluation or a generation."""
    try:
        head = read_head(stamp.path, HEAD_BYTES)
    except (OSError, ReportError):
        return False
    return recognise(head, stamp.path.name).role in {FileRole.REPORT, FileRole.GENERATION}
