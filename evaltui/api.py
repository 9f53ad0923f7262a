"""The Python API: log an evaluation from the script that made it, read and compare reports.

Tracking never makes an evaluation fail: what goes wrong is a TrackingWarning, and a report that the
store cannot take now stays in the journal, for the next watcher or `evaltui log --pending`.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.domain.report import Report
from evaltui.draft import generation_metrics
from evaltui.engine.filebytes import read_file
from evaltui.engine.neighbours import gather, source_of
from evaltui.errors import ReportError
from evaltui.harmless import TrackingWarning, harmless, own_environment, warn
from evaltui.readers import MAX_BYTES, read_reports
from evaltui.settings import load_settings
from evaltui.submit import (
    Wish,
    absolute,
    forced_mode,
    log_taken,
    one_shot,
    settled,
    take_named,
)
from evaltui.tracker import EvaluationTracker

if TYPE_CHECKING:
    from evaltui.domain.comparison import Comparison

_IN_STORE = frozenset({FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED})

__all__ = ["EvaluationTracker", "TrackingWarning", "compare", "read_report", "track_evaluation"]


def track_evaluation(
    evaluation_report_path: str | Path,
    mode: str | None = None,
    run_name: str | None = None,
    generation_metrics_path: str | Path | None = None,
) -> str | None:
    """Log a report to MLflow, once: a run that a watcher made of it already is adopted.

    Target and experiment are chosen as by the command line. What goes wrong is a TrackingWarning.

    Args:
        evaluation_report_path: The report.
        mode: Mode of the run; default: EVAL_MODE, then what the report says.
        run_name: Name of the run; default: `eval_{mode}_{timestamp}`.
        generation_metrics_path: Generation results to join, such as a bulk-run file.

    Returns:
        Id of the run, the first one of a file that holds several; None when the report is not in
        the store (yet).
    """
    path = Path(evaluation_report_path)

    def track() -> str | None:
        settings = load_settings({}, os.environ)
        max_held = settings.max_report_mb * 1_000_000
        forced = forced_mode(settings, os.environ, mode)
        wish = Wish(absolute(path), forced, settings.model, run_name)
        if generation_metrics_path is not None:
            wish = _with_generation(wish, Path(generation_metrics_path), max_held)
        with own_environment(), one_shot(settings, os.environ, notify=warn) as desk:
            taken = take_named(desk.ingestor, wish, max_held=max_held)
            outcome = next(log_taken(desk.ingestor, [taken], patience_s=desk.patience_s))
        if outcome.state in _IN_STORE:
            return outcome.run_ids[0] if outcome.run_ids else None
        if outcome.state in PENDING_STATES:
            why = outcome.reason or "the store did not take it"
            warn(f"{path} waits in the journal (evaltui log --pending): {why}")
        else:
            warn(f"{path} was not logged: {outcome.reason}")
        return None

    return harmless(track, f"{path} was not logged")


def read_report(path: str | Path) -> Report:
    """Return what a report file says; the first report of a file that holds several.

    Args:
        path: The file, with its companions beside it.

    Raises:
        ReportError: It is no readable report.
        OSError: It cannot be opened.
    """
    whole = absolute(path)
    settings = load_settings({}, os.environ)
    max_held = settings.max_report_mb * 1_000_000

    def read() -> Report:
        file = read_file(whole, max_bytes=MAX_BYTES, max_held=max_held)
        near = gather(whole, None, max_bytes=max_held)
        found = read_reports(
            file.content,
            source_of(file),
            neighbours=near.companions,
            max_whole=max_held,
            keeps_texts=lambda _: True,
        )
        return found[0]

    return settled(read)


def compare(baseline: str, candidate: str, *, experiment: str | None = None) -> Comparison:
    """Compare two runs of the experiment, metric by metric and case by case.

    Args:
        baseline: Id, id prefix, name, `latest`, `latest~1`, `baseline`, `latest:mode=mcp`.
        candidate: The same.
        experiment: Name of the experiment; default: as chosen by the command line.

    Raises:
        RunNotFoundError: A name is no run.
        ConfigError: The target or the experiment does not exist.
        StoreError: The store does not answer, or refuses.
    """
    from evaltui.domain.comparison import Terms  # noqa: PLC0415 - numpy only when it is needed
    from evaltui.domain.select import resolve  # noqa: PLC0415
    from evaltui.reading import compare_runs, read_experiment  # noqa: PLC0415

    settings = load_settings({"experiment": experiment}, os.environ)
    reading = read_experiment(settings)
    first, second = (
        reading.run(resolve(reading.table, name, baseline_run_id=reading.shared_baseline))
        for name in (baseline, candidate)
    )
    return compare_runs(settings, first, [second], Terms(overrides=reading.directions))[0]


def _with_generation(wish: Wish, path: Path, max_held: int) -> Wish:
    """Join generation results: those of a bulk run, or an object with their sums."""
    try:
        file = settled(lambda: read_file(absolute(path), max_bytes=max_held))
    except (OSError, ReportError) as error:
        warn(f"{path} is left out: {error}")
        return wish
    wish = replace(wish, extra={path.name: file.data})
    try:
        found = read_reports(file.data, source_of(file))
        # it was named: whether it is older than the report does not matter
        return replace(wish, generation=tuple(replace(item, started_at=None) for item in found))
    except ReportError:
        pass
    try:
        sums = json.loads(file.data)
    except ValueError:
        sums = None
    if not isinstance(sums, dict):
        warn(f"{path} is kept with the run, but holds no generation metrics")
        return wish
    return replace(wish, metrics=generation_metrics(sums))
