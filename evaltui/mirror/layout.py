"""The bytes of a mirror: a header, then columns that are used as they lie in the file.

    8 bytes  magic, with the version of the layout
    4 bytes  length of the header, little-endian
    4 bytes  CRC-32 of the header
    header   JSON: facts, and for every section where it lies and its CRC-32
    sections each at a multiple of 8

Numbers are little-endian. Columns of numbers are somewhat longer than the list of runs, so that
new runs have room in the mapped arrays.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from evaltui.domain.distinct import distinct
from evaltui.domain.packed_texts import PackedTexts
from evaltui.domain.table import STATUSES, IntArray, RunTable, TableColumns
from evaltui.domain.text_bytes import TextBytes
from evaltui.domain.text_column import TextColumn
from evaltui.late_dataclass import dataclass

MAGIC = b"evtmir\x00\x01"
LARGEST_BYTES = 512_000_000
"""A larger mirror is neither written nor read."""

_HEAD = struct.Struct("<8sII")
_ALIGNED = 8
_LARGEST_HEADER = 8_000_000
_SPARE_ROWS = 256
_SPARE_SHARE = 64
_CRC_STEP = 1 << 20
LetGo = Callable[[Iterable[IntArray]], None]
"""Gives back the memory of the bytes of a mirror, but for that around changed ones at offsets."""

_Piece = Callable[[], memoryview]
"""Makes a section: all of them at once would be as much memory as the table."""

_BASE = {"status": "<u1", "started_ms": "<f8", "ended_ms": "<f8"}


class MirrorError(Exception):
    """The bytes are no mirror of what is asked for: damaged, cut short, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a mirror is of.

    Attributes:
        key: Identity of store and experiment name, as `Target.key`.
        experiment_id: Id of the experiment.
        token: Names this very state of the mirror.
        as_of_s: Epoch seconds at which the store said so; of the oldest part, where runs are still
            as an earlier mirror had them.
        asked_at_s: Epoch seconds at which the store was last asked what is new, no earlier.
        baseline_run_id: Shared baseline, or "".
        directions: Shared directions by metric.
    """

    key: str
    experiment_id: str
    token: str
    as_of_s: float
    asked_at_s: float
    baseline_run_id: str = ""
    directions: Mapping[str, str] = field(default_factory=dict)


def pack(table: RunTable, facts: Facts) -> Iterator[bytes | memoryview]:
    """Return the bytes of a mirror, piece by piece.

    Raises:
        MirrorError: It would be too large.
    """
    names: dict[str, list[str]] = {"metrics": table.metric_names()}
    names["params"], names["tags"] = table.param_names(), table.tag_names()
    rows = np.flatnonzero(table.alive)
    capacity = len(rows) + _SPARE_ROWS + len(rows) // _SPARE_SHARE
    width = 8 * (3 + len(names["metrics"])) + 4 * (len(names["params"]) + len(names["tags"]))
    if capacity * width > LARGEST_BYTES:
        raise MirrorError(f"{len(rows)} runs of {width} bytes each are too many for a mirror")
    sections: dict[str, list[int]] = {}
    pieces: list[_Piece] = []
    offset = 0
    for name, make in _sections(table, names, rows, capacity):
        pieces.append(make)
        piece = make()
        offset += -offset % _ALIGNED
        sections[name] = [offset, piece.nbytes, zlib.crc32(piece)]
        offset += piece.nbytes
    if offset > LARGEST_BYTES:
        raise MirrorError(f"{offset} bytes are too many for a mirror")
    document = {
        "facts": asdict(facts),
        "runs": len(rows),
        "capacity": capacity,
        "names": names,
        "sections": sections,
    }
    header = json.dumps(document, separators=(",", ":")).encode("ascii")
    header += b" " * (-(_HEAD.size + len(header)) % _ALIGNED)
    yield _HEAD.pack(MAGIC, len(header), zlib.crc32(header)) + header
    for make in pieces:
        piece = make()
        yield piece
        yield bytes(-piece.nbytes % _ALIGNED)


def unpack_facts(data: memoryview) -> Facts:
    """Return what a mirror is of, without looking at its columns.

    Raises:
        MirrorError: This is no mirror.
    """
    return _Reader(data).facts


def unpack(data: memoryview, let_go: LetGo | None = None) -> tuple[RunTable, Facts]:
    """Return the table of a mirror; its arrays lie in `data`, and are changed there.

    Args:
        data: All bytes of the mirror, writable.
        let_go: What the table is to call when nothing of it is looked at for a while.

    Raises:
        MirrorError: This is no mirror, or a damaged one.
    """
    reader = _Reader(data, let_go)
    return reader.table(), reader.facts


class _Reader:
    def __init__(self, data: memoryview, let_go: LetGo | None = None) -> None:
        if len(data) < _HEAD.size:
            raise MirrorError("cut short")
        magic, size, crc = _HEAD.unpack_from(data)
        if magic != MAGIC:
            raise MirrorError("another layout")
        header = bytes(data[_HEAD.size : _HEAD.size + min(size, _LARGEST_HEADER)])
        if len(header) != size or zlib.crc32(header) != crc:
            raise MirrorError("a damaged header")
        try:
            document = json.loads(header)
            self.facts = _facts(document["facts"])
            self._runs, self._capacity = int(document["runs"]), int(document["capacity"])
            self._names = {kind: [*map(str, document["names"][kind])] for kind in _KINDS}
            self._sections: dict[str, list[int]] = document["sections"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise MirrorError(f"a strange header: {error}") from error
        self._begin = _HEAD.size + size
        self._data = data[self._begin :]
        self._let_go = let_go
        self._changeable: list[tuple[int, int]] = []
        """Offset and bytes per row of what is changed in place; texts never are."""

    def table(self) -> RunTable:
        try:
            return RunTable.of(self._columns())
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
            raise MirrorError(f"strange columns: {error}") from error

    def _columns(self) -> TableColumns:
        base = {name: self._array(name, dtype) for name, dtype in _BASE.items()}
        if base["status"].max(initial=0) >= len(STATUSES):
            raise MirrorError("an unknown status")
        return TableColumns(
            run_ids=self._texts("run_ids", self._runs),
            names=self._texts("names", self._runs),
            **base,
            metrics={
                name: self._array(f"metrics{at}", "<f8")
                for at, name in enumerate(self._names["metrics"])
            },
            params=self._text_columns("params"),
            tags=self._text_columns("tags"),
            let_go=None if self._let_go is None else self._let_go_but,
        )

    def _let_go_but(self, rows: IntArray) -> None:
        """Give memory back, but not that of rows that are no longer as they lie in the mirror."""
        assert self._let_go is not None
        rows = rows[rows < self._capacity]  # the others found no room here, and lie elsewhere
        self._let_go(offset + size * rows for offset, size in self._changeable)

    def _text_columns(self, kind: str) -> dict[str, TextColumn]:
        columns: dict[str, TextColumn] = {}
        for at, name in enumerate(self._names[kind]):
            codes = self._array(f"{kind}{at}", "<i4")
            values = self._texts(f"{kind}{at}.values")
            if codes.max(initial=-1) >= len(values) or codes.min(initial=-1) < -1:
                raise MirrorError("a code without a text")
            columns[name] = TextColumn.of(codes, values)
        return columns

    def _texts(self, name: str, count: int | None = None) -> PackedTexts:
        ends = np.frombuffer(self._section(f"{name}.ends"), dtype="<u4")
        if count is not None and len(ends) != count:
            raise MirrorError(f"{len(ends)} of {count} texts")
        return PackedTexts(self._section(name), ends)

    def _array(self, name: str, dtype: str) -> npt.NDArray[Any]:
        found = np.frombuffer(self._section(name), dtype=dtype)
        if len(found) != self._capacity or self._capacity < self._runs:
            raise MirrorError("a column of another length")
        self._changeable.append((self._begin + self._sections[name][0], found.itemsize))
        return found

    def _section(self, name: str) -> memoryview:
        offset, size, crc = self._sections[name]
        found = self._data[offset : offset + size] if offset >= 0 <= size else self._data[:0]
        if len(found) != size:
            raise MirrorError("cut short")
        sum_now = 0
        for start in range(0, size, _CRC_STEP):
            sum_now = zlib.crc32(found[start : start + _CRC_STEP], sum_now)
        if sum_now != crc:
            raise MirrorError("damaged columns")
        return found


_KINDS = ("metrics", "params", "tags")


def _facts(fields: dict[str, Any]) -> Facts:
    as_of_s = float(fields["as_of_s"])
    asked_at_s = float(fields.get("asked_at_s", as_of_s))
    if not (math.isfinite(as_of_s) and math.isfinite(asked_at_s)):
        raise ValueError("no date")
    return Facts(
        key=str(fields["key"]),
        experiment_id=str(fields["experiment_id"]),
        token=str(fields["token"]),
        as_of_s=as_of_s,
        asked_at_s=asked_at_s,
        baseline_run_id=str(fields["baseline_run_id"]),
        directions={str(name): str(way) for name, way in dict(fields["directions"]).items()},
    )


def _sections(
    table: RunTable, names: Mapping[str, list[str]], rows: IntArray, capacity: int
) -> Iterator[tuple[str, _Piece]]:
    for name, texts in (("run_ids", table.run_ids), ("names", table.names)):
        yield from _text_sections(name, texts, rows)
    for name, values in (
        ("status", table.status),
        ("started_ms", table.started_ms),
        ("ended_ms", table.ended_ms),
    ):
        yield name, partial(_column, values, rows, capacity, _BASE[name])
    for at, name in enumerate(names["metrics"]):
        metric = table.metric(name)
        assert metric is not None
        yield f"metrics{at}", partial(_column, metric, rows, capacity, "<f8")
    for kind, column_of in (("params", table.param_column), ("tags", table.tag_column)):
        for at, name in enumerate(names[kind]):
            column = column_of(name)
            assert column is not None
            codes, used = _used(column, rows)
            yield f"{kind}{at}", partial(_filled, codes, capacity, "<i4")
            yield from _text_sections(f"{kind}{at}.values", column.values, used)


def _used(column: TextColumn, rows: IntArray) -> tuple[npt.NDArray[Any], IntArray]:
    """Return the codes of rows among the texts that they still use, and which those are."""
    used = distinct(column.codes[rows])
    codes = np.searchsorted(used, column.codes[rows])
    missing = int(len(used) > 0 and used[0] < 0)
    return codes - missing, used[missing:]


def _text_sections(name: str, texts: Sequence[str], rows: IntArray) -> Iterator[tuple[str, _Piece]]:
    """Pack the texts at ascending rows; where they are packed already, that is used as it is."""
    try:
        if isinstance(texts, PackedTexts) and len(rows) == len(texts):
            packed = texts.packed()
        else:
            packed = TextBytes.of(texts[row] for row in rows.tolist())
    except ValueError as error:
        raise MirrorError(str(error)) from error
    yield name, lambda: packed.data.data
    yield f"{name}.ends", lambda: memoryview(packed.ends.astype("<u4").tobytes())


def _column(values: npt.NDArray[Any], rows: IntArray, capacity: int, dtype: str) -> memoryview:
    return _filled(values[rows], capacity, dtype)


def _filled(values: npt.NDArray[Any], capacity: int, dtype: str) -> memoryview:
    """Return a column with room behind it, as bytes."""
    spare = {"<f8": math.nan, "<i4": -1}.get(dtype, 0)
    whole = np.full(capacity, spare, dtype=dtype)
    whole[: len(values)] = values
    return memoryview(whole.tobytes())
