"""Which runs count, in which order, which one is the baseline, and how people name a run."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from difflib import get_close_matches
from weakref import WeakKeyDictionary

import numpy as np

from evaltui.domain.catalogue import HEADLINE_CANDIDATES, spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.packed_texts import PackedTexts
from evaltui.domain.report import ReportKind, ReportStatus
from evaltui.domain.run import LOCAL_PREFIX, RunStatus, Tag
from evaltui.domain.table import STATUSES, BoolArray, FloatArray, IntArray, RunTable
from evaltui.domain.text_bytes import encoded
from evaltui.domain.text_column import TextColumn
from evaltui.errors import RunNotFoundError
from evaltui.late_dataclass import dataclass

_LOGGING = "logging"
"""Value of the state tag of a run that is not wholly written yet."""

_FINISHED = STATUSES.index(RunStatus.FINISHED)


@dataclass(frozen=True, slots=True)
class BaselineChoice:
    """The run that another one is compared with.

    Attributes:
        row: Row of the baseline, or None when there is none.
        why: Why this one, or why none; a few words.
    """

    row: int | None
    why: str


def visible(table: RunTable) -> BoolArray:
    """Return which rows a list shows by itself: alive, not superseded, no duplicate."""
    shown = table.alive.copy()
    for tag in (Tag.SUPERSEDED_BY, Tag.DUPLICATE_OF):
        shown &= ~_matches(table, tag, bool)
    return shown


def eligible(table: RunTable) -> BoolArray:
    """Return which rows may be a baseline, a point of a trend, or `latest`.

    Those are visible and finished runs of whole evaluations that the store has: not running,
    failed, partial, superseded, duplicated, still being logged, local or generation runs.
    """
    return _selection(table).eligible.copy()


def eligible_order(table: RunTable) -> IntArray:
    """Return the eligible rows in evaluation order, oldest first."""
    return _selection(table).ordered.copy()


def order_rows(table: RunTable, rows: IntArray | None = None) -> IntArray:
    """Return rows in evaluation order: start time, then run id; without a start time first.

    Args:
        table: The runs.
        rows: Rows to put in order, or None for every row that is alive.
    """
    chosen = np.flatnonzero(table.alive) if rows is None else rows
    starts = np.nan_to_num(table.started_ms[chosen], nan=-np.inf)
    order = np.argsort(starts, kind="stable")
    ordered = np.asarray(chosen, dtype=np.int64)[order]
    return _order_ties(ordered, starts[order], table.run_ids)


def _order_ties(ordered: IntArray, starts: FloatArray, run_ids: Sequence[str]) -> IntArray:
    """Put runs that start at the same time in the order of their ids."""
    changes = np.flatnonzero(starts[1:] != starts[:-1]) + 1
    edges = np.concatenate(([0], changes, [len(ordered)])).astype(np.int64)
    long = np.flatnonzero(np.diff(edges) > 1)
    for low, high in zip(edges[long], edges[long + 1], strict=True):
        ordered[low:high] = sorted(ordered[low:high], key=lambda row: run_ids[row])
    return ordered


def mode_of(table: RunTable, row: int) -> str | None:
    """Return the mode of a run (tag, else param), or None."""
    return table.tag(row, Tag.MODE) or table.param(row, Tag.MODE) or None


def mode_codes(table: RunTable) -> tuple[IntArray, list[str]]:
    """Return the mode of every row as a position in a list of modes, -1 where it has none."""
    modes: dict[str, int] = {}
    codes = np.full(table.size, -1, dtype=np.int64)
    for column in (table.param_column(Tag.MODE), table.tag_column(Tag.MODE)):
        if column is None:
            continue
        places = [modes.setdefault(text, len(modes)) if text else -1 for text in column.values]
        lookup = np.array([*places, -1], dtype=np.int64)  # code -1, missing, finds the last
        found = lookup[column.codes[: table.size]]
        codes = np.where(found >= 0, found, codes)
    return codes, list(modes)


def headline(table: RunTable, row: int | None = None) -> str | None:
    """Return the name of the primary metric of a run, or of the whole list.

    A run's own tag decides, then the tag that most runs carry, then the scores of the
    app-evaluation family, then the gain that most runs have. None when no run has a metric.

    Args:
        table: The runs.
        row: The run, or None for all.
    """
    if row is not None:
        own = table.tag(row, Tag.HEADLINE)
        if own and table.value(row, own) is not None:
            return own
    alive = table.alive
    tagged = list(_by_frequency(table.tag_column(Tag.HEADLINE), alive))
    for name in (*tagged, *HEADLINE_CANDIDATES):
        if _has(table, name, row):
            return name
    names = [name for name in table.metric_names() if _has(table, name, row)]
    return min(names, key=lambda name: _headline_rank(table, name), default=None)


def _has(table: RunTable, name: str, row: int | None) -> bool:
    if table.metric(name) is None:
        return False
    return table.value(row, name) is not None if row is not None else table.filled(name) > 0


def _headline_rank(table: RunTable, name: str) -> tuple[bool, bool, int, int, str]:
    spec = spec_for(name)
    not_gain = spec.direction is not Direction.HIGHER
    return (spec.direction is Direction.NEUTRAL, not_gain, -table.filled(name), spec.rank, name)


def default_baseline(
    table: RunTable,
    row: int,
    *,
    shared_run_id: str = "",
    session_run_id: str | None = None,
) -> BaselineChoice:
    """Return the baseline of a run: this session's, else the shared one, else the previous.

    Previous is the newest eligible run of the same mode before this one. A run set as baseline
    that is gone falls through to the next rule, and the reason says so.

    Args:
        table: The runs.
        row: The run to be compared.
        shared_run_id: Run id in the experiment's baseline tag, or "".
        session_run_id: Run set for this session or by a flag; None when nobody did.
    """
    missing = ""
    for run_id, why in ((session_run_id, "set in this session"), (shared_run_id, "shared")):
        if not run_id:
            continue
        found = table.row_of(run_id)
        if found is not None:
            return BaselineChoice(found, why)
        missing = f"; the {'shared' if why == 'shared' else 'chosen'} one is gone"
    mode = mode_of(table, row)
    before = earlier(table, row)
    if len(before):
        return BaselineChoice(int(before[-1]), f"previous {mode or 'run without a mode'}{missing}")
    what = f"run of mode {mode}" if mode else "run without a mode"
    return BaselineChoice(None, f"no earlier finished {what}{missing}")


def earlier(table: RunTable, row: int) -> IntArray:
    """Return the eligible rows of the same mode that come before `row`, oldest first; a view.

    Evaluation order decides. A run without a start has not begun as far as is known: every other
    one came before it.
    """
    of_mode, starts = _selection(table).of_mode(table, row)
    start = float(table.started_ms[row])
    if np.isnan(start):
        others: IntArray = of_mode[of_mode != row]
        return others
    first = int(np.searchsorted(starts, start, side="left"))
    last = int(np.searchsorted(starts, start, side="right"))
    ids = table.run_ids  # which decide between those that started at the same time
    at = bisect_left(of_mode, ids[row], first, last, key=lambda other: ids[int(other)])
    return of_mode[:at]


@dataclass(frozen=True, slots=True, eq=False)
class _Selection:
    """What is worked out once per version of a table, because every cursor key asks for it."""

    version: int
    eligible: BoolArray
    ordered: IntArray
    modes: IntArray
    _of_modes: dict[int, tuple[IntArray, FloatArray]] = field(default_factory=dict)

    def of_mode(self, table: RunTable, row: int) -> tuple[IntArray, FloatArray]:
        """Return the eligible rows of a row's mode in evaluation order, and when they started.

        Every line of the list asks, so it is sorted out once per mode.
        """
        mode = int(self.modes[row])
        known = self._of_modes.get(mode)
        if known is None:
            rows = self.ordered[self.modes[self.ordered] == mode]
            starts = np.nan_to_num(table.started_ms[rows], nan=-np.inf)
            known = self._of_modes[mode] = (rows, starts)
        return known


_selections: WeakKeyDictionary[RunTable, _Selection] = WeakKeyDictionary()


def _selection(table: RunTable) -> _Selection:
    known = _selections.get(table)
    if known is None or known.version != table.version:
        good = _work_out_eligible(table)
        ordered = order_rows(table, np.flatnonzero(good))
        known = _Selection(table.version, good, ordered, mode_codes(table)[0])
        _selections[table] = known
    return known


def _work_out_eligible(table: RunTable) -> BoolArray:
    good: BoolArray = visible(table)
    good &= table.status == _FINISHED
    good &= ~_matches(table, Tag.KIND, lambda text: text == ReportKind.GENERATION)
    good &= ~_matches(table, Tag.STATUS, lambda text: text not in {"", ReportStatus.FINISHED})
    good &= ~_matches(table, Tag.STATE, lambda text: text == _LOGGING)
    good &= ~_local(table)
    return good


_locals: WeakKeyDictionary[RunTable, BoolArray] = WeakKeyDictionary()


def _local(table: RunTable) -> BoolArray:
    """Return which rows are of reports that the store lacks; a row's id never changes."""
    known = _locals.get(table)
    looked = 0 if known is None else len(known)
    if known is None and isinstance(table.run_ids, PackedTexts):
        first = table.run_ids.first
        known = _locals[table] = np.zeros(len(first), dtype=np.bool_)
        known[first.rows_from(encoded(LOCAL_PREFIX))] = True
        looked = len(known)
    if known is None or looked < table.size:
        ids = table.run_ids[looked:]
        fresh = np.fromiter((i.startswith(LOCAL_PREFIX) for i in ids), np.bool_, len(ids))
        known = _locals[table] = fresh if known is None else np.concatenate([known, fresh])
    return known


