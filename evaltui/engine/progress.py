"""How far an evaluation has come that writes one file per app before its report."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import field
from pathlib import Path

from evaltui.engine.roots import SKIPPED_FOLDERS
from evaltui.late_dataclass import dataclass

CaseKey = tuple[str, str]
"""App name and timestamp, as a per-app file tells them."""

_KEPT_REPORTS = 8
_KEPT_BYTES = 4_000_000
_MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """The per-app files of one directory that no report holds yet.

    Attributes:
        directory: Directory that the evaluation writes to.
        done: Apps evaluated.
        expected: Apps to be evaluated, or None when nothing tells.
    """

    directory: Path
    done: int
    expected: int | None

    @property
    def text(self) -> str:
        """One line for the person: "14 of 20 evaluated"."""
        if self.expected is None or self.expected < self.done:
            return f"{self.done} evaluated"
        return f"{self.done} of {self.expected} evaluated"


@dataclass(slots=True)
class _Group:
    cases: dict[Path, CaseKey] = field(default_factory=dict)
    expected: int | None = None
    asked: bool = False


class CaseProgress:
    """Collects per-app files by directory until a report holds them."""

    def __init__(self) -> None:
        self._groups: dict[Path, _Group] = {}
        self._directory_of: dict[Path, Path] = {}
        self._reports: deque[tuple[Path, bytes]] = deque(maxlen=_KEPT_REPORTS)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, path: Path, key: CaseKey, root: Path) -> Path | None:
        """Take a per-app file.

        Args:
            path: The file.
            key: What it tells.
            root: Watched directory it lies below.

        Returns:
            The directory whose row is to be written anew, None when a report that was seen
            lately holds it already.
        """
        if any(_holds(data, key) for _, data in self._reports):
            self.remove(path)
            return None
        directory = case_directory(path, key[0], root)
        self.remove(path)
        self._groups.setdefault(directory, _Group()).cases[path] = key
        self._directory_of[path] = directory
        return directory

    def remove(self, path: Path) -> Path | None:
        """Forget a per-app file; return the directory whose row changes, or None."""
        directory = self._directory_of.pop(path, None)
        if directory is not None:
            group = self._groups[directory]
            del group.cases[path]
            if not group.cases:
                del self._groups[directory]
        return directory

    def report(self, path: Path, chunks: Callable[[], Iterable[bytes]], size: int) -> list[Path]:
        """Drop the apps that a report holds; return the directories whose rows change.

        Args:
            path: The report.
            chunks: Reads its bytes; not called for a large one when there are no apps.
            size: Number of its bytes.
        """
        if size <= _KEPT_BYTES:
            self._reports.append((path, b"".join(chunks())))
        keys = {key for group in self._groups.values() for key in group.cases.values()}
        found = _held(chunks(), keys) if keys else set()
        held = [
            case
            for group in self._groups.values()
            for case, key in group.cases.items()
            if key in found
        ]
        changed = (self.remove(case) for case in held)
        return list(dict.fromkeys(found for found in changed if found is not None))

    def wants_expected(self, directory: Path) -> bool:
        """Return whether nobody has looked yet how many apps to expect; True once a group."""
        group = self._groups.get(directory)
        if group is None or group.asked:
            return False
        group.asked = True
        return True

    def ask_again(self) -> list[Path]:
        """Return the directories with an unknown number of apps, to be asked for again."""
        open_ones = [path for path, group in self._groups.items() if group.expected is None]
        for path in open_ones:
            self._groups[path].asked = False
        return open_ones

    def apps(self, directory: Path) -> set[str]:
        """Return the apps of a directory that are evaluated."""
        group = self._groups.get(directory)
        return set() if group is None else {name for name, _ in group.cases.values()}

    def expect(self, directory: Path, number: int | None) -> None:
        """Note how many apps a directory's evaluation is about; None for unknown."""
        if directory in self._groups:
            self._groups[directory].expected = number

    def of(self, directory: Path) -> Progress | None:
        """Return the progress of one directory, or None when it has nothing to show."""
        group = self._groups.get(directory)
        if group is None:
            return None
        return Progress(directory, len(self.apps(directory)), group.expected)

    def all(self) -> list[Progress]:
        """Return the progress of every directory, sorted."""
        return [found for found in map(self.of, sorted(self._groups)) if found is not None]

    def reports_below(self, root: Path) -> list[tuple[Path, bytes]]:
        """Return the reports seen lately below a directory, newest first."""
        return [item for item in reversed(self._reports) if item[0].is_relative_to(root)]


def case_directory(path: Path, app: str, root: Path) -> Path:
    """Return the directory whose apps a per-app file belongs to.

    `app/NAME/eval_result.json` belongs to `app`, `out/NAME_eval.json` to `out`.
    """
    folder = path.parent
    if folder != root and (folder.name == app or app not in path.name):
        return folder.parent
    return folder


def count_app_folders(directory: Path, apps: Iterable[str]) -> int | None:
    """Return the number of app directories in a directory, None where `apps` are none of them."""
    names: set[str] = set()
    try:
        for index, entry in enumerate(directory.iterdir()):
            if index >= _MOST_ENTRIES:
                return None
            if entry.name[0] != "." and entry.name not in SKIPPED_FOLDERS and entry.is_dir():
                names.add(entry.name)
    except OSError:
        return None
    return len(names) if names.issuperset(apps) else None


def _holds(data: bytes, key: CaseKey) -> bool:
    """Return whether a report's text has app and time."""
    return key in _held((data,), {key})


def _held(chunks: Iterable[bytes], keys: Collection[CaseKey]) -> set[CaseKey]:
    """Return the keys of which a report's text has app and time."""
    texts = {text: _spellings(text) for key in keys for text in key}
    overlap = max(len(word) for words in texts.values() for word in words)
    missing, rest = set(texts), b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        missing -= {text for text in missing if any(word in data for word in texts[text])}
        rest = data[-overlap:]
    return {key for key in keys if missing.isdisjoint(key)}


def _spellings(text: str) -> tuple[bytes, bytes]:
    """Return both usual ways of writing a text in JSON."""
    return (
        json.dumps(text).encode(),
        json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"),
    )
