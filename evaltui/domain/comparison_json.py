"""Comparisons as JSON: the shape that scripts, CI and the screen read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evaltui.domain.case_changes import CaseChange, CaseComparison, CaseRow, CheckTally
from evaltui.domain.comparability import Remark
from evaltui.domain.differences import (
    Change,
    Comparison,
    MetricDelta,
    MetricTest,
    ParamDelta,
    RunRef,
)
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.significance import Counts, EffectKind, Finding, Method
from evaltui.domain.verdict import Verdict

SCHEMA = "evaltui.compare/1"

_AS_THEY_ARE = frozenset({str, int, bool, type(None)})

_CHANGES: Mapping[str, CaseChange] = {change.value: change for change in CaseChange}


def to_document(comparisons: Sequence[Comparison], schema: str = SCHEMA) -> dict[str, Any]:
    """Return the document of comparisons with one baseline, at least one."""
    return {
        "schema": schema,
        "baseline": dataclasses.asdict(comparisons[0].baseline),
        "comparisons": [to_object(comparison) for comparison in comparisons],
    }


def to_object(comparison: Comparison) -> dict[str, Any]:
    """Return one comparison; numbers that are missing or not finite are null."""
    told: dict[str, Any] = _plain(comparison)
    del told["baseline"]  # of the document
    return told


def _plain(value: Any) -> Any:
    """Return a dataclass and all inside as JSON values; `asdict` takes ten times as long."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is tuple:
        return [_plain(item) for item in value]
    if kind is CaseRow:
        return _row(value)
    if dataclasses.is_dataclass(kind):
        return {name: _plain(getattr(value, name)) for name in kind.__dataclass_fields__}
    return finite(value)


def _row(row: CaseRow) -> dict[str, Any]:
    """Return a row by hand: there are thousands."""
    return {
        "case_id": row.case_id,
        "check": row.check,
        "baseline": row.baseline,
        "candidate": row.candidate,
        "change": row.change.value,
    }


def from_document(document: Mapping[str, Any]) -> tuple[Comparison, ...]:
    """Return the comparisons of a document.

    Raises:
        KeyError, TypeError, ValueError: It is none of `to_document`.
    """
    baseline = RunRef(**document["baseline"])
    return tuple(_comparison(baseline, item) for item in document["comparisons"])


def finite(value: Any) -> Any:
    """Return a JSON value with null for every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _comparison(baseline: RunRef, fields: Mapping[str, Any]) -> Comparison:
    cases = fields["cases"]
    return Comparison(
        baseline=baseline,
        candidate=RunRef(**fields["candidate"]),
        metrics=tuple(map(_metric, fields["metrics"])),
        params=tuple(ParamDelta(**item) for item in fields["params"]),
        comparability=tuple(Remark(**item) for item in fields["comparability"]),
        cases=None if cases is None else _cases(cases),
        primaries=tuple(fields["primaries"]),
        verdict=Verdict(fields["verdict"]),
        reason=fields["reason"],
        alpha=fields["alpha"],
        correction=fields["correction"],
        tests=fields["tests"],
    )


def _metric(fields: Mapping[str, Any]) -> MetricDelta:
    told = {
        **fields,
        "direction": Direction(fields["direction"]),
        "unit": Unit(fields["unit"]),
        "change": Change(fields["change"]),
        "verdict": Verdict(fields["verdict"]),
        "ci": None if fields["ci"] is None else tuple(fields["ci"]),
        "detail": None if fields["detail"] is None else MetricTest(**fields["detail"]),
    }
    return MetricDelta(**told)


def _cases(fields: Mapping[str, Any]) -> CaseComparison:
    outcome = fields["outcome"]
    rows = (
        CaseRow(
            row["case_id"],
            row["check"],
            row["baseline"],
            row["candidate"],
            _CHANGES[row["change"]],
        )
        for row in fields["rows"]
    )
    told = {
        **fields,
        "fixed": tuple(fields["fixed"]),
        "regressed": tuple(fields["regressed"]),
        "tallies": tuple(CheckTally(**item) for item in fields["tallies"]),
        "rows": tuple(rows),
        "outcome": None if outcome is None else _finding(outcome),
    }
    return CaseComparison(**told)


def _finding(fields: Mapping[str, Any]) -> Finding:
    counts = fields["counts"]
    told = {
        **fields,
        "method": Method(fields["method"]),
        "kind": EffectKind(fields["kind"]),
        "counts": None if counts is None else Counts(**counts),
    }
    return Finding(**told)
