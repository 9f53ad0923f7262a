"""The entry point of `evaltui`: settings, log, dispatch, and the last net for errors."""

from __future__ import annotations

import argparse
import gc
import io
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.cli.parser import load_command, parse
from evaltui.domain.text import clean
from evaltui.errors import ConfigError, EvaltuiError, ExitCode
from evaltui.log import redact, start_log
from evaltui.settings import Settings, load_settings
from evaltui.ui.refusal import INSTEAD, refusal

if TYPE_CHECKING:
    from evaltui.domain.recalled import Recalled
    from evaltui.page_shelf import PageShelf

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
        code = _dispatch(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except EvaltuiError as error:
        return _report(error.message, error.hint, error.exit_code)
    except SystemExit as error:  # argparse after --help
        return error.code if isinstance(error.code, int) else ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the one last net of the program
        return _report_bug(error)
    return code


def _dispatch(argv: list[str]) -> int:
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
    early = None if shelf.has_list else EarlyEngine(settings)
    try:
        from evaltui.ui.running import run_app  # noqa: PLC0415 - textual is only for the screen

        recall = partial(_recall, settings, shelf)
        return run_app(settings, recall=recall, shelf=shelf, page=page, early=early)
    finally:
        if early is not None:
            early.drop()


def _recall(settings: Settings, shelf: PageShelf) -> Recalled | None:
    if not shelf.has_list:
        return None
    from evaltui import recall as mirrors  # noqa: PLC0415 - after the first frame

    return mirrors.recall(settings, os.environ)


def _report(message: str, hint: str | None, code: int) -> int:
    lines = [f"evaltui: {_safe(message)}"]
    if hint:
        lines.append(f"  hint: {_safe(hint)}")
    _tell(lines)
    return code


def _report_bug(error: Exception) -> int:
    """Log the traceback, tell where; locals and tokens never reach the terminal."""
    logging.getLogger("evaltui").critical("internal error", exc_info=error)
    files = [
        handler.baseFilename
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.FileHandler)
    ]
    where = f"details: {Path(files[0])}" if files else None
    return _report(f"internal error: {type(error).__name__}: {error}", where, ExitCode.INTERNAL)


def _safe(text: str) -> str:
    return clean(redact(text), limit=_MESSAGE_LIMIT)


def _tell(lines: list[str]) -> None:
    try:
        print("\n".join(lines), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return  # nobody listens any more


def _make_streams_lenient() -> None:
    """Print what the locale's encoding lacks as an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_stdout() -> None:
    """Keep the interpreter from complaining when it flushes the closed pipe at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
