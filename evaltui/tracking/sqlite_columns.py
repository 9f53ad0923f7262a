"""Pages of runs out of the tables of a SQLite store, column by column.

What SQLite returns goes into arrays; neither a run nor a value becomes an object of its own.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from evaltui.domain.distinct import distinct
from evaltui.domain.run import Tag
from evaltui.domain.run_delta import STATUSES, FloatArray, RunColumns, RunDelta
from evaltui.late_dataclass import dataclass
from evaltui.tracking.run_values import INFINITE, run_status
from evaltui.tracking.sqlite_database import Database, Row
from evaltui.tracking.sqlite_rows import text_of

# Positions in the list of ids come back instead of the ids, which would be read with every value.
_RUNS = (
    "SELECT j.key, r.name, r.status, r.start_time, r.end_time, r.artifact_uri, r.experiment_id"
    " FROM json_each(?) j CROSS JOIN runs r ON r.run_uuid = j.value"
    " WHERE r.lifecycle_stage = 'active'"
)
_METRICS = (
    "SELECT j.key, v.key, v.value FROM json_each(?) j"
    " CROSS JOIN latest_metrics v ON v.run_uuid = j.value"
    " WHERE v.is_nan = 0 AND typeof(v.value) IN ('real', 'integer')"
)
_PARAMS = (
    "SELECT j.key, v.key, v.value FROM json_each(?) j CROSS JOIN params v ON v.run_uuid = j.value"
)
_TAGS = "SELECT j.key, v.key, v.value FROM json_each(?) j CROSS JOIN tags v ON v.run_uuid = j.value"

_CODES = {status: code for code, status in enumerate(STATUSES)}
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(31)
_ONES = 2**64 - 1

SumArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Runs, and what tells whether they change.

    Attributes:
        runs: The active ones of those that were asked for, in that order.
        digests: Per run, a sum of everything that is shown of it.
        tag_sums: Per run, a sum of its tags.
    """

    runs: RunColumns
    digests: SumArray
    tag_sums: SumArray


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Values of runs by name.

    Attributes:
        names: The names there are.
        runs: Per value, the position of its run.
        codes: Per value, the position of its name.
        values: The values.
    """

    names: list[str]
    runs: npt.NDArray[np.intp]
    codes: npt.NDArray[np.intp]
    values: Sequence[object]


def load_page(database: Database, run_ids: Sequence[str]) -> Page:
    """Return the active ones of these runs, as they are at one moment."""
    if not run_ids:
        return Page(RunColumns(RunDelta(), (), ()), *np.empty((2, 0), dtype=np.uint64))
    with database.snapshot():
        heads = sorted(database.rows(_RUNS, _asked(run_ids)), key=_position)
        there = [run_ids[_position(row)] for row in heads]
        asked = _asked(there)
        metrics = _cells(database, _METRICS, asked)
        params = _cells(database, _PARAMS, asked)
        tags = _cells(database, _TAGS, asked)
    size = len(there)
    values, metric_sums = _numbers(metrics, size)
    param_texts, param_sums = _texts(params, size)
    tag_texts, tag_sums = _texts(tags, size)
    names = [text_of(row[1]) for row in heads]
    if "" in names:
        own = tag_texts.get(Tag.MLFLOW_RUN_NAME, [None] * size)
        names = [name or text or "" for name, text in zip(names, own, strict=True)]
    delta = RunDelta(
        run_ids=tuple(there),
        names=tuple(names),
        status=tuple(_CODES[run_status(row[2])] for row in heads),
        started_ms=np.array([_time(row[3]) for row in heads], dtype=np.float64),
        ended_ms=np.array([_time(row[4]) for row in heads], dtype=np.float64),
        metrics=values,
        params=param_texts,
        tags=tag_texts,
    )
    head_sums = [hash(row[1:]) & _ONES for row in heads]
    digests = (
        _mixed(np.array(head_sums, dtype=np.uint64))
        ^ metric_sums
        ^ _mixed(param_sums)  # what moves from a param to a tag of the same name is a change
        ^ tag_sums
    )
    columns = RunColumns(delta, [str(row[6]) for row in heads], [text_of(row[5]) for row in heads])
    return Page(columns, digests, tag_sums)


def load_tag_sums(database: Database, run_ids: Sequence[str]) -> SumArray:
    """Return the sums of the tags of these runs, as they are in a Page."""
    cells = _cells(database, _TAGS, _asked(run_ids))
    return _sums(cells, hashes(_as_texts(cells.values)), len(run_ids))


def _asked(run_ids: Sequence[str]) -> tuple[str]:
    return (json.dumps(list(run_ids)),)


def _position(row: Row) -> int:
    return int(str(row[0]))


def _cells(database: Database, sql: str, asked: tuple[str]) -> _Cells:
    """Read values block by block: their rows are many objects each, and never there all at once."""
    codes: defaultdict[object, int] = defaultdict(count().__next__)  # in order of appearance

    def cells(rows: list[Row]) -> tuple[npt.NDArray[np.intp], Sequence[object]]:
        runs, keys, values = zip(*rows, strict=True)
        return np.array([runs, [codes[key] for key in keys]], dtype=np.intp), values

    blocks = database.made(sql, asked, cells)
    places = [np.empty((2, 0), dtype=np.intp), *(places for places, _ in blocks)]
    runs, used = np.concatenate(places, axis=1)
    values = [value for _, values in blocks for value in values]
    return _Cells([str(key) for key in codes], runs, used, values)


def _numbers(cells: _Cells, size: int) -> tuple[dict[str, FloatArray], SumArray]:
    """Return a column per metric, NaN where a run lacks it, and a sum per run."""
    values = np.array(cells.values, dtype=np.float64)
    names, runs, codes = cells.names, cells.runs, cells.codes
    finite = np.abs(values) < INFINITE
    if not finite.all():
        values, runs, codes = values[finite], runs[finite], codes[finite]
        kept = distinct(codes)
        names, codes = [names[code] for code in kept.tolist()], np.searchsorted(kept, codes)
    columns = np.full((len(names), size), math.nan)
    columns[codes, runs] = values
    sums = _sums(_Cells(names, runs, codes, ()), values.view(np.uint64), size)
    return dict(zip(names, columns, strict=True)), sums


def _texts(cells: _Cells, size: int) -> tuple[dict[str, list[str | None]], SumArray]:
    """Return a column per name, None where a run lacks it, and a sum per run."""
    texts = _as_texts(cells.values)
    columns: list[list[str | None]] = [[None] * size for _ in cells.names]
    for run, code, text in zip(cells.runs.tolist(), cells.codes.tolist(), texts, strict=True):
        columns[code][run] = text
    return dict(zip(cells.names, columns, strict=True)), _sums(cells, hashes(texts), size)


def _as_texts(values: Sequence[object]) -> list[str]:
    return [value if isinstance(value, str) else text_of(value) for value in values]


def hashes(values: Sequence[Hashable]) -> SumArray:
    """Return the hash of each value."""
    return np.fromiter(map(hash, values), dtype=np.int64, count=len(values)).view(np.uint64)


def _sums(cells: _Cells, values: SumArray, size: int) -> SumArray:
    """Return per run a sum of its names and values that does not depend on their order."""
    sums = np.zeros(size, dtype=np.uint64)
    np.bitwise_xor.at(sums, cells.runs, _mixed(_mixed(hashes(cells.names))[cells.codes] ^ values))
    return sums


def _mixed(numbers: SumArray) -> SumArray:
    """Spread what tells numbers apart over all their bits."""
    mixed = numbers * _FACTOR
    mixed ^= mixed >> _SHIFT
    mixed *= _FACTOR
    return mixed ^ (mixed >> _SHIFT)


def _time(value: object) -> float:
    return float(int(value)) if isinstance(value, int | float) else math.nan
