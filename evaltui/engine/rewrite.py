"""What a report that was read again means for the run it has already: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from evaltui.domain.plan import RunPlan
from evaltui.domain.report import ModeSource
from evaltui.late_dataclass import dataclass
from evaltui.ledger.records import Entry, NewEntry
from evaltui.tracking.mapping import CHANGEABLE_PARAMS

_TRUST = tuple(source.value for source in ModeSource)


class Change(StrEnum):
    """How a report stands to the entry of the same content."""

    NONE = "none"
    """The same report: the run stays as it is."""
    REFRESH = "refresh"
    """The same values told better: tags, name, artifacts and added values go to the same run."""
    VALUES = "values"
    """Other values for the same evaluation: a new run replaces the old one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The circumstances of a reading.

    Attributes:
        same_path: It was read where the entry's report was read.
        named: Somebody named the file.
        renamed: Somebody gave the run a name.
    """

    same_path: bool
    named: bool = False
    renamed: bool = False


def change_of(old: Entry, new: NewEntry, reading: Reading) -> Change:
    """Return what a new reading changes."""
    if new.values_digest != old.values_digest and conflict(old.plan, new.plan):
        return Change.VALUES
    rewritten = reading.same_path and new.file_sha256 != old.file_sha256
    named = reading.renamed and new.plan.name != old.plan.name
    if rewritten or named or _adds(old.plan, new.plan) or mode_wins(old, new, reading):
        return Change.REFRESH
    return Change.NONE


def conflict(old: RunPlan, new: RunPlan) -> str:
    """Return the first metric or param that both have with different values, or ""."""
    for name, value in new.metrics.items():
        if name in old.metrics and old.metrics[name] != value:
            return f"{name} is {value:g}, was {old.metrics[name]:g}"
    for name, text in evaluation_params(new.params).items():
        if old.params.get(name, text) != text:
            return f"{name} is {text}, was {old.params[name]}"
    return ""


def evaluation_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the params without those that tell of the circumstances only (mode, time, commit)."""
    return {name: text for name, text in params.items() if name not in CHANGEABLE_PARAMS}


def is_trusted_more(source: str, than: str) -> bool:
    """Return whether a mode of this source beats one of that source; unknown ones lose."""
    return _rank(source) < _rank(than)


def refreshed(old: Entry, new: NewEntry, reading: Reading, *, written: bool = True) -> NewEntry:
    """Return `new` as a renewal of the old entry's run.

    The times stay, and of a run that was `written` also what cannot be changed in one. A copy
    elsewhere that says nothing better about the mode adds to the tags but does not replace them.
    """
    adds_only = not reading.same_path and new.mode == old.mode
    tags = {**new.plan.tags, **old.plan.tags} if adds_only else dict(new.plan.tags)
    keeps_name = adds_only and not reading.renamed
    params = evaluation_params(new.plan.params) if written or adds_only else new.plan.params
    plan = replace(
        new.plan,
        name=old.plan.name if keeps_name else new.plan.name,
        started_ms=old.plan.started_ms,
        ended_ms=old.plan.ended_ms,
        metric_ms=old.plan.metric_ms,
        tags=tags,
        metrics={**old.plan.metrics, **new.plan.metrics},
        params={**old.plan.params, **params},
    )
    return replace(
        new,
        plan=plan,
        path=new.path if reading.same_path else old.path,
        file_sha256=new.file_sha256 if reading.same_path else old.file_sha256,
        run_id=old.run_id,
        joined=new.joined or old.joined,
        attached=tuple(sorted({*old.attached, *new.attached})),
    )


def mode_wins(old: Entry, new: NewEntry, reading: Reading) -> bool:
    """Return whether the new reading's mode takes the place of the run's."""
    if new.mode == old.mode:
        return False
    if new.mode_source == old.mode_source:
        return reading.named or (reading.same_path and new.file_sha256 != old.file_sha256)
    return is_trusted_more(new.mode_source, old.mode_source)


def _adds(old: RunPlan, new: RunPlan) -> bool:
    params = evaluation_params(new.params)
    return not (old.metrics.keys() >= new.metrics.keys() and old.params.keys() >= params.keys())


def _rank(source: str) -> int:
    return _TRUST.index(source) if source in _TRUST else len(_TRUST)
