"""Files that belong to a report: companions beside it, bulk-run results below the same root."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path

from evaltui.domain.events import FileRole
from evaltui.domain.report import Report, ReportKind, Source
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileBytes, FileChangedError, read_file, read_head
from evaltui.engine.roots import SKIPPED_FOLDERS
from evaltui.errors import ReportError
from evaltui.late_dataclass import dataclass
from evaltui.readers import HEAD_BYTES, MAX_BYTES, companion_names, read_reports, recognise

MAX_FOLDERS = 2_000
"""Folders of a root that are searched for bulk files."""

MAX_GENERATIONS = 20
"""Bulk files that are read, the newest ones."""

_KEPT_REPORTS = 64


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What was found around a report.

    Attributes:
        companions: Bytes of the report's companions by file name.
        generations: Bulk-run results the report may join, newest file first.
    """

    companions: Mapping[str, bytes] = field(default_factory=dict)
    generations: tuple[Report, ...] = ()


@dataclass(slots=True)
class _Folder:
    mtime_ns: int
    folders: tuple[str, ...]
    bulk_files: tuple[str, ...]


class Neighbourhood:
    """Finds neighbours; remembers folders that did not change and bulk files it has read.

    A backlog of ten thousand reports in one folder must not list that folder as often.
    """

    def __init__(self) -> None:
        self._folders: dict[str, _Folder] = {}
        self._reports: OrderedDict[FileStamp, tuple[Report, ...]] = OrderedDict()

    def gather(self, path: Path, root: Path | None, *, max_bytes: int) -> Neighbours:
        """Return what belongs to the report at `path`; see `gather`."""
        companions: dict[str, bytes] = {}
        for name in companion_names(path.name):
            with contextlib.suppress(OSError, ReportError, FileChangedError):
                beside = path.parent / name
                companions[name] = read_file(beside, max_bytes=max_bytes, root=root).data
        return Neighbours(companions, self._generations(path, root, max_bytes))

    def _generations(self, path: Path, root: Path | None, max_bytes: int) -> tuple[Report, ...]:
        start = str(path.parent if root is None else root)
        stamps = [
            stamp
            for name in self._bulk_files(start, deep=root is not None)
            if name != str(path) and (stamp := _stamp(name)) is not None
        ]
        stamps.sort(key=lambda stamp: (-stamp.mtime_ns, str(stamp.path)))
        found: list[Report] = []
        for stamp in stamps[:MAX_GENERATIONS]:
            found += self._read(stamp, root, max_bytes)
        return tuple(found)

    def _bulk_files(self, start: str, *, deep: bool) -> Iterator[str]:
        stack = [start]
        for _ in range(MAX_FOLDERS):
            if not stack:
                return
            folder = self._folder(stack.pop())
            if folder is None:
                continue
            yield from folder.bulk_files
            if deep:
                stack.extend(folder.folders)

    def _folder(self, path: str) -> _Folder | None:
        """Return a folder's listing: the remembered one while its mtime is the same."""
        try:
            mtime_ns = os.stat(path).st_mtime_ns  # noqa: PTH116 - thousands of times per backlog
            known = self._folders.get(path)
            if known is not None and known.mtime_ns == mtime_ns:
                return known
            folder = _list(path, mtime_ns)
        except OSError:
            return None
        if len(self._folders) > 2 * MAX_FOLDERS:
            self._folders.clear()
        self._folders[path] = folder
        return folder

    def _read(self, stamp: FileStamp, root: Path | None, max_bytes: int) -> tuple[Report, ...]:
        if stamp not in self._reports:
            self._reports[stamp] = tuple(_read_generation(stamp.path, root, max_bytes))
            if len(self._reports) > _KEPT_REPORTS:
                self._reports.popitem(last=False)
        self._reports.move_to_end(stamp)
        return self._reports[stamp]


_SHARED = Neighbourhood()


def gather(path: Path, root: Path | None, *, max_bytes: int) -> Neighbours:
    """Return what belongs to the report at `path`; what cannot be read is left out.

    Args:
        path: The report.
        root: Watched root that is searched for bulk files; None searches its directory only.
        max_bytes: Companions above this size are left out, bulk files are read in pieces.
    """
    return _SHARED.gather(path, root, max_bytes=max_bytes)


def source_of(file: FileBytes) -> Source:
    """Return the file as readers name it."""
    modified_at = datetime.fromtimestamp(file.stamp.mtime_ns / 1e9, UTC)
    return Source(file.stamp.path, file.stamp.size, modified_at)


def _list(path: str, mtime_ns: int) -> _Folder:
    folders: list[str] = []
    bulk_files: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if _is_bulk_name(entry.name):
                bulk_files.append(entry.path)
            elif (
                not entry.name.startswith(".")
                and entry.name not in SKIPPED_FOLDERS
                and entry.is_dir(follow_symlinks=False)
            ):
                folders.append(entry.path)
    return _Folder(mtime_ns, tuple(sorted(folders, reverse=True)), tuple(bulk_files))


def _is_bulk_name(name: str) -> bool:
    """Return whether a file may hold bulk-run results; its content decides."""
    return name.endswith(".json") and "bulk" in name and "results" in name


def _stamp(path: str) -> FileStamp | None:
    try:
        return FileStamp.of(Path(path), os.stat(path))  # noqa: PTH116 - see _folder
    except OSError:
        return None


def _read_generation(path: Path, root: Path | None, max_bytes: int) -> Iterable[Report]:
    with contextlib.suppress(OSError, ReportError, FileChangedError):
        head = read_head(path, HEAD_BYTES, root=root)
        if recognise(head, path.name).role is FileRole.GENERATION:
            file = read_file(path, max_bytes=MAX_BYTES, max_held=max_bytes, root=root)
            reports = read_reports(file.content, source_of(file), max_whole=max_bytes)
            return [report for report in reports if report.kind is ReportKind.GENERATION]
    return []
