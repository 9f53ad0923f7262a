"""The cases of a run of the store: from its report, else from its case table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evaltui.domain.cases import CaseTable, from_cases, from_rows, plain_ids, with_more
from evaltui.domain.pairing import label_of
from evaltui.domain.plan import RunPlan
from evaltui.domain.ports import RunSource
from evaltui.domain.report import Case, Report, Source
from evaltui.domain.run import ArtifactInfo, Run, Tag
from evaltui.engine.case_cache import CaseCache, KeptCases
from evaltui.engine.detail import MAX_REPORT_BYTES, report_paths, table_paths
from evaltui.engine.filebytes import FileChangedError, read_file
from evaltui.engine.planned import planned_table
from evaltui.engine.table_reading import read_rows
from evaltui.errors import ReportError, StoreError, StoreRejectedError
from evaltui.late_dataclass import dataclass
from evaltui.readers import MAX_BYTES as MAX_FILE_BYTES
from evaltui.readers import read_reports

MAX_BYTES = 64_000_000
"""Largest artifact that is read for its cases."""

_FORMAT = "1"
"""Changes when readers give other cases for the same bytes, so that none from before are used."""

NO_CASES = "no report and no case table with cases was logged"


@dataclass(frozen=True, slots=True, eq=False)
class CasesRead:
    """The cases of a run, or why there are none.

    Attributes:
        table: The cases, or None.
        note: Why there are none, or "".
    """

    table: CaseTable | None
    note: str = ""


def read_cases(source: RunSource, run: Run, cache: CaseCache) -> CasesRead:
    """Return the cases of a run; what cannot be read is a note, never an error.

    The report that was logged is preferred to the case table: it is read with the readers of today,
    whatever program logged the run. The table adds numbers that come from elsewhere (generation).

    Args:
        source: An open reader of the store.
        run: The run.
        cache: Where cases are kept by what the run says of its content.
    """
    key = _key(run)
    kept = cache.cases(key) if key else None
    if kept is not None:
        return CasesRead(kept.table)
    try:
        files = tuple(item for item in source.list_artifacts(run.run_id) if not item.is_dir)
    except StoreError as error:
        return CasesRead(None, f"its artifacts cannot be listed: {error.message}")
    key = key or _key_of_files(run, files)
    kept = cache.cases(key)
    if kept is not None:
        return CasesRead(kept.table)
    notes: list[str] = []
    found = _from_report(source, run, files, notes)
    table = _from_table(source, run, files, notes)
    if found is None and table is None:
        return CasesRead(None, notes[0] if notes else NO_CASES)
    if found is None:
        assert table is not None
        kept = KeptCases(table)
    else:
        path, data, report = found
        cases = from_cases(report.cases)
        kept = KeptCases(cases if table is None else with_more(cases, table), path)
        cache.keep_report(key, data)
    cache.keep_cases(key, kept)
    return CasesRead(kept.table)


def planned_cases(plan: RunPlan) -> CasesRead:
    """Return the cases of a report that the store does not have yet."""
    data = planned_table(plan, max_bytes=MAX_BYTES)
    table = None if data is None else _table_of(data)
    return CasesRead(table, "" if table is not None else NO_CASES)


def read_case(source: RunSource, run: Run, label: str, cache: CaseCache) -> tuple[Case, ...]:
    """Return a case of a run with its texts, all repetitions of it; none when it is not there.

    Args:
        source: An open reader of the store.
        run: The run.
        label: Id of the case, after its group where ids are not unique without it.
        cache: Where the report may be kept.

    Raises:
        StoreError: The report is not kept here and the store does not give it, or it is large and
            does not lie on this machine.
    """
    report = _kept_report(run, cache) or _logged_report(source, run)
    report = report or _large_report(source, run, label)
    if report is None:
        return ()
    names = zip(report.cases, plain_ids([case.case_id for case in report.cases]), strict=True)
    return tuple(
        case
        for case, case_id in names
        if label in {case.case_id, case_id, label_of((case.group or "", case_id))}
    )


def _key(run: Run) -> str:
    """Return a key that changes with the run's content, or "" where the run does not tell."""
    content, digest = run.tags.get(Tag.CONTENT_ID), run.tags.get(Tag.FILE_SHA256)
    joined = run.tags.get("evaltui.generation", "")
    return _digest("content", content, digest, joined) if content and digest else ""


def _key_of_files(run: Run, files: Sequence[ArtifactInfo]) -> str:
    told = [f"{item.path} {item.size_bytes}" for item in files]
    return _digest("files", run.run_id, str(run.ended_ms), *sorted(told))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join((_FORMAT, *parts)).encode("utf-8", "replace")).hexdigest()


