"""Runs of the store against what was to be written: pure comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from evaltui.domain.events import FileState
from evaltui.domain.plan import RunPlan
from evaltui.domain.run import ArtifactInfo, Run, RunStatus, Tag
from evaltui.engine.rewrite import evaluation_params
from evaltui.late_dataclass import dataclass
from evaltui.tracking.mapping import CHANGEABLE_PARAMS
from evaltui.tracking.naming import legal_artifact_path

COMPLETE = "complete"
"""Value of the state tag of a run that has everything."""

OWN = frozenset({Tag.STATE, Tag.SUPERSEDES})
"""Tags of a plan that are set at the end, not with the values."""

NAME = "its name"

_UPLOADING = ".artifact.uploading."
"""What MLflow begins the name of a file with while it copies it into a local store."""

JOURNAL_TAG = "evaltui.journal"
"""Tag of the create call: the journal whose entry made the run."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a run lacks.

    Attributes:
        back_to: State whose step writes it.
        what: One line.
    """

    back_to: FileState
    what: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search by content id found.

    Attributes:
        winner: Run to go on with: complete ones first, then the smallest id; None when none fits.
        older: Complete runs of the same content with other values.
        twins: Further runs that this journal made and nobody needs.
    """

    winner: Run | None
    older: tuple[Run, ...] = ()
    twins: tuple[Run, ...] = ()


def is_complete(run: Run) -> bool:
    """Return whether somebody has finished writing the run."""
    return run.tags.get(Tag.STATE) == COMPLETE and run.status is not RunStatus.RUNNING


def is_set_aside(run: Run) -> bool:
    """Return whether the run is out of the account: deleted, superseded or a known duplicate."""
    aside = run.tags.get(Tag.SUPERSEDED_BY) or run.tags.get(Tag.DUPLICATE_OF)
    return not run.active or bool(aside)


def order(run: Run) -> tuple[bool, str]:
    """Return the sort key by which all machines choose the same one of several twins."""
    return not is_complete(run), run.run_id


def differs(run: Run, plan: RunPlan) -> str:
    """Return the first value of the plan that the run holds otherwise, or ""."""
    for name, value in plan.metrics.items():
        if name in run.metrics and not _same(run.metrics[name], value):
            return f"metric {name} is {run.metrics[name]!r}, not {value!r}"
    for name, text in evaluation_params(plan.params).items():
        if run.params.get(name, text) != text:
            return f"param {name} is {run.params[name]!r}, not {text!r}"
    return ""


def choose(runs: Iterable[Run], plan: RunPlan, *, journal_id: str) -> Found:
    """Return which of the runs with the plan's content id is to be adopted.

    An unfinished run with other values is what is left of an older version of the report.
    """
    live = sorted((run for run in runs if not is_set_aside(run)), key=order)
    fitting = [run for run in live if not differs(run, plan)]
    winner = fitting[0] if fitting else None
    older = [run for run in live if is_complete(run) and differs(run, plan)]
    twins = [
        run
        for run in live
        if run is not winner and run not in older and run.tags.get(JOURNAL_TAG) == journal_id
    ]
    return Found(winner, tuple(older), tuple(twins))


def settled(plan: RunPlan, run: Run) -> RunPlan:
    """Return the plan as it can be written to a run that exists already.

    Start time and params cannot be changed in a run. The other times move along with the start,
    so that whoever began the run, its metric points get the same time and are not doubled.
    """
    shift = 0 if run.started_ms is None else run.started_ms - plan.started_ms
    params = {
        name: run.params.get(name, text) if name in CHANGEABLE_PARAMS else text
        for name, text in plan.params.items()
    }
    return replace(
        plan,
        params=params,
        started_ms=plan.started_ms + shift,
        ended_ms=plan.ended_ms + shift,
        metric_ms=plan.metric_ms + shift,
    )


def missing_values(run: Run, plan: RunPlan) -> Missing | None:
    """Return the first metric, param, tag or name that the run lacks, or None."""
    for name, value in plan.metrics.items():
        if name not in run.metrics or not _same(run.metrics[name], value):
            return Missing(FileState.CREATED, f"metric {name}")
    for kind, wanted, held in (("param", plan.params, run.params), ("tag", plan.tags, run.tags)):
        for name, text in wanted.items():
            if name not in OWN and held.get(name) != text:
                return Missing(FileState.CREATED, f"{kind} {name}")
    if run.name != plan.name:
        return Missing(FileState.CREATED, NAME)
    return None


def missing_artifacts(held: Iterable[ArtifactInfo], plan: RunPlan) -> Missing | None:
    """Return the first artifact that the run lacks or has in another size, or None."""
    sizes = {item.path: item.size_bytes for item in held if not item.is_dir}
    for file in plan.artifacts:
        size = sizes.get(file.path, -1)
        if size == -1 or (file.data is not None and size not in (None, len(file.data))):
            return Missing(FileState.LOGGED, f"artifact {file.path}")
    return None


def renamed_report(run: Run, plan: RunPlan, file_name: str) -> tuple[str, str]:
    """Return the plan's path of the report and the one it has in a run made of the same bytes.

    Copies on two machines may have two names; the run keeps the first, not both.

    Args:
        run: The run, which another machine may have made.
        plan: The plan that is to be written to it.
        file_name: Name of the file on this machine.

    Returns:
        Twice the same path where nothing is to be renamed.
    """
    mine = legal_artifact_path(file_name)
    source = run.tags.get(Tag.SOURCE, "")
    theirs = legal_artifact_path(source.partition(":")[2] or source) if source else mine
    same_bytes = run.tags.get(Tag.FILE_SHA256) == plan.create_tags.get(Tag.FILE_SHA256)
    taken = any(file.path == theirs for file in plan.artifacts)
    return mine, mine if taken or not same_bytes else theirs


def leftovers(held: Iterable[ArtifactInfo]) -> list[str]:
    """Return the files that a killed process left half copied."""
    return [item.path for item in held if item.path.rpartition("/")[2].startswith(_UPLOADING)]


def missing_end(run: Run, plan: RunPlan) -> Missing | None:
    """Return whether the run lacks its end: status, end time or the tag that says complete."""
    if run.tags.get(Tag.STATE) != COMPLETE:
        return Missing(FileState.ARTIFACTS, "the tag that says it is complete")
    if run.status is not plan.status:
        return Missing(FileState.ARTIFACTS, f"the status {plan.status.value}")
    if run.ended_ms != plan.ended_ms:
        return Missing(FileState.ARTIFACTS, "its end time")
    return None


def _same(held: float, wanted: float) -> bool:
    return held == wanted or math.isclose(held, wanted, rel_tol=1e-9, abs_tol=1e-300)
