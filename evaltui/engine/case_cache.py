"""Cases and reports of runs kept on this machine, so that a comparison asks the store once.

A cache: deleting it loses nothing, a damaged file counts as missing, and a disk that is full or
read-only only makes comparisons slower. Safe for threads and for several processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from evaltui.domain.cases import CaseTable
from evaltui.domain.table import FloatArray
from evaltui.late_dataclass import dataclass

LIMIT_BYTES = 256_000_000
_KEPT_TABLES = 32
_VERSION = 1
_SHRINK_TO = 0.8
_DAMAGED = (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class KeptCases:
    """The cases of a run, and the artifact they were read from ("" when that was no report)."""

    table: CaseTable
    report_path: str = ""


class CaseCache:
    """Keeps case tables and report bytes by a key that changes with the content.

    Args:
        directory: Where files are kept, made when missing; None keeps tables in memory only.
        limit_bytes: Size of all files, above which the oldest are removed.
    """

    def __init__(self, directory: Path | None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._tables: OrderedDict[str, KeptCases] = OrderedDict()

    def cases(self, key: str) -> KeptCases | None:
        """Return the cases kept under a key, or None."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        data = self._read(key, "npz")
        try:
            found = None if data is None else _decode(data)
        except _DAMAGED as error:
            _log.warning("the kept cases %s are damaged: %s", key, error)
            found = None
        if found is not None:
            self._remember(key, found)
        return found

    def keep_cases(self, key: str, cases: KeptCases) -> None:
        """Keep cases under a key."""
        self._remember(key, cases)
        self._write(key, "npz", _encode(cases))

    def report(self, key: str) -> bytes | None:
        """Return the report kept under a key, or None."""
        return self._read(key, "report")

    def keep_report(self, key: str, data: bytes) -> None:
        """Keep the bytes of a report under a key."""
        self._write(key, "report", data)

    def _remember(self, key: str, cases: KeptCases) -> None:
        with self._lock:
            self._tables[key] = cases
            self._tables.move_to_end(key)
            while len(self._tables) > _KEPT_TABLES:
                self._tables.popitem(last=False)

    def _read(self, key: str, suffix: str) -> bytes | None:
        if self._directory is None:
            return None
        path = self._directory / f"{key}.{suffix}"
        try:
            data = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return data

    def _write(self, key: str, suffix: str, data: bytes) -> None:
        if self._directory is None or len(data) > self._limit_bytes // 2:
            return
        path = self._directory / f"{key}.{suffix}"
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            temporary.replace(path)
            self._make_room()
        except OSError as error:
            _log.warning("cases are not kept in %s: %s", self._directory, error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _make_room(self) -> None:
        assert self._directory is not None
        with self._lock:
            files = []
            for path in self._directory.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    stat = path.stat()
                    files.append((stat.st_mtime_ns, stat.st_size, path))
            size = sum(item[1] for item in files)
            if size <= self._limit_bytes:
                return
            for _, bytes_there, path in sorted(files, key=lambda item: item[0]):
                if size <= self._limit_bytes * _SHRINK_TO:
                    return
                path.unlink(missing_ok=True)
                size -= bytes_there


def _encode(cases: KeptCases) -> bytes:
    table = cases.table
    header = {
        "version": _VERSION,
        "report_path": cases.report_path,
        "ids": table.ids,
        "groups": table.groups,
        "results": list(table.results),
        "numbers": list(table.numbers),
        "note": table.note,
    }
    out = io.BytesIO()
    np.savez(
        out,
        header=np.frombuffer(json.dumps(header).encode("ascii"), dtype=np.uint8),
        outcome=table.outcome,
        errored=table.errored,
        results=_stack(list(table.results.values()), len(table)),
        numbers=_stack(list(table.numbers.values()), len(table)),
    )
    return out.getvalue()


def _stack(columns: list[FloatArray], size: int) -> FloatArray:
    return np.vstack(columns) if columns else np.empty((0, size))


def _decode(data: bytes) -> KeptCases | None:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        header: dict[str, Any] = json.loads(arrays["header"].tobytes())
        if header["version"] != _VERSION:
            return None
        table = CaseTable(
            ids=tuple(header["ids"]),
            groups=tuple(header["groups"]),
            outcome=arrays["outcome"],
            errored=arrays["errored"],
            results=dict(zip(header["results"], arrays["results"], strict=True)),
            numbers=dict(zip(header["numbers"], arrays["numbers"], strict=True)),
            note=header["note"],
        )
    columns = (*table.results.values(), *table.numbers.values())
    sizes = {len(table.groups), len(table.outcome), len(table.errored), *map(len, columns)}
    if sizes != {len(table)}:
        raise ValueError("columns of different lengths")
    return KeptCases(table, header["report_path"])
