"""What limits a comparison of two runs before any number is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from evaltui.domain.amounts import counted
from evaltui.domain.metric import Unit
from evaltui.domain.pairing import Pairing
from evaltui.domain.report import ReportKind, ReportStatus
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.late_dataclass import dataclass


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

_SCALE = "score_scale"
_BACKEND = "backend"
_CIRCUMSTANCES = (
    ("app_eval.schema", "the reports are of other versions of the evaluator"),
    (_BACKEND, "tokens and efficiency do not compare across backends"),
)
_DATASETS = ("dataset_digest", "dataset.digest", "dataset_version", "dataset")
_UNKNOWN = "unknown"

NOT_EVALUATED_TAG = "evaltui.not_evaluated"
"""Tag with the checks that an evaluation left out."""

_UNFINISHED = frozenset({RunStatus.RUNNING, RunStatus.SCHEDULED, RunStatus.PENDING})
_BROKEN = frozenset({RunStatus.FAILED, RunStatus.KILLED})


def remarks(
    baseline: Run, candidate: Run, cases: Pairing | None = None, notes: Iterable[str] = ()
) -> tuple[Remark, ...]:
    """Return what limits the comparison, warnings first.

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
        cases: Their cases, where those of both are known.
        notes: Why cases are not known, one line each.
    """
    found = [
        *_about_run(baseline, "the baseline"),
        *_about_run(candidate, "the candidate"),
        *_about_formats(baseline, candidate),
        *_about_params(baseline, candidate),
        *_about_left_out(baseline, candidate),
        *(_about_pairing(cases) if cases is not None else _about_totals(baseline, candidate)),
        *(Remark(_INFO, note) for note in notes),
    ]
    return tuple(sorted(found, key=lambda remark: remark.level != _WARNING))


def obstacle(baseline: Run, candidate: Run, *, paired: int) -> str:
    """Return why the two runs cannot be compared at all, or "".

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
        paired: Number of cases that both have.
    """
    kinds = [run.tags.get(Tag.KIND, ReportKind.EVALUATION) for run in (baseline, candidate)]
    if kinds[0] != kinds[1]:
        return "one of the runs is a generation run: nothing was evaluated"
    formats = _about_formats(baseline, candidate)
    if formats:
        return formats[0].reason
    if paired:
        return ""
    datasets = _about_datasets(baseline, candidate)
    if datasets:
        return datasets[0].reason
    for who, run in (("the baseline", baseline), ("the candidate", candidate)):
        if _is_incomplete(run):
            return f"{who} is not a whole evaluation, and no cases of both are known"
    return ""


def changed_meaning(baseline: Run, candidate: Run, metric: str, unit: Unit) -> str:
    """Return why one metric does not mean the same in both runs, or ""."""
    for param, meaning in _MEANINGS:
        before, after = _stated(baseline, param), _stated(candidate, param)
        if before == after:
            continue
        if param == _SCALE:
            if _scale_differs(metric, before, after):
                return f"{meaning}: {before}, {after}"
        elif metric.removeprefix("avg_").startswith(param.removesuffix(".version")) or (
            param == "total_loc.version" and "loc" in metric.split("_")
        ):
            return f"{meaning}: {before}, {after}"
    backends = {_stated(run, _BACKEND) for run in (baseline, candidate)} - {_UNKNOWN}
    if len(backends) > 1 and (unit is Unit.TOKENS or "eff_units" in metric):
        return f"tokens do not compare across backends: {', '.join(sorted(backends))}"
    return ""


def _stated(run: Run, param: str) -> str:
    return run.params.get(param, _UNKNOWN)


def _scale_differs(metric: str, before: str, after: str) -> bool:
    """Return whether the scale of a score differs; scales read `deployability 0-5, …`."""
    scales = []
    for text in (before, after):
        parts = (part.strip().rpartition(" ") for part in text.split(","))
        scales.append({name or text: scale for name, _, scale in parts})
    names = {name for scale in scales for name in scale}
    touched = [name for name in names if name in metric]
    if touched:
        return any(scales[0].get(name) != scales[1].get(name) for name in touched)
    return _UNKNOWN in names and any(word in metric for word in ("runability", "deployability"))


def _is_incomplete(run: Run) -> bool:
    status = run.tags.get(Tag.STATUS, "")
    partial = status in {ReportStatus.PARTIAL, ReportStatus.RUNNING}
    return partial or run.status in _UNFINISHED | _BROKEN


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
    found = [
        Remark(_WARNING, f"{meaning}: {name} is {before}, {after}")
        for name, meaning in (*_MEANINGS, *_CIRCUMSTANCES)
        if (before := _stated(baseline, name)) != (after := _stated(candidate, name))
    ]
    return found + _about_datasets(baseline, candidate)


def _about_datasets(baseline: Run, candidate: Run) -> list[Remark]:
    return [
        Remark(_WARNING, f"the datasets differ: {name} is {before}, {after}")
        for name in _DATASETS
        if (before := baseline.params.get(name)) is not None
        and (after := candidate.params.get(name)) is not None
        and before != after
    ]


def _about_left_out(baseline: Run, candidate: Run) -> list[Remark]:
    checks = [_checks(run.tags.get(NOT_EVALUATED_TAG, "")) for run in (baseline, candidate)]
    return [
        Remark(_INFO, f"{who} did not evaluate {', '.join(sorted(own - other))}")
        for who, own, other in (
            ("the baseline", checks[0], checks[1]),
            ("the candidate", checks[1], checks[0]),
        )
        if own - other
    ]


def _checks(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def _about_pairing(cases: Pairing) -> list[Remark]:
    left, right = len(cases.only_baseline), len(cases.only_candidate)
    found = []
    if not len(cases):
        found.append(Remark(_WARNING, f"no case is in both runs: {left} against {right} cases"))
    elif left or right:
        sets = f"{counted(len(cases), 'case')} in both runs"
        only = f"{left} only in the baseline, {right} only in the candidate"
        found.append(Remark(_WARNING, f"{sets}, {only}"))
    errors = int(cases.errored.sum())
    if errors:
        found.append(Remark(_INFO, f"{counted(errors, 'case')} in error: outside every test"))
    if cases.repeated:
        found.append(Remark(_INFO, "repetitions of a case count as their mean"))
    return found


def _about_totals(baseline: Run, candidate: Run) -> list[Remark]:
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
