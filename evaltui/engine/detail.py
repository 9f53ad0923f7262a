"""All about one run: what the run view shows beyond the columns of the run list."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from evaltui.domain.events import RunDetail
from evaltui.domain.plan import RunPlan
from evaltui.domain.ports import RunSource
from evaltui.domain.report import Report, Source
from evaltui.domain.run import ArtifactInfo, Run, Tag
from evaltui.engine.parts import Link
from evaltui.engine.planned import planned_table
from evaltui.errors import ReportError, RunNotFoundError, StoreError
from evaltui.late_dataclass import dataclass
from evaltui.readers import has_report_name, read_reports
from evaltui.tracking.case_table import CASE_TABLE_PATH, case_table

MAX_TABLE_BYTES = 16_000_000
MAX_REPORT_BYTES = 32_000_000
MAX_ROWS = 5_000
MAX_COLUMNS = 200
MAX_CELL_CHARS = 2_000
_MAX_REPORTS = 3
"""Artifacts that are read in search of cases when there is no table."""

_REPORT_SUFFIXES = frozenset({".json", ".jsonl", ".xml", ".yaml", ".yml"})

Cell = str | float | None


@dataclass(frozen=True, slots=True)
class CaseTable:
    """The cases of a run; `note` says why there are none, or what was left out."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    note: str = ""


def run_detail(source: RunSource, run_id: str, *, link: Link) -> RunDetail:
    """Return all about a run of the store.

    Artifacts that cannot be listed or read are a note, not an error.

    Raises:
        RunNotFoundError: The store has no such run.
        StoreError: The store does not answer.
    """
    run = source.get_run(run_id)
    if run is None:
        raise RunNotFoundError(f"the run {run_id} is not in the store")
    extra: tuple[str, ...] = () if run.active else ("this run is deleted",)
    files: tuple[ArtifactInfo, ...] = ()
    try:
        files = tuple(item for item in source.list_artifacts(run_id) if not item.is_dir)
    except StoreError as error:
        extra += (f"artifacts: {error.message}",)
    table = _cases_of(source, run, files)
    page = link(run.experiment_id, (run_id,))
    return RunDetail(
        run_id=run_id,
        params=_pairs(run.params),
        tags=_pairs(run.tags),
        metrics=tuple(sorted(run.metrics.items())),
        artifacts=tuple((item.path, item.size_bytes) for item in files),
        case_columns=table.columns,
        case_rows=table.rows,
        cases_note=table.note,
        link=page.command or page.address,
        link_note=page.note,
        extra=extra,
    )


def planned_detail(run_id: str, plan: RunPlan, *, notes: Iterable[str] = ()) -> RunDetail:
    """Return all about a report that the store does not have yet, as it will be logged."""
    data = planned_table(plan, max_bytes=MAX_TABLE_BYTES)
    table = CaseTable(note="no case table") if data is None else read_table(data)
    sizes = (
        (item.path, len(item.data) if item.data is not None else None) for item in plan.artifacts
    )
    return RunDetail(
        run_id=run_id,
        params=_pairs(plan.params),
        tags=_pairs({**plan.create_tags, **plan.tags}),
        metrics=tuple(sorted(plan.metrics.items())),
        artifacts=tuple(sorted(sizes)),
        case_columns=table.columns,
        case_rows=table.rows,
        cases_note=table.note,
        link_note="not in the store yet",
        extra=tuple(filter(None, notes)),
    )


def read_table(data: bytes) -> CaseTable:
    """Read a case table in the format that MLflow shows (`columns` and `data`)."""
    try:
        document = json.loads(data)
        columns = [str(name) for name in document["columns"]][:MAX_COLUMNS]
        lines = document["data"]
        rows = tuple(
            tuple(_cell(value) for value in _padded(line, len(columns)))
            for line in lines[:MAX_ROWS]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return CaseTable(note=f"{CASE_TABLE_PATH} is not a table")
    note = f"the first {MAX_ROWS:,} of {len(lines):,} cases" if len(lines) > MAX_ROWS else ""
    return CaseTable(tuple(columns), rows, note)


def _cases_of(source: RunSource, run: Run, files: Sequence[ArtifactInfo]) -> CaseTable:
    notes: list[str] = []
    for path in table_paths(run, {item.path for item in files}):
        try:
            table = read_table(source.read_artifact(run.run_id, path, max_bytes=MAX_TABLE_BYTES))
        except StoreError as error:
            notes.append(f"{path}: {error.message}")
            continue
        if table.columns:
            return table
        notes.append(table.note)
    for path in report_paths(files):
        try:
            data = source.read_artifact(run.run_id, path, max_bytes=MAX_REPORT_BYTES)
            found = _report_table(data, path, run.tags.get(Tag.CONTENT_ID, ""))
        except (StoreError, ReportError) as error:
            notes.append(f"{path}: {error.message}")
            continue
        if found is not None:
            return found
    return CaseTable(note=notes[0] if notes else "no case table was logged")


def table_paths(run: Run, there: set[str]) -> list[str]:
    """Return the run's tables, ours first.

    A listing that is empty may just not know (a file API that answers 404), so the table that the
    run's own tag names is asked for then, too.
    """
    logged = _logged_tables(run.tags.get(Tag.LOGGED_ARTIFACTS, ""))
    named = [CASE_TABLE_PATH, *logged]
    found = [
        path for path in dict.fromkeys(named) if path in there or (not there and path in logged)
    ]
    return found[:_MAX_REPORTS]


def _logged_tables(tag: str) -> list[str]:
    try:
        items = json.loads(tag or "[]")
        return [item["path"] for item in items if str(item["path"]).endswith(".json")]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def report_paths(files: Iterable[ArtifactInfo], *, max_bytes: int = MAX_REPORT_BYTES) -> list[str]:
    """Return the artifacts that may be the run's report, likeliest first."""
    candidates = [
        PurePosixPath(item.path)
        for item in files
        if (item.size_bytes or 0) <= max_bytes
        and PurePosixPath(item.path).suffix.lower() in _REPORT_SUFFIXES
        and PurePosixPath(item.path).parts[0] != "evaltui"
    ]
    candidates.sort(key=lambda path: (not has_report_name(path.name), len(path.parts), path.name))
    return [str(path) for path in candidates[:_MAX_REPORTS]]


def _report_table(data: bytes, path: str, content_id: str) -> CaseTable | None:
    """Return the cases of a report that was logged as an artifact, None when it has none."""
    where = Source(Path(path), len(data), datetime.now(UTC))
    reports = read_reports(data, where)
    chosen = next((report for report in reports if report.content_id == content_id), None)
    report: Report | None = chosen or next(iter(reports), None)
    made = case_table(report) if report is not None else None
    return read_table(made) if made is not None else None


def _padded(line: Any, width: int) -> list[Any]:
    values = list(line)[:width]
    return values + [None] * (width - len(values))


def _cell(value: Any) -> Cell:
    if value is None:
        return None
    if isinstance(value, str):
        return value[:MAX_CELL_CHARS]
    if isinstance(value, (bool, int, float)):
        try:
            number = float(value)
        except OverflowError:
            return str(value)[:MAX_CELL_CHARS]
        return number if math.isfinite(number) else None
    return json.dumps(value, ensure_ascii=False)[:MAX_CELL_CHARS]


def _pairs(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(name), text) for name, text in texts.items()))
