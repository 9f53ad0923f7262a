"""Joining an evaluation with the file that tells how its apps were generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evaltui.domain.report import Case, MetricValue, Report, ReportKind
from evaltui.readers.app_metrics import apps_per_dollar, number_metrics
from evaltui.readers.apps import GENERATION_NUMBERS
from evaltui.readers.cases import like

JOINED_TAG = "evaltui.generation"
_COST = "cost_usd"
_FAR_PAST = datetime.min.replace(tzinfo=UTC)


def pick_generation(report: Report, candidates: Sequence[Report]) -> tuple[Report | None, str]:
    """Choose the generation that an evaluation's apps came from.

    It is the one that shares the most apps, of those the newest, and not newer than the
    evaluation; the same results in several files count once.

    Args:
        report: An evaluation.
        candidates: Reports, those that are no generation are passed over.

    Returns:
        The generation, or None, and why there is none ("" when no candidate shares an app).
    """
    names = {case.case_id for case in report.cases}
    shared = [
        (len(names & {case.case_id for case in item.cases}), item)
        for item in {item.content_id: item for item in candidates}.values()
        if item.kind is ReportKind.GENERATION
    ]
    shared = [(count, item) for count, item in shared if count]
    if not shared:
        return None, ""
    old_enough = [(count, item) for count, item in shared if not _is_newer(item, report)]
    if not old_enough:
        return None, f"none: {_files(len(shared))} with these apps, newer than the report"
    most = max(count for count, _ in old_enough)
    best = [item for count, item in old_enough if count == most]
    newest = max(item.started_at or _FAR_PAST for item in best)
    found = [item for item in best if (item.started_at or _FAR_PAST) == newest]
    if len(found) > 1:
        return None, f"ambiguous: {_files(len(found))} share {most} apps"
    return found[0], ""


def join_generation(report: Report, generation: Report) -> Report:
    """Return the evaluation with what its apps cost to generate.

    What the evaluation says itself stays. The metrics are over the apps that were evaluated and
    have the number; backend and model come along, as tokens do not compare across backends.
    """
    known = {case.case_id: case for case in generation.cases}
    cases = like(report.cases, (_joined(case, known.get(case.case_id)) for case in report.cases))
    changed = _generation_metrics(cases)
    names = {metric.name for metric in changed}
    kept = [metric for metric in report.metrics if metric.name not in names]
    return replace(
        report,
        cases=cases,
        metrics=(*kept, *changed),
        params={**generation.params, **report.params},
        model=report.model or generation.model,
        tags={**report.tags, JOINED_TAG: generation.content_id},
        notes=(*report.notes, *(f"generation: {note}" for note in generation.notes)),
    )


def _joined(case: Case, generated: Case | None) -> Case:
    if generated is None:
        return case
    columns = dict(case.columns)
    for name in GENERATION_NUMBERS:
        if columns.get(name) is None and generated.columns.get(name) is not None:
            columns[name] = generated.columns[name]
    cost = generated.cost_usd if case.cost_usd is None else case.cost_usd
    return replace(case, columns=columns, cost_usd=cost)


def _generation_metrics(cases: Sequence[Case]) -> list[MetricValue]:
    costs = [case.cost_usd for case in cases if case.cost_usd is not None]
    metrics = [*number_metrics(_COST, costs), *apps_per_dollar(costs)]
    for name in GENERATION_NUMBERS:
        values = [case.columns.get(name) for case in cases]
        metrics += number_metrics(name, [value for value in values if isinstance(value, float)])
    return metrics


def _is_newer(generation: Report, report: Report) -> bool:
    if generation.started_at is None or report.started_at is None:
        return False
    return generation.started_at > report.started_at


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
