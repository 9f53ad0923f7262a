"""Runs of a SQLite store, read by plain SQL: what MLflow's client takes 40 times longer for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evaltui.domain.packed_ids import BoolArray, PackedIds
from evaltui.domain.ports import RunSource
from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, Tag
from evaltui.errors import RunNotFoundError, StoreRejectedError
from evaltui.tracking.local_artifacts import inside, list_directory, local_root, read_file
from evaltui.tracking.run_sums import RunSums, SumArray
from evaltui.tracking.run_values import (
    FIRST_PAGE,
    LARGEST_PAGE,
    SWEEP_PAGE,
)
from evaltui.tracking.sqlite_columns import Page, hashes, load_page, load_tag_sums
from evaltui.tracking.sqlite_database import Database, Version
from evaltui.tracking.sqlite_rows import find_experiment, has_tables, load_runs, text_of

_PAGE = LARGEST_PAGE
"""Runs read at once; the screen draws its list anew for every page."""

_TAG_SCAN_SHARE = 20
"""Comparing all tags may take one part in so many of the time; the rest waits for its turn."""


class _Marks(NamedTuple):
    """Largest rowids seen: what was inserted later lies above them."""

    metrics: int
    params: int
    tags: int


class SqliteSource:
    """Reads one experiment of a SQLite database. Implements `RunSource`.

    `PRAGMA data_version` says in microseconds whether anybody wrote. Then inserted metrics,
    params and tags are found above the rowid marks, changed runs by comparing the table of runs,
    and overwritten tags by comparing all tags, which is done less often where it takes long.

    Args:
        path: The database; it may not exist yet.
        name: Name of the experiment, or "" to take `experiment_id`.
        experiment_id: Id of the experiment when the name is not known.
        elsewhere: Opens a source that reads artifacts which are not on this machine.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: Path,
        name: str,
        experiment_id: str = "",
        *,
        elsewhere: Callable[[], RunSource] | None = None,
    ) -> None:
        self._database = Database(path)
        self._elsewhere = elsewhere
        self._remote: RunSource | None = None
        self._name = name
        self._asked_id = experiment_id
        self._version: Version | None = None
        self._just_asked: Version | None = None
        self._follow = False
        self._experiment_id: int | None = None
        self._sums: RunSums | None = None
        self._marks = _Marks(0, 0, 0)
        self._tags_stale = False
        self._next_tag_scan = 0.0
        self._pending = PackedIds()
        self._removed: list[str] = []
        self._listing = True
        self._sweep_at = 0
        self._sweep_left = 0
        self._swept_for: Version | None = None
        self._looked_up: tuple[Version, Experiment] | None = None

    def experiment(self) -> Experiment | None:
        """Return the experiment, or None when it or the database does not exist yet."""
        version = self._just_asked = self._database.version()
        if version is None:
            return None
        if self._looked_up is not None and self._looked_up[0] == version:
            return self._looked_up[1]
        found = find_experiment(self._database, self._name, self._asked_id)
        if found is None:
            return None
        number, name, location, active = found
        tags = self._database.rows(
            "SELECT key, value FROM experiment_tags WHERE experiment_id = ?", (number,)
        )
        experiment = Experiment(
            experiment_id=str(number),
            name=name,
            artifact_location=location,
            tags={str(key): text_of(value) for key, value in tags},
            active=active,
        )
        self._looked_up = version, experiment
        return experiment

    def changes(self) -> Iterator[RunBatch]:
        """Yield what is new since the last call; see `RunSource.changes`."""
        # what was written since `experiment` was asked is found by the next call
        version, self._just_asked = self._just_asked or self._database.version(), None
        if version is None:
            return
        if version != self._version or self._tag_scan_due():
            if not self._look(version):
                return
            self._version = version
        listing = self._listing
        yield from self._load_pending()
        if listing:
            self._swept_for = version  # all was read just now
            self._database.rows("PRAGMA shrink_memory")

    def unchanged(self) -> bool:
        """Return whether nobody wrote since the last call of `changes`, and all was read then."""
        if self._listing or len(self._pending) or self._removed or self._tags_stale:
            return False
        self._follow = not self._follow  # that takes longer than the version
        version = self._database.version(follow=self._follow)
        return self._version is not None and version == self._version

    def sweep(self) -> Iterator[RunBatch]:
        """Compare one page of known runs as a whole; see `RunSource.sweep`.

        `changes` finds everything here, so this is a second line of defence: once around after
        somebody wrote.
        """
        sums = self._sums
        if sums is None or self._listing:
            return
        version = self._database.version()
        if version is None:
            return
        if version != self._swept_for:
            self._swept_for, self._sweep_left = version, len(sums)
        if self._sweep_left <= 0:
            return
        self._sweep_left -= SWEEP_PAGE
        if self._sweep_at >= len(sums):
            self._sweep_at = 0
        page = sums.ids[self._sweep_at : self._sweep_at + SWEEP_PAGE].texts()
        self._sweep_at += SWEEP_PAGE
        found = load_page(self._database, page)
        changed = _news(found, sums)
        there = set(found.runs.delta.run_ids)
        removed = sums.forget([run_id for run_id in page if run_id not in there])
        if changed or removed:
            yield RunBatch(changed, tuple(removed))

    def get_run(self, run_id: str) -> Run | None:
        """Return one run whole, deleted ones too, or None when there is none."""
        if self._database.version() is None or not has_tables(self._database):
            return None
        runs = load_runs(self._database, [run_id])
        return runs[0] if runs else None

    def find_runs(self, content_id: str) -> tuple[Run, ...]:
        """Return the active runs of the experiment with this content id, oldest start first."""
        if self._database.version() is None:
            return ()
        found = find_experiment(self._database, self._name, self._asked_id)
        if found is None:
            return ()
        rows = self._database.rows(
            "SELECT t.run_uuid FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid"
            " WHERE t.key = ? AND t.value = ? AND r.experiment_id = ?"
            " AND r.lifecycle_stage = 'active'",
            (Tag.CONTENT_ID.value, content_id, found[0]),
        )
        runs = load_runs(self._database, [str(row[0]) for row in rows])
        return tuple(sorted(runs, key=lambda run: (run.started_ms or 0, run.run_id)))

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        """Return the run's artifact tree, sorted by path."""
        root = self._artifact_root(run_id)
        return list_directory(root) if root else self._other().list_artifacts(run_id)

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        """Return one artifact file."""
        root = self._artifact_root(run_id)
        if root is None:
            return self._other().read_artifact(run_id, path, max_bytes=max_bytes)
        return read_file(root, path, max_bytes=max_bytes)

    def artifact_file(self, run_id: str, path: str) -> Path | None:
        """Return where an artifact file lies on this machine, None when it lies elsewhere."""
        root = self._artifact_root(run_id)
        return None if root is None else inside(root, path)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
        if self._remote is not None:
            self._remote.close()

    # -- finding what changed --------------------------------------------------------------------

    def _look(self, version: Version) -> bool:
        """Note what has to be loaded; False while there is no experiment."""
        if self._version is not None and version[0] != self._version[0]:
            self._forget_file()
        before = self._sums
        with self._database.snapshot():
            found = find_experiment(self._database, self._name, self._asked_id)
            if found is None:
                return False
            self._experiment_id = found[0]
            marks = self._read_marks()
            ids, heads = self._read_heads()
            written = None if before is None else self._written(marks)
        order = ids.order()
        sums = RunSums(ids[order], heads[order])
        if before is None:
            self._pending = ids
        else:
            touched = sums.go_on_from(before)
            touched |= True if written is None else sums.ids.among(PackedIds.of(written))
            touched |= sums.ids.among(self._pending)
            self._tags_stale = True
            if time.monotonic() >= self._next_tag_scan:
                touched |= self._rewritten_tags(sums)
            still_gone = sums.ids.find(PackedIds.of(self._removed)) < 0
            self._removed = [*compress(self._removed, still_gone), *before.gone_at(sums)]
            newest_first = np.empty_like(touched)
            newest_first[order] = touched
            self._pending = ids[newest_first]
        self._sums, self._marks = sums, marks
        return True

    def _forget_file(self) -> None:
        """Another file took the place of the database: compare everything with what it holds."""
        self._marks = _Marks(0, 0, 0)
        if self._sums is not None:
            self._sums.forget_heads()

    def _read_marks(self) -> _Marks:
        tops = [
            self._database.rows(f"SELECT max(rowid) FROM {table}")[0][0]  # noqa: S608 - ours
            for table in _Marks._fields
        ]
        return _Marks(*(int(str(top or 0)) for top in tops))

    def _read_heads(self) -> tuple[PackedIds, SumArray]:
        """Return the active runs of the experiment, newest start first, and a sum of each row."""
        blocks = self._database.made(
            "SELECT run_uuid, name, status, start_time, end_time, artifact_uri FROM runs"
            " WHERE experiment_id = ? AND lifecycle_stage = 'active'"
            " ORDER BY start_time DESC, run_uuid",
            (self._experiment_id,),
            lambda rows: (PackedIds.of([str(row[0]) for row in rows]), hashes(rows)),
        )
        sums = [np.empty(0, dtype=np.uint64), *(sums for _, sums in blocks)]
        return PackedIds.joined(ids for ids, _ in blocks), np.concatenate(sums)

    def _written(self, marks: _Marks) -> list[str] | None:
        """Return the runs, of any experiment, that got metrics, params or tags since the last look.

        None: it cannot be told which.
        """
        found: set[str] = set()
        for table, before, now in zip(_Marks._fields, self._marks, marks, strict=True):
            if now < before:  # rows were purged, and rowids are used again
                return None
            if now > before:
                # the + keeps SQLite from scanning the index on run_uuid instead of the rowids
                rows = self._database.rows(
                    f"SELECT DISTINCT +run_uuid FROM {table} WHERE rowid > ?",  # noqa: S608
                    (before,),
                )
                found.update(str(row[0]) for row in rows)
        return list(found)

    def _tag_scan_due(self) -> bool:
        return self._tags_stale and time.monotonic() >= self._next_tag_scan

    def _rewritten_tags(self, sums: RunSums) -> BoolArray:
        """Compare the tags of all runs: one overwritten or removed leaves no other trace.

        Page by page, so that neither the memory nor a lock grows with the store, and by the index
        on runs, so that deleted runs and other experiments cost nothing.
        """
        began = time.monotonic()
        differ = np.empty(len(sums), dtype=np.bool_)
        for start in range(0, len(sums), SWEEP_PAGE):
            page = slice(start, start + SWEEP_PAGE)
            totals = load_tag_sums(self._database, sums.ids[page].texts())
            differ[page] = sums.tags_differ(start, totals)
        ended = time.monotonic()
        self._next_tag_scan = ended + _TAG_SCAN_SHARE * (ended - began)
        self._tags_stale = False
        return differ

    # -- loading ---------------------------------------------------------------------------------

    def _load_pending(self) -> Iterator[RunBatch]:
        sums, first = self._sums, self._listing
        assert sums is not None
        total = len(sums) if first else None
        size = FIRST_PAGE if first else _PAGE
        while len(self._pending) or self._removed or self._listing:
            page = load_page(self._database, self._pending[:size].texts())
            news = _news(page, sums)
            sums.note_tags(page.runs.delta.run_ids, page.tag_sums)
            removed = tuple(self._removed)
            rest = self._pending[size:]
            self._pending = rest if len(rest) else PackedIds()  # else it would hold all of them
            self._removed.clear()
            size = _PAGE
            self._listing = self._listing and len(self._pending) > 0
            if news or removed or first:
                yield RunBatch(news, removed, complete=not len(self._pending), total=total)

    def _artifact_root(self, run_id: str) -> Path | None:
        """Return the directory of a run's artifacts, None when they are not on this machine."""
        run = self.get_run(run_id)
        if run is None:
            raise RunNotFoundError(f"there is no run {run_id} in {self._database.path}")
        return local_root(run.artifact_uri)

    def _other(self) -> RunSource:
        if self._remote is None:
            if self._elsewhere is None:
                raise StoreRejectedError(
                    "the artifacts of this run are not on this machine",
                    hint="open it through the server that keeps them",
                )
            self._remote = self._elsewhere()
        return self._remote


def _news(page: Page, sums: RunSums) -> Sequence[Run]:
    """Return the runs of a page that are new or differ from last time, and remember them."""
    run_ids = page.runs.delta.run_ids
    new = sums.note_digests(run_ids, page.digests).tolist()
    if not new:
        return ()
    return page.runs if len(new) == len(run_ids) else page.runs.part(new)
