"""What the doctor looks at on this machine: directories, journal, `.env`, terminal, Python."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import evaltui
from evaltui.cli.version import versions
from evaltui.domain.check import Check, CheckState
from evaltui.engine.env_hint import env_file_beside, store_variables
from evaltui.errors import EvaltuiError, ReportError
from evaltui.mirror.places import mirror_dir, mirror_files
from evaltui.mounts import network_type
from evaltui.settings import Settings, data_dir, state_dir

CHECKS = (
    "state-directory",
    "data-directory",
    "journal",
    "mirror",
    "env-file",
    "terminal",
    "display",
    "clipboard",
    "versions",
    "bytecode",
)
"""Names of all findings `check_surroundings` can give, in their order."""

JournalProbe = Callable[[Path], str]
"""Opens the journal of a state directory and says in one line how it is.

Raises:
    EvaltuiError: It cannot be read.
"""

_TMUX_SECONDS = 2.0


def check_surroundings(
    settings: Settings, environ: Mapping[str, str], *, journal: JournalProbe | None = None
) -> tuple[Check, ...]:
    """Return the findings on this machine; nothing here asks the network.

    Args:
        settings: Where the directories are.
        environ: The environment.
        journal: Opens the journal; None: only its file is looked at.
    """
    return (
        _directory("state-directory", "EVALTUI_STATE_DIR", lambda: state_dir(settings)),
        _directory("data-directory", "EVALTUI_DATA_DIR", lambda: data_dir(settings)),
        _journal(settings, journal),
        _mirror(settings),
        _env_file(settings),
        _terminal(environ),
        _display(settings, environ),
        *_clipboard(environ),
        *_python(),
    )


def _directory(name: str, variable: str, make: Callable[[], Path]) -> Check:
    try:
        path = make()
    except EvaltuiError as error:
        return Check(name, CheckState.FAIL, error.message, error.hint or f"set {variable}")
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".evaltui-doctor-"):
            pass
    except OSError as error:
        detail = f"{path}: cannot be written: {error.strerror}"
        return Check(name, CheckState.FAIL, detail, f"free it, or set {variable} to another")
    kind = network_type(path)
    if kind:
        return Check(
            name,
            CheckState.WARN,
            f"{path} lies on a network file system ({kind})",
            f"locks and the journal are safer on a local disk: set {variable}",
        )
    if path.stat().st_mode & 0o022:
        return Check(name, CheckState.WARN, f"{path} can be written by others", f"chmod 700 {path}")
    return Check(name, CheckState.OK, f"{path} is writable")


def _journal(settings: Settings, probe: JournalProbe | None) -> Check:
    name = "journal"
    try:
        where = state_dir(settings)
        if probe is not None:
            return Check(name, CheckState.OK, probe(where))
        files = [path for path in where.rglob("journal*") if path.is_file()]
        for path in files:
            with path.open("rb"):
                pass
    except EvaltuiError as error:
        return Check(name, CheckState.FAIL, error.message, error.hint or "set EVALTUI_STATE_DIR")
    except OSError as error:
        detail = f"{error.filename}: cannot be read: {error.strerror}"
        return Check(name, CheckState.FAIL, detail, "give yourself the right, or move it away")
    if not files:
        return Check(name, CheckState.OK, f"none yet in {where}: no report was watched so far")
    return Check(name, CheckState.OK, f"{files[0]} is readable")


def _mirror(settings: Settings) -> Check:
    name, where = "mirror", mirror_dir()
    if not settings.mirror:
        return Check(name, CheckState.OK, f"switched off; {where} may be deleted")
    sizes: list[tuple[float, int]] = []
    for path in mirror_files(where):
        with contextlib.suppress(OSError):
            facts = path.stat()
            sizes.append((facts.st_mtime, facts.st_size))
    near = next((path for path in (where, *where.parents) if path.exists()), where)
    if not os.access(near, os.W_OK):
        detail = f"{near} cannot be written: every start waits for the store"
        return Check(
            name, CheckState.WARN, detail, "correct it, set XDG_CACHE_HOME or mirror = false"
        )
    if not sizes:
        return Check(name, CheckState.OK, f"none yet in {where}")
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(sizes[0][0]))
    size = f"{sum(size for _, size in sizes) / 1e6:.1f} MB"
    detail = f"{len(sizes)} in {where}, {size}, the last of {written}; may be deleted"
    return Check(name, CheckState.OK, detail)


def _env_file(settings: Settings) -> Check:
    """Name variables only: a value of a `.env` is a secret."""
    name = "env-file"
    if settings.env_file is not None:
        try:
            used = store_variables(settings.env_file)
        except OSError as error:
            detail = f"{settings.env_file}: cannot be read: {error.strerror}"
            return Check(name, CheckState.FAIL, detail, "correct --env-file")
        except ReportError as error:
            detail = f"{settings.env_file}: {error.message}"
            return Check(name, CheckState.FAIL, detail, "correct --env-file")
        return Check(name, CheckState.OK, f"{settings.env_file}: {len(used)} variables are used")
    for directory in _report_directories(settings):
        path, found = env_file_beside(directory)
        if path:
            return Check(
                name,
                CheckState.WARN,
                f"{path} names {', '.join(found[:5])} and is not used",
                f"if it is meant: --env-file {path}",
            )
    return Check(name, CheckState.OK, "no .env with DATABRICKS_ or MLFLOW_ beside the reports")


def _report_directories(settings: Settings) -> list[Path]:
    found = [Path.cwd()]
    for entry in settings.watch:
        text = entry.partition("=")[2] or entry
        fixed = re.split(r"[*?\[]", text, maxsplit=1)[0] or "."
        found.append(Path(fixed).expanduser())
    return found


def _terminal(environ: Mapping[str, str]) -> Check:
    term = environ.get("TERM", "")
    encoding = (sys.stdout.encoding or "").lower()
    if term in {"", "dumb"}:
        return Check(
            "terminal",
            CheckState.WARN,
            f"TERM is {term or 'not set'}: the screen cannot run here",
            "use a terminal, or evaltui watch DIR without the screen",
        )
    if encoding.replace("-", "") != "utf8":
        return Check(
            "terminal",
            CheckState.WARN,
            f"TERM={term}, encoding {encoding or 'unknown'}",
            "set LANG to a UTF-8 locale, or use --glyphs ascii",
        )
    return Check("terminal", CheckState.OK, f"TERM={term}, {encoding}")


def _display(settings: Settings, environ: Mapping[str, str]) -> Check:
    """Say who draws the screen; Textual's own display works everywhere, only with more bytes."""
    from evaltui.ui.lean.choice import choose_display  # noqa: PLC0415 - Textual takes a while
    from evaltui.ui.lean.updates import unknown_parts  # noqa: PLC0415

    unknown = unknown_parts()
    choice = choose_display(settings.display, environ, unknown=unknown)
    if unknown and settings.display != "textual":
        return Check(
            "display", CheckState.WARN, str(choice), "install the Textual that pyproject.toml names"
        )
    return Check("display", CheckState.OK, str(choice))


