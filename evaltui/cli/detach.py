"""`evaltui watch --detach`: a watch that lives on when its terminal is gone.

The settings go to a new interpreter, which leaves session and terminal, writes its lines to a log
file, and says through a pipe that it watches, or why it does not.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from evaltui.cli.last_net import run_in_net
from evaltui.cli.watch_process import Life, watch
from evaltui.cli.watchers import holders
from evaltui.domain.events import WatchRole, WatchStatus
from evaltui.engine.roots import WatchRoot
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.log import redact, start_log
from evaltui.settings import Settings, state_dir

BEGIN_S = 60.0
"""How long the new process may take until it watches."""

MAX_LOG_BYTES = 5_000_000
"""A larger log of lines is set aside when a watch begins."""

_COMMAND = (sys.executable, "-P", "-m", "evaltui.cli.detach")


@dataclass(frozen=True, slots=True)
class Detached:
    """A watch that was begun.

    Attributes:
        pid: Its process id.
        log_file: Where its lines go.
    """

    pid: int
    log_file: Path


def detach(settings: Settings, form: str, roots: Sequence[WatchRoot], journal: Path) -> Detached:
    """Begin a watch that outlives this process and its terminal; return when it watches.

    Args:
        settings: The settings; relative paths start from the current directory.
        form: `table` or `json`.
        roots: What is watched.
        journal: Directory of the journal.

    Raises:
        ConfigError: A root is watched already, or the new process does not begin.
    """
    for root, pid in holders(journal, roots).items():
        if pid is not None:
            raise _taken(root, pid)
    log_file = _log_file(settings, roots, journal)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with open(reading, "rb") as answers:
        order = {
            "settings": replace(settings, watch=_words(roots)).to_json(),
            "format": form,
            "log_file": str(log_file),
            "answer": writing,
        }
        try:
            with (
                _open_log(log_file) as lines,
                subprocess.Popen(
                    [*_COMMAND, *map(str, roots)],  # the roots are for whoever looks at `ps`
                    stdin=subprocess.PIPE,
                    stdout=lines,
                    stderr=lines,
                    pass_fds=(writing,),
                    start_new_session=True,
                ) as process,
            ):
                process.communicate(json.dumps(order).encode("ascii"))
        finally:
            os.close(writing)
        return _begun(answers, log_file)


def _begun(answers: io.BufferedReader, log_file: Path) -> Detached:
    ready, _, _ = select.select([answers], [], [], BEGIN_S)
    line = answers.readline() if ready else b""
    if not line:
        why = "ended before it watched" if ready else f"does not watch after {BEGIN_S:.0f} s"
        raise ConfigError(f"the new process {why}", hint=f"its log tells more: {log_file}")
    answer = json.loads(line)
    if "error" in answer:
        raise ConfigError(str(answer["error"]), hint=answer.get("hint"))
    return Detached(int(answer["pid"]), log_file)


def _log_file(settings: Settings, roots: Sequence[WatchRoot], journal: Path) -> Path:
    """Return the file for the lines of a watch of these roots, an old one set aside."""
    key = "\0".join([str(journal), *_words(roots)])
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    path = state_dir(settings) / f"watch-{name}.log"
    with contextlib.suppress(OSError):
        if path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return path


def _open_log(path: Path) -> io.FileIO:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return io.FileIO(os.open(path, flags, 0o600), "a")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror}", hint="set EVALTUI_STATE_DIR"
        ) from error


def _words(roots: Sequence[WatchRoot]) -> tuple[str, ...]:
    return tuple(root.word for root in roots)


def _taken(root: object, pid: int | None) -> ConfigError:
    by = f"process {pid}" if pid else "another process"
    return ConfigError(
        f"{root} is watched by {by} already",
        hint="evaltui watch --stop ends that one, --status shows how far it is",
    )


# -- the new process -------------------------------------------------------------------------------


def main() -> None:
    """Read the order, leave the session for good, watch, and end the process."""
    order = json.loads(sys.stdin.buffer.read())
    if os.fork():  # not the leader of the session any more: no terminal can be taken by accident
        os._exit(0)
    answer = int(order["answer"])
    os.set_inheritable(answer, False)
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.stdout, sys.stderr = _lines(sys.stdout, order["format"] != "json"), _lines(sys.stderr)
    code = _run(order, answer)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # threads in dead connections do not hold it up


def _run(order: dict[str, object], answer: int) -> int:
    def begun(status: WatchStatus) -> None:
        if status.role is not WatchRole.WATCHER or status.watcher_pid is not None:
            raise _taken(", ".join(status.roots), status.watcher_pid)
        _tell(answer, {"pid": os.getpid()})

    def work() -> int:
        settings = Settings.from_json(order["settings"])  # type: ignore[arg-type]  # an object
        start_log(settings)
        life = Life(begun, neutral=True, log_file=str(order["log_file"]))
        return watch(settings, str(order["format"]), life=life)

    def tell(message: str, hint: str | None) -> None:
        print(redact(f"evaltui: {message}"), file=sys.stderr)
        _tell(answer, {"error": redact(message), "hint": hint})

    return run_in_net(work, tell)


def _tell(answer: int, document: dict[str, object]) -> None:
    """Answer whoever waits for the beginning; only the first answer is sent."""
    with contextlib.suppress(OSError):
        os.write(answer, json.dumps(document).encode("ascii") + b"\n")
        os.close(answer)


class _Stamped(io.TextIOBase):
    """Puts the time before every line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._begins = True

    def write(self, text: str) -> int:
        """Write a text, which may be part of a line."""
        for line in text.splitlines(keepends=True):
            if self._begins:
                now = datetime.fromtimestamp(time.time()).astimezone()
                self._stream.write(f"{now.isoformat(timespec='seconds')} ")
            self._stream.write(line)
            self._begins = line.endswith("\n")
        return len(text)

    def flush(self) -> None:
        """Flush."""
        self._stream.flush()


def _lines(stream: TextIO, stamped: bool = True) -> TextIO:
    """Return a stream of whole lines for a log file."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
    return _Stamped(stream) if stamped else stream  # type: ignore[return-value]  # print needs no more


if __name__ == "__main__":
    main()
