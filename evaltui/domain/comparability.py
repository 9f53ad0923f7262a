"""What limits a comparison of two runs before any number is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from evaltui.domain.report import ReportKind, ReportStatus
from evaltui.domain.run import Run, RunStatus, Tag


@dataclass(frozen=True, slots=True)
class Remark:
    """A reason for care when two runs are compared; level is "info" or "warning"."""

    level: str
    reason: str


_WARNING, _INFO = "warning", "info"

_MEANINGS = (
    ("score_scale", "the scores have other scales"),
    ("overall_quality_score.version", "overall_quality_score is another formula"),
    ("appeval_100.version", "appeval_100 is another formula"),
    ("total_loc.version", "total_loc counts something else"),
)
"""Params that say what a metric means, and what it means when they differ."""

_CIRCUMSTANCES = (
    ("app_eval.schema", "the reports are of other versions of the evaluator"),
    ("backend", "tokens and efficiency do not compare across backends"),
)

_UNFINISHED = frozenset({RunStatus.RUNNING, RunStatus.SCHEDULED, RunStatus.PENDING})
_BROKEN = frozenset({RunStatus.FAILED, RunStatus.KILLED})


def remarks(baseline: Run, candidate: Run) -> tuple[Remark, ...]:
    """Return what limits the comparison, warnings first.

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
    """
    found = [
        *_about_run(baseline, "the baseline"),
        *_about_run(candidate, "the candidate"),
        *_about_formats(baseline, candidate),
        *_about_params(baseline, candidate),
        *_about_cases(baseline, candidate),
    ]
    return tuple(sorted(found, key=lambda remark: remark.level != _WARNING))


def _about_run(run: Run, who: str) -> list[Remark]:
    found = []
    if not run.active:
        found.append(Remark(_WARNING, f"{who} is deleted"))
    if run.tags.get(Tag.KIND) == ReportKind.GENERATION:
        found.append(Remark(_WARNING, f"{who} is a generation run: nothing was evaluated"))
    status = run.tags.get(Tag.STATUS, "")
    if status == ReportStatus.PARTIAL:
        found.append(Remark(_WARNING, f"{who} is partial: only some of its cases were evaluated"))
    elif run.status in _UNFINISHED or status == ReportStatus.RUNNING:
        found.append(Remark(_WARNING, f"{who} is not finished"))
    elif run.status in _BROKEN:
        ended = "failed" if run.status is RunStatus.FAILED else "was cancelled"
        found.append(Remark(_WARNING, f"{who} {ended}"))
    if run.tags.get(Tag.SUPERSEDED_BY):
        found.append(Remark(_INFO, f"{who} is superseded by a newer version of its report"))
    return found


def _about_formats(baseline: Run, candidate: Run) -> list[Remark]:
    before, after = baseline.tags.get(Tag.FORMAT), candidate.tags.get(Tag.FORMAT)
    if before and after and before != after:
        return [Remark(_WARNING, f"the reports are of different formats: {before}, {after}")]
    return []


def _about_params(baseline: Run, candidate: Run) -> list[Remark]:
    return [
        Remark(_WARNING, f"{meaning}: {name} is {before}, {after}")
        for name, meaning in (*_MEANINGS, *_CIRCUMSTANCES)
        if (before := baseline.params.get(name, "unknown"))
        != (after := candidate.params.get(name, "unknown"))
    ]


def _about_cases(baseline: Run, candidate: Run) -> list[Remark]:
    before, after = _total(baseline), _total(candidate)
    if before is None or after is None or before == after:
        return []
    return [Remark(_WARNING, f"the runs have different numbers of apps: {before}, {after}")]


def _total(run: Run) -> str | None:
    text = run.params.get("total_apps")
    if text is not None:
        return text
    value = run.metrics.get("total_apps")
    return None if value is None else f"{value:g}"
