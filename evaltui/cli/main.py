"""The entry point of `evaltui`: settings, log, dispatch, and the last net for errors."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from evaltui.cli.last_net import run_in_net
from evaltui.domain.text import clean
from evaltui.errors import ConfigError, ExitCode, OutputError
from evaltui.log import redact, start_log
from evaltui.settings import Settings, load_settings
from evaltui.ui.refusal import INSTEAD, refusal

if TYPE_CHECKING:
    import argparse

    from evaltui.domain.recalled import Recalled
    from evaltui.tracking.target import Target

_MESSAGE_LIMIT = 600
_OWN_LOG = frozenset({"demo", "run"})
"""Commands that start the log themselves: in another place, or whether that works or not."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `evaltui` and return its exit code; never raises.

    Args:
        argv: Arguments without the program name; default: those of the process.
    """
    _make_streams_lenient()
    try:
        return _guarded(sys.argv[1:] if argv is None else list(argv))
    finally:
        _let_go_of_dead_streams()


def _guarded(argv: list[str]) -> int:
    try:
        return run_in_net(partial(_run, argv), _report)
    except SystemExit as error:  # argparse after --help
        return error.code if isinstance(error.code, int) else ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _run(argv: list[str]) -> int:
    try:
        code = _dispatch(argv)
        print(end="", flush=True)
    except BrokenPipeError:
        return ExitCode.OK
    except OSError as error:
        if _takes(sys.stdout, "\n"):
            raise  # it was about something else
        raise OutputError(
            f"what is printed cannot be written: {error.strerror or error}",
            hint="send it to a place with room, or look whether its disk is full",
        ) from error
    return code


def _dispatch(argv: list[str]) -> int:
    if not argv:  # there is nothing to parse: argparse takes 5 ms to the first frame
        return _run_screen(load_settings({}, os.environ, config_path=None))
    from evaltui.cli.parser import load_command, parse  # noqa: PLC0415

    args = parse(argv)
    if args.version:
        from importlib import metadata  # noqa: PLC0415 - a tenth of the time to the first frame

        print(f"evaltui {metadata.version('evaltui')}")
        return ExitCode.OK
    settings = _settings(args)
    if args.command is None:
        return _run_screen(settings)
    args.glyphs = settings.glyphs  # wherever that was set
    if args.command not in _OWN_LOG:
        start_log(settings)
    return load_command(args.command).run(args, settings)


def _settings(args: argparse.Namespace) -> Settings:
    """Put the settings together; the demo's come from its flags alone."""
    if args.command == "demo":
        return load_settings(_flags(args), {}, config_path=Path(os.devnull))
    return load_settings(_flags(args), os.environ, config_path=getattr(args, "config", None))


def _flags(args: argparse.Namespace) -> dict[str, object]:
    """Return the given options that are settings, by field name."""
    given = vars(args)
    return {name: given[name] for name in Settings.__dataclass_fields__ if name in given}


def _run_screen(settings: Settings) -> int:
    why = refusal()
    if why is not None:
        raise ConfigError(f"the screen needs a terminal: {why}", hint=f"without one: {INSTEAD}")
    gc.disable()  # what is made until the screen stands is there to stay; the screen turns it on
    start_log(settings)
    from evaltui.page_shelf import PageShelf  # noqa: PLC0415 - only for the screen
    from evaltui.ui.engine_spawn import EarlyEngine  # noqa: PLC0415

    shelf = PageShelf(settings, os.environ)
    page = shelf.take()
    # Where no list was kept everybody waits for what the engine lists; where there is one, the
    # screen has the processor to itself until that is shown.
    early = None if shelf.listed is not None else EarlyEngine(settings)
    try:
        from evaltui.ui.running import run_app  # noqa: PLC0415 - textual is only for the screen

        recall = partial(_recall, shelf.listed)
        return run_app(settings, recall=recall, shelf=shelf, page=page, early=early)
    finally:
        if early is not None:
            early.drop()


def _recall(target: Target | None) -> Recalled | None:
    if target is None:
        return None
    from evaltui.recall import recall_target  # noqa: PLC0415 - after the first frame

    return recall_target(target)


def _report(message: str, hint: str | None) -> None:
    lines = [f"evaltui: {_safe(message)}"]
    if hint:
        lines.append(f"  hint: {_safe(hint)}")
    _tell(lines)


def _safe(text: str) -> str:
    return clean(redact(text), limit=_MESSAGE_LIMIT)


def _tell(lines: list[str]) -> None:
    try:
        print("\n".join(lines), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return  # nobody listens any more


def _make_streams_lenient() -> None:
    """Print what the locale's encoding lacks as an escape instead of failing; nothing to nobody."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before the program began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_dead_streams() -> None:
    """Let what nobody reads any more go nowhere.

    The interpreter would fail to write it at its exit, complain, and exit with 120 whatever the
    status of the program was.
    """
    for stream in (sys.stdout, sys.stderr):
        if not _takes(stream):
            _lead_nowhere(stream)


def _takes(stream: TextIO, more: str = "") -> bool:
    """Return whether a stream takes what was printed to it and `more`."""
    try:
        stream.write(more)
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _lead_nowhere(stream: TextIO) -> None:
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
