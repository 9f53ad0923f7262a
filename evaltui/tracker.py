"""EvaluationTracker: log an evaluation step by step, as scripts of the older tracker do.

The run is made by `start_run`, so its id is known at once; everything else is written by
`end_run` in one go, through the journal. A report that a watcher logged first keeps its one run:
the tracker's own, still empty one is taken back.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.ports import RunWriter
from evaltui.domain.report import MetricValue, ModeSource, Report, ReportStatus, Source
from evaltui.domain.run import Run, Tag
from evaltui.harmless import harmless, own_environment, warn
from evaltui.readers import read_reports
from evaltui.settings import Settings, load_settings
from evaltui.tracking.mapping import PlanContext, choose_mode, plan_run

REPORT_NAME = "evaluation_report.json"
_STATUSES = {
    "FINISHED": ReportStatus.FINISHED,
    "FAILED": ReportStatus.FAILED,
    "KILLED": ReportStatus.CANCELLED,
}
_GENERATION_NAMES = {
    "total_cost_usd": "generation_cost_usd",
    "total_output_tokens": "total_output_tokens",
    "total_input_tokens": "total_input_tokens",
    "avg_turns": "avg_turns_per_app",
}


def environment_mode(mode: str | None) -> tuple[str, ModeSource] | None:
    """Return the mode that was given, else the one of EVAL_MODE, else None."""
    if mode:
        return mode, ModeSource.ARGUMENT
    named = os.environ.get("EVAL_MODE", "").strip()
    return (named, ModeSource.ENVIRONMENT) if named else None


class EvaluationTracker:
    """Logs one evaluation at a time; nothing it does makes the evaluation fail.

    As a context manager it ends its run: FINISHED, or FAILED when an exception passed through.

    Args:
        experiment_name: Experiment; default: as the command line chooses it.

    Attributes:
        run_id: Id of the run, or None while the store has none.
    """

    def __init__(self, experiment_name: str | None = None) -> None:
        self.experiment_name = experiment_name
        self.run_id: str | None = None
        self._settings: Settings | None = None
        self._open = False
        self._clear()

    def _clear(self) -> None:
        self._name = ""
        self._tags: dict[str, str] = {}
        self._params: dict[str, str] = {}
        self._metrics: dict[str, float] = {}
        self._mode: str | None = None
        self._model: str | None = None
        self._report: Report | None = None
        self._report_bytes = b""
        self._files: list[ArtifactFile] = []
        self._provisional = ""
        self._started_ms = 0

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
        self.run_id = None
        self._clear()
        self._open = True
        self._name = run_name
        self._tags = {str(key): str(value) for key, value in (tags or {}).items()}
        self._provisional = f"tracker:{uuid.uuid4().hex}"
        self._started_ms = int(time.time() * 1000)
        atexit.register(self._end_at_exit)
        self.run_id = harmless(self._create, f"the run {run_name} is made later")
        return self.run_id

    def log_evaluation_parameters(
        self,
        mode: str,
        total_apps: int,
        timestamp: str,
        model_version: str | None = None,
        **kwargs: object,
    ) -> None:
        """Note the params of the evaluation; None values are missing and left out."""
        self._mode = mode
        self._model = model_version
        given = {"total_apps": total_apps, "timestamp": timestamp, **kwargs}
        self._params.update((key, str(value)) for key, value in given.items() if value is not None)

    def log_evaluation_metrics(self, report: Mapping[str, Any]) -> None:
        """Note the whole report; its metrics and cases are worked out as from its file."""
        self._report_bytes = json.dumps(report, indent=2, default=str).encode("utf-8", "replace")
        name = Path.cwd() / REPORT_NAME
        source = Source(name, len(self._report_bytes), datetime.now(tz=UTC))
        found = harmless(
            lambda: read_reports(self._report_bytes, source), "the report has no known format"
        )
        self._report = found[0] if found else None

    def log_generation_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Note what the generation cost; what is missing or no number is left out."""
        for key, name in _GENERATION_NAMES.items():
            value = metrics.get(key)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self._metrics[name] = float(value)
        cost, apps = self._metrics.get("generation_cost_usd"), self._params.get("total_apps", "")
        if cost and apps.isdecimal():
            self._metrics["apps_per_dollar"] = int(apps) / cost

    def log_artifact_file(self, path: str | Path, artifact_path: str | None = None) -> None:
        """Note a file to be kept with the run; its bytes are read now."""
        file = Path(path)
        data = harmless(file.read_bytes, f"{file} is left out")
        if data is not None:
            inside = f"{artifact_path.strip('/')}/{file.name}" if artifact_path else file.name
            self._files.append(ArtifactFile(inside, data=data))

    def log_artifacts_directory(self, path: str | Path, artifact_path: str | None = None) -> None:
        """Note every file below a directory; symbolic links are not followed."""
        root = Path(path)
        if not root.is_dir():
            warn(f"{root} is left out: not a directory")
            return
        for file in sorted(item for item in root.rglob("*") if item.is_file()):
            if not file.is_symlink():
                below = file.relative_to(root).parent.as_posix()
                inside = "/".join(
                    part for part in (artifact_path or "", below) if part not in {"", "."}
                )
                self.log_artifact_file(file, inside or None)

    def end_run(self, status: str = "FINISHED") -> None:
        """Write everything and finish the run; without an open run nothing happens.

        Args:
            status: FINISHED, FAILED or KILLED.
        """
        if not self._open:
            return
        self._open = False
        atexit.unregister(self._end_at_exit)
        ended = _STATUSES.get(status.upper(), ReportStatus.FAILED)
        harmless(lambda: self._write(ended), f"the run {self._name} is not in the store yet")

    def compare_runs(self, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return metrics, params, start_time and end_time (epoch ms or None) by run id.

        A run that does not exist is not in the result; a metric that a run lacks is not in its
        metrics.
        """

        def read() -> dict[str, dict[str, Any]]:
            from evaltui.reading import open_store  # noqa: PLC0415 - opens the adapters

            _, source = open_store(self._load())
            try:
                found = [source.get_run(run_id) for run_id in run_ids]
            finally:
                source.close()
            return {run.run_id: _facts(run) for run in found if run is not None}

        return harmless(read, "the runs cannot be read") or {}

    # -- the store -------------------------------------------------------------------------------

    def _load(self) -> Settings:
        if self._settings is None:
            self._settings = load_settings({"experiment": self.experiment_name}, os.environ)
        return self._settings

    def _create(self) -> str:
        from evaltui.tracking import open_writer  # noqa: PLC0415
        from evaltui.tracking.target import resolve_target  # noqa: PLC0415

        target = resolve_target(self._load(), os.environ)
        if target.warning:
            warn(target.warning)
        with own_environment():
            writer = open_writer(target)
            experiment = writer.ensure_experiment(target.experiment)
            return writer.create_run(experiment.experiment_id, self._plan(ReportStatus.RUNNING))

    def _plan(self, status: ReportStatus) -> RunPlan:
        report = self._report or Report("evaltui_tracker", self._provisional, ())
        if self._report is None or status is not ReportStatus.FINISHED:
            report = replace(report, status=status)
        report = replace(report, metrics=self._all_metrics(report))
        mode, source = choose_mode(report, forced=environment_mode(self._mode))
        artifacts = self._files
        if self._report_bytes and all(file.path != REPORT_NAME for file in artifacts):
            artifacts = [ArtifactFile(REPORT_NAME, data=self._report_bytes), *artifacts]
        now_ms = int(time.time() * 1000)
        plan = plan_run(
            report,
            PlanContext(
                mode=mode,
                mode_source=source,
                model=self._model or self._load().model,
                run_name=self._name,
                file_sha256="",
                file_name=REPORT_NAME if self._report_bytes else "",
                host=os.uname().nodename,
                now_ms=now_ms,
                file_ms=self._started_ms,
                artifacts=tuple(artifacts),
                extra_tags=self._tags,
            ),
        )
        return replace(plan, params={**plan.params, **self._params})

    def _all_metrics(self, report: Report) -> tuple[MetricValue, ...]:
        """Add what was logged by hand; the report's own value of a name is kept."""
        names = {metric.name for metric in report.metrics}
        more = (
            MetricValue(name, value)
            for name, value in self._metrics.items()
            if name not in names and math.isfinite(value)
        )
        return (*report.metrics, *more)

    def _write(self, status: ReportStatus) -> None:
        from evaltui.submit import log_plan, one_shot  # noqa: PLC0415

        plan, own = self._plan(status), self.run_id
        with own_environment():
            if own is not None and plan.content_id != self._provisional:
                self._tag_own({Tag.CONTENT_ID: plan.content_id})
            with one_shot(self._load(), os.environ) as desk:
                outcome = log_plan(desk, plan, path=f"run {self._name}", format_id=self._format)
            if outcome.state not in {FileState.FINISHED, FileState.DUPLICATE}:
                warn(f"the run {self._name} waits in the journal: {outcome.reason}")
            elif own is not None and own not in outcome.run_ids:
                self._take_back(own, outcome.run_ids[0])
        self.run_id = outcome.run_ids[0] if outcome.run_ids else own

    @property
    def _format(self) -> str:
        return self._report.format if self._report is not None else "evaltui_tracker"

    def _tag_own(self, tags: Mapping[str, str]) -> None:
        run_id = self.run_id
        assert run_id is not None
        harmless(
            lambda: self._open_writer().set_run_tags(run_id, tags),
            f"the run {self._name} could not be tagged",
        )

    def _take_back(self, run_id: str, kept: str) -> None:
        """Delete the run that `start_run` made: its report has another one already."""

        def delete() -> None:
            writer = self._open_writer()
            writer.set_run_tags(run_id, {Tag.DUPLICATE_OF: kept})
            writer.delete_run(run_id)

        harmless(delete, f"the run {run_id} is a duplicate of {kept} and could not be deleted")

    def _open_writer(self) -> RunWriter:
        from evaltui.tracking import open_writer  # noqa: PLC0415
        from evaltui.tracking.target import resolve_target  # noqa: PLC0415

        return open_writer(resolve_target(self._load(), os.environ))

    def _end_at_exit(self) -> None:
        self.end_run("FAILED")


def _facts(run: Run) -> dict[str, Any]:
    return {
        "metrics": dict(run.metrics),
        "params": dict(run.params),
        "start_time": run.started_ms,
        "end_time": run.ended_ms,
    }
