"""EvaluationTracker: log an evaluation step by step, as scripts of the older tracker do.

The run is made by `start_run`, so its id is known at once; everything else is written by
`end_run` in one go, through the journal. A report that a watcher logged first keeps its one run:
the tracker's own, still empty one is taken back.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaltui.domain.events import FileState
from evaltui.domain.plan import RunPlan
from evaltui.domain.ports import RunWriter
from evaltui.domain.report import Report, ReportStatus, Source
from evaltui.domain.run import Run, Tag
from evaltui.draft import FORMAT, REPORT_NAME, Draft
from evaltui.errors import StoreUnreachableError
from evaltui.harmless import harmless, own_environment, warn
from evaltui.readers import read_reports
from evaltui.settings import Settings, load_settings
from evaltui.submit import forced_mode, log_plan, one_shot
from evaltui.tracking import open_source, open_writer
from evaltui.tracking.target import Target, resolve_target

_PROVISIONAL = "tracker:"
_STATUSES = {
    "FINISHED": ReportStatus.FINISHED,
    "FAILED": ReportStatus.FAILED,
    "KILLED": ReportStatus.CANCELLED,
}
_IN_STORE = frozenset({FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED})


class EvaluationTracker:
    """Logs one evaluation at a time; nothing it does makes the evaluation fail.

    As a context manager it ends its run: FINISHED, or FAILED when an exception passed through.
    What is logged while no run is open is left out, with a warning.

    Args:
        experiment_name: Experiment; default: as the command line chooses it.

    Attributes:
        run_id: Id of the run, or None while the store has none.
        enabled: Always True: what the store cannot take now waits in the journal.
    """

    def __init__(self, experiment_name: str | None = None) -> None:
        self.experiment_name = experiment_name
        self.run_id: str | None = None
        self.enabled = True
        self._settings: Settings | None = None
        self._draft: Draft | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_run("FINISHED" if error is None else "FAILED")

    # -- a run -----------------------------------------------------------------------------------

    def start_run(self, run_name: str, tags: Mapping[str, str] | None = None) -> str | None:
        """Begin a run; one that is open is ended first.

        Returns:
            Its id, or None when the store does not answer: the run is made later then.
        """
        self.end_run()
        draft = Draft(
            name=str(run_name),
            tags={str(key): str(value) for key, value in (tags or {}).items()},
            provisional=f"{_PROVISIONAL}{uuid.uuid4().hex}",
            started_ms=_now_ms(),
        )
        self._draft = draft
        atexit.register(self._end_at_exit)
        self.run_id = harmless(lambda: self._create(draft), f"the run {run_name} is made later")
        return self.run_id

    def log_evaluation_parameters(
        self,
        mode: str,
        total_apps: int,
        timestamp: str,
        model_version: str | None = None,
        **kwargs: object,
    ) -> None:
        """Note the params of the evaluation; None and "" are missing and left out."""
        draft = self._opened("params")
        if draft is None:
            return
        draft.mode, draft.model = mode, model_version
        given = {"total_apps": total_apps, "timestamp": timestamp, **kwargs}
        texts = {key: str(value) for key, value in given.items() if value is not None}
        draft.params.update((key, text) for key, text in texts.items() if text.strip())

    def log_evaluation_metrics(self, report: Mapping[str, Any]) -> None:
        """Note the whole report; its metrics and cases are worked out as from its file."""
        draft = self._opened("the report")
        if draft is None:
            return

        def read() -> tuple[Report, ...]:
            draft.report_bytes = json.dumps(report, indent=2, default=str).encode()
            path = Path.cwd() / REPORT_NAME
            source = Source(path, len(draft.report_bytes), datetime.now(tz=UTC))
            return read_reports(draft.report_bytes, source)

        found = harmless(read, "the report's metrics are left out")
        draft.report = found[0] if found else None

    def log_generation_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Note what the generation cost; what is missing or no number is left out."""
        draft = self._opened("generation metrics")
        if draft is not None:
            draft.note_generation(metrics)

    def log_artifact_file(self, path: str | Path, artifact_path: str | None = None) -> None:
        """Note a file to be kept with the run; its bytes are read now."""
        draft = self._opened(str(path))
        if draft is not None:
            file = Path(path)
            self._add_files(draft, [(file, file.name)], artifact_path)

    def log_artifacts_directory(self, path: str | Path, artifact_path: str | None = None) -> None:
        """Note every file below a directory; symbolic links are not followed."""
        draft, root = self._opened(str(path)), Path(path)
        if draft is None:
            return
        if not root.is_dir():
            warn(f"{root} is left out: not a directory")
            return
        files = sorted(file for file in root.rglob("*") if file.is_file() and not file.is_symlink())
        inside = [(file, file.relative_to(root).as_posix()) for file in files]
        self._add_files(draft, inside, artifact_path)

    def end_run(self, status: str = "FINISHED") -> None:
        """Write everything and finish the run; without an open run nothing happens.

        Args:
            status: FINISHED, FAILED or KILLED.
        """
        draft, self._draft = self._draft, None
        if draft is None:
            return
        atexit.unregister(self._end_at_exit)
        ended = _STATUSES.get(status.upper(), ReportStatus.FAILED)
        harmless(lambda: self._write(draft, ended), f"the run {draft.name} is not in the store yet")

    def compare_runs(self, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return metrics, params, start_time and end_time (epoch ms or None) by run id.

        A run that does not exist is not in the result; a metric that a run lacks is not in its
        metrics.
        """

        def read() -> dict[str, dict[str, Any]]:
            with own_environment():
                target = self._target()
                source = open_source(target, target.experiment)
                try:
                    found = [source.get_run(run_id) for run_id in run_ids]
                finally:
                    source.close()
            return {run.run_id: _facts(run) for run in found if run is not None}

        return harmless(read, "the runs cannot be read") or {}

    # -- what was logged -------------------------------------------------------------------------

    def _opened(self, what: str) -> Draft | None:
        if self._draft is None:
            warn(f"{what} cannot be logged: no run is open (call start_run first)")
        return self._draft

    def _add_files(
        self, draft: Draft, files: Iterable[tuple[Path, str]], artifact_path: str | None
    ) -> None:
        folder = (artifact_path or "").strip("/")
        for file, inside in files:
            data = harmless(file.read_bytes, f"{file} is left out")
            if data is not None:
                draft.note_file(f"{folder}/{inside}" if folder else inside, data)

    def _plan(self, draft: Draft, status: ReportStatus) -> RunPlan:
        settings = self._load()
        forced = forced_mode(settings, os.environ, draft.mode)
        return draft.plan(status, forced=forced, model=settings.model, now_ms=_now_ms())

    # -- the store -------------------------------------------------------------------------------

    def _load(self) -> Settings:
        if self._settings is None:
            self._settings = load_settings({"experiment": self.experiment_name}, os.environ)
        return self._settings

    def _target(self) -> Target:
        return resolve_target(self._load(), os.environ)

    def _create(self, draft: Draft) -> str:
        target = self._target()
        if target.warning:
            warn(target.warning)
        with own_environment():
            writer = open_writer(target)
            experiment = writer.ensure_experiment(target.experiment)
            try:
                return writer.create_run(
                    experiment.experiment_id, self._plan(draft, ReportStatus.RUNNING)
                )
            except StoreUnreachableError as error:
                draft.unclear = error.unclear
                raise

    def _write(self, draft: Draft, status: ReportStatus) -> None:
        plan, waiting = self._plan(draft, status), f"the run {draft.name} waits in the journal"
        with own_environment():
            own = self.run_id or (self._find(draft) if draft.unclear else None)
            # Found by its content, it takes part in the choice among runs of one report.
            known = own is None or self._tag(own, {Tag.CONTENT_ID: plan.content_id})
            with one_shot(self._load(), os.environ, notify=warn) as desk:
                outcome = log_plan(
                    desk,
                    plan,
                    path=f"run {draft.name}",
                    format_id=plan.create_tags.get(Tag.FORMAT, FORMAT),
                    run_id="" if known or own is None else own,
                )
            if outcome.state not in _IN_STORE:
                warn(f"{waiting} (evaltui log --pending): {outcome.reason}")
            elif own is not None and own not in outcome.run_ids:
                self._take_back(own, outcome.run_ids[0])
        self.run_id = outcome.run_ids[0] if outcome.run_ids else own

    def _find(self, draft: Draft) -> str | None:
        """Return the run of `start_run` whose id was lost with the answer, or None."""

        def find() -> str | None:
            target = self._target()
            source = open_source(target, target.experiment)
            try:
                found = source.find_runs(draft.provisional)
            finally:
                source.close()
            return found[0].run_id if found else None

        return harmless(find, f"the run {draft.name} is made anew")

    def _tag(self, run_id: str, tags: Mapping[str, str]) -> bool:
        def tag() -> bool:
            self._writer().set_run_tags(run_id, tags)
            return True

        return harmless(tag, f"the run {run_id} is written later") or False

    def _take_back(self, run_id: str, kept: str) -> None:
        """Delete the run that `start_run` made: its report has another one already."""

        def delete() -> None:
            writer = self._writer()
            writer.set_run_tags(run_id, {Tag.DUPLICATE_OF: kept})
            writer.delete_run(run_id)

        harmless(delete, f"the run {run_id} is a duplicate of {kept} and could not be deleted")

    def _writer(self) -> RunWriter:
        return open_writer(self._target())

    def _end_at_exit(self) -> None:
        """End what the script left open; it failed when an exception ended it."""
        failed = getattr(sys, "last_value", None) is not None
        self.end_run("FAILED" if failed else "FINISHED")


def _facts(run: Run) -> dict[str, Any]:
    return {
        "metrics": dict(run.metrics),
        "params": dict(run.params),
        "start_time": run.started_ms,
        "end_time": run.ended_ms,
    }


def _now_ms() -> int:
    return int(time.time() * 1000)