_RELATIVE = re.compile(r"latest(?:~(\d{1,9}))?(?::mode=(.+))?\Z", re.DOTALL)
_SHORTEST_PREFIX = 4
_LISTED = 5
_LOOKED_AT = 2_000  # names that are looked at for near matches, which are slow to find


def resolve(table: RunTable, text: str, *, baseline_run_id: str = "") -> int:
    """Return the row of the run that people name `text`.

    Names are: `latest`, `latest~N` (N runs earlier), either with `:mode=M`; `baseline`; a run id
    or a prefix of at least 4 characters; a run's name, where the newest of several visible runs
    of the same name is not guessed.

    Args:
        table: The runs.
        text: What was typed.
        baseline_run_id: What `baseline` stands for, or "" when none is set.

    Raises:
        RunNotFoundError: Nothing or more than one run is meant; message and hint list candidates.
    """
    relative = _RELATIVE.match(text)
    if relative is not None:
        return _latest(table, text, int(relative[1] or 0), relative[2])
    if text == "baseline":
        found = table.row_of(baseline_run_id) if baseline_run_id else None
        if found is None:
            hint = "set one with `evaltui baseline set RUN`"
            raise RunNotFoundError("no baseline is set, or its run is gone", hint=hint)
        return found
    exact = table.row_of(text)
    if exact is not None:
        return exact
    return _by_name_or_prefix(table, text)


