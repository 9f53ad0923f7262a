"""Who watches what on this machine: the notes that headless watches leave, and stopping them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from evaltui.engine.roots import WatchRoot
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.ledger.lock import IngestLock
from evaltui.ledger.owner import is_alive, this_process

STOP_S = 15.0
"""How long a watch that was told to end is waited for: the report at hand, and a second signal."""

_SECOND_S = 3.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class WatchNote:
    """What a headless watch says of itself while it lives.

    Attributes:
        owner: Its process, as `owner.this_process` names it.
        since_s: Epoch seconds when it began.
        roots: What it watches.
        log_file: Where its lines go, or "" for a watch in the foreground.
    """

    owner: str
    since_s: float
    roots: tuple[str, ...]
    log_file: str = ""

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self.owner.partition(":")[0])


@contextmanager
def noted(journal: Path, roots: Sequence[WatchRoot], log_file: str = "") -> Iterator[None]:
    """Leave a note of this process while it watches; a disk that takes none is no error.

    Args:
        journal: Directory of the journal.
        roots: What is watched.
        log_file: Where the lines go, or "".
    """
    note = WatchNote(this_process(), time.time(), tuple(map(str, roots)), log_file)
    path = _folder(journal) / f"{os.getpid()}.json"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(note)), encoding="utf-8")
        draft.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def notes(journal: Path) -> list[WatchNote]:
    """Return the notes of watches that live; what dead ones left is taken away."""
    found = []
    for path in sorted(_folder(journal).glob("*.json")):
        note = _read(path)
        if note is not None and is_alive(note.owner):
            found.append(note)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return found


def _read(path: Path) -> WatchNote | None:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return WatchNote(**{**fields, "roots": tuple(fields["roots"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def holders(journal: Path, roots: Sequence[WatchRoot]) -> dict[WatchRoot, int | None]:
    """Return the process that ingests each root, None where there is none."""
    return {root: IngestLock(journal, Path(str(root))).holder() for root in roots}


def stop(journal: Path, roots: Sequence[WatchRoot]) -> list[int]:
    """End the headless watches of these roots; return their process ids.

    A second signal, which ends a watch at once, follows when the first is not obeyed.

    Raises:
        ConfigError: A root is watched by a screen, or a watch does not end.
    """
    left = {note.pid: note for note in notes(journal)}
    pids = dict.fromkeys(filter(None, holders(journal, roots).values()))
    for pid in pids:
        if pid not in left:
            raise ConfigError(
                f"process {pid} watches, and is no `evaltui watch`",
                hint="leave the screen there with q; its watch ends with it",
            )
    for pid in pids:
        _end(left[pid])
    return list(pids)


def _end(note: WatchNote) -> None:
    for wait_s in (STOP_S - _SECOND_S, _SECOND_S):
        if not is_alive(note.owner):
            return
        try:
            os.kill(note.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise ConfigError(f"process {note.pid} is another user's") from error
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if not is_alive(note.owner):
                return
            time.sleep(_LOOK_S)
    raise ConfigError(
        f"process {note.pid} did not end within {STOP_S:.0f} s",
        hint=f"kill -9 {note.pid} loses nothing: the journal knows how far it is",
    )


def _folder(journal: Path) -> Path:
    return journal / "watchers"
