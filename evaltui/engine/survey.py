"""A quick look below a directory: is there anything that would be worth watching?"""

from __future__ import annotations

import itertools
import os
import stat
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from evaltui.domain.events import FileRole
from evaltui.engine.env_hint import env_file_beside
from evaltui.engine.filebytes import read_head
from evaltui.engine.roots import SKIPPED_FOLDERS, is_temporary
from evaltui.errors import ReportError
from evaltui.late_dataclass import dataclass
from evaltui.readers import HEAD_BYTES, recognise, wants_dot

MAX_ENTRIES = 20_000
MAX_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found below a directory.

    Attributes:
        path: The directory, absolute.
        reports: Number of files that a reader recognises as a report.
        more: The look ended before the tree did: there may be more.
        env_file: A `.env` in the directory or its parent that names DATABRICKS_ or MLFLOW_
            variables, or "".
    """

    path: str
    reports: int
    more: bool
    env_file: str


def survey(
    path: Path,
    *,
    max_entries: int = MAX_ENTRIES,
    max_seconds: float = MAX_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Survey:
    """Count the reports below a directory, nearest first, within bounds.

    Directories that cannot be read, links and folders that are never watched are passed over.
    """
    deadline = monotonic() + max_seconds
    reports = entries = 0
    more = False
    waiting = deque([path])
    while waiting and not more:
        for entry in _listing(waiting.popleft()):
            entries += 1
            if entries > max_entries or monotonic() > deadline:
                more = True
                break
            if entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED_FOLDERS and not entry.name.startswith("."):
                    waiting.append(Path(entry.path))
            elif _is_report(Path(entry.path)):
                reports += 1
    return Survey(str(path), reports, more, env_file_beside(path)[0])


def _listing(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            found = itertools.islice(entries, MAX_ENTRIES + 1)
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_report(path: Path) -> bool:
    if is_temporary(path.name) or (path.name.startswith(".") and not wants_dot(path.name)):
        return False
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or not found.st_size:
            return False
        head = read_head(path, HEAD_BYTES)
    except (OSError, ReportError):
        return False
    return recognise(head, path.name).role in {FileRole.REPORT, FileRole.GENERATION}