def _latest(table: RunTable, text: str, back: int, mode: str | None) -> int:
    ordered = eligible_order(table)
    if mode is not None:
        ordered = ordered[[mode_of(table, int(row)) == mode for row in ordered]]
    if back < len(ordered):
        return int(ordered[len(ordered) - 1 - back])
    of_mode = f" of mode {mode}" if mode is not None else ""
    _, modes = mode_codes(table)
    near = get_close_matches(mode, modes) if mode is not None and not len(ordered) else []
    raise RunNotFoundError(
        f"{text}: there are {len(ordered)} finished runs{of_mode}",
        hint=f"did you mean mode {' or '.join(near)}?" if near else None,
    )


def _by_name_or_prefix(table: RunTable, text: str) -> int:
    shown = [int(row) for row in np.flatnonzero(visible(table))]
    named = [row for row in shown if table.names[row] == text]
    if not named and len(text) >= _SHORTEST_PREFIX:
        alive = (int(row) for row in np.flatnonzero(table.alive))
        named = [row for row in alive if table.run_ids[row].startswith(text)]
    if len(named) == 1:
        return named[0]
    if named:
        some = ", ".join(f"{table.run_ids[row]} ({table.names[row]})" for row in named[:_LISTED])
        more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
        raise RunNotFoundError(f"{text} names {len(named)} runs", hint=f"one of: {some}{more}")
    names = list(dict.fromkeys(table.names[row] for row in shown[: -_LOOKED_AT - 1 : -1]))
    near = get_close_matches(text, names, n=_LISTED, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`evaltui runs` lists what there is"
    raise RunNotFoundError(f"no run is called {text}", hint=hint)


def _matches(table: RunTable, tag: str, test: Callable[[str], bool]) -> BoolArray:
    """Return where a tag is there and passes a test; each distinct value is tested once."""
    column = table.tag_column(tag)
    if column is None:
        return np.zeros(table.size, dtype=np.bool_)
    lookup: BoolArray = np.array([*map(test, column.values), False], dtype=np.bool_)
    codes = column.codes[: table.size]
    return np.asarray(lookup[codes], dtype=np.bool_)  # code -1, missing, finds the last


def _by_frequency(column: TextColumn | None, alive: BoolArray) -> Iterable[str]:
    if column is None or not column.values:
        return ()
    codes = column.codes[: len(alive)][alive]
    counts = np.bincount(codes[codes >= 0], minlength=len(column.values))
    order = sorted(range(len(counts)), key=lambda code: (-int(counts[code]), column.values[code]))
    return tuple(column.values[code] for code in order if counts[code] and column.values[code])