def _from_report(
    source: RunSource, run: Run, files: Sequence[ArtifactInfo], notes: list[str]
) -> tuple[str, bytes, Report] | None:
    """Return the report of a run, its path and bytes: its own by content, else the likeliest."""
    tables = set(table_paths(run, {item.path for item in files}))
    likeliest = None
    for path in report_paths(item for item in files if item.path not in tables):
        try:
            data = source.read_artifact(run.run_id, path, max_bytes=MAX_BYTES)
            report = _report_of(run, path, data)
        except (StoreError, ReportError) as error:
            notes.append(f"{path}: {error.message}")
            continue
        if report is None:
            continue
        likeliest = likeliest or (path, data, report)
        if report.content_id == run.tags.get(Tag.CONTENT_ID, report.content_id):
            return path, data, report
    return likeliest


def _report_of(run: Run, path: str, data: bytes) -> Report | None:
    """Return the report that the run was made of, with its cases.

    Raises:
        ReportError: The artifact is no readable report.
    """
    where = Source(Path(path), len(data), datetime.now(UTC))
    reports = read_reports(data, where, max_bytes=MAX_BYTES)
    content_id = run.tags.get(Tag.CONTENT_ID, "")
    own = [report for report in reports if report.content_id == content_id]
    return next((report for report in own or reports if report.cases), None)


def _from_table(
    source: RunSource, run: Run, files: Sequence[ArtifactInfo], notes: list[str]
) -> CaseTable | None:
    for path in table_paths(run, {item.path for item in files}):
        try:
            data = source.read_artifact(run.run_id, path, max_bytes=MAX_BYTES)
        except StoreError as error:
            notes.append(f"{path}: {error.message}")
            continue
        table = _table_of(data)
        if table is not None:
            return table
        notes.append(f"{path} holds no cases")
    return None


def _table_of(data: bytes) -> CaseTable | None:
    found = read_rows(data)
    try:
        table = CaseTable() if found is None else from_rows(*found)
    except (ValueError, TypeError, IndexError):
        return None
    return table if len(table) else None


def _kept_report(run: Run, cache: CaseCache) -> Report | None:
    key = _key(run)
    kept = cache.cases(key) if key else None
    data = cache.report(key) if kept is not None else None
    if kept is None or data is None:
        return None
    try:
        return _report_of(run, kept.report_path, data)
    except ReportError:
        return None


def _logged_report(source: RunSource, run: Run) -> Report | None:
    notes: list[str] = []
    files = tuple(item for item in source.list_artifacts(run.run_id) if not item.is_dir)
    found = _from_report(source, run, files, notes)
    return None if found is None else found[2]


def _large_report(source: RunSource, run: Run, label: str) -> Report | None:
    """Return a run's report that is too large to be held, with the texts of one case only.

    Raises:
        StoreError: It does not lie on this machine, or cannot be read.
    """
    files = [item for item in source.list_artifacts(run.run_id) if not item.is_dir]
    sizes = {item.path: item.size_bytes or 0 for item in files}
    for path in report_paths(files, max_bytes=MAX_FILE_BYTES):
        if sizes[path] <= MAX_REPORT_BYTES:
            continue
        local = source.artifact_file(run.run_id, path)
        if local is None:
            raise StoreRejectedError(
                f"{path} has {sizes[path] / 1e6:,.0f} MB, too much to be fetched for one case",
                hint="download it from MLflow",
            )
        try:
            return _read_large(local, run, label)
        except (ReportError, FileChangedError, OSError) as error:
            raise StoreRejectedError(f"{path}: {error}") from error
    return None


def _read_large(local: Path, run: Run, label: str) -> Report | None:
    file = read_file(local, max_bytes=MAX_FILE_BYTES, max_held=MAX_REPORT_BYTES, root=local.parent)
    where = Source(local, file.stamp.size, file.stamp.modified_at)
    for only in (_words(label), ()):  # by the usual ways to write the id, else whatever it takes
        reports = read_reports(
            # a label ends in the id, or in what a reader made of it: other texts do no harm
            file.content,
            where,
            keeps_texts=lambda case_id: case_id in label,
            only=only,
        )
        content_id = run.tags.get(Tag.CONTENT_ID, "")
        own = [report for report in reports if report.content_id == content_id]
        found = next((report for report in own or reports if report.cases), None)
        if found is not None:
            return found
    return None


def _words(label: str) -> tuple[str, ...]:
    """Return how the id that a label ends in may stand in a report."""
    names = [label[at:] for at in range(len(label)) if not at or label[at - 1] == "/"]
    names += [name.rpartition("#")[0] for name in names if name.rpartition("#")[2].isdecimal()]
    quoted = [json.dumps(name, ensure_ascii=plain) for name in names for plain in (True, False)]
    return tuple(dict.fromkeys((*quoted, *filter(str.isdecimal, names))))