def _clipboard(environ: Mapping[str, str]) -> list[Check]:
    """In tmux, copying passes only with `set-clipboard on` (or `external` for inner programs)."""
    if not environ.get("TMUX"):
        return []
    try:
        answer = subprocess.run(
            ["tmux", "show-options", "-sv", "set-clipboard"],
            capture_output=True,
            text=True,
            timeout=_TMUX_SECONDS,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    if answer == "on":
        return [Check("clipboard", CheckState.OK, "tmux set-clipboard is on")]
    return [
        Check(
            "clipboard",
            CheckState.WARN,
            f"tmux set-clipboard is {answer or 'unknown'}: copied text stays in tmux",
            "tmux set-option -s set-clipboard on",
        )
    ]


def _python() -> list[Check]:
    found = versions()
    missing = [name for name, version in found.items() if version is None]
    listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    compiled = importlib.util.cache_from_source(evaltui.__file__)
    checks = [
        Check(
            "versions",
            CheckState.FAIL if missing else CheckState.OK,
            f"missing: {', '.join(missing)}" if missing else listed,
            "install evaltui again" if missing else "",
        )
    ]
    if os.path.exists(compiled):  # noqa: PTH110 - cache_from_source gives a str
        checks.append(Check("bytecode", CheckState.OK, "compiled modules are kept"))
    else:
        checks.append(
            Check(
                "bytecode",
                CheckState.WARN,
                "Python's compiled modules are not kept: every start is slower",
                f"{sys.executable} -m compileall -q {Path(evaltui.__file__).parent}",
            )
        )
    return checks
