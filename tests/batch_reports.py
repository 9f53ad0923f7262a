"""Seeded reports for long batches, and what the store must hold of each when all is done."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from second_look import StoredRun

KEY = "report"
"""Param that names the report of a run."""

_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_EXTRA = ("latency_s", "cost_usd", "recall", "f1", "tokens", "maj@8")


@dataclass(frozen=True)
class BatchReport:
    """One report and what its run must hold."""

    key: str
    data: bytes
    metrics: dict[str, float]
    params: dict[str, str]
    cases: list[list[object]]

    def write(self, folder: Path, name: str = "") -> Path:
        """Move the report into a folder, whole at once."""
        path = folder / (name or f"{self.key}.json")
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(self.data)
        return part.rename(path)


def make_report(seed: int, number: int) -> BatchReport:
    """Return a report of a batch; the same seed and number give the same one."""
    rng = random.Random(f"{seed}:{number}")
    key = f"r{number:05d}"
    started = _FIRST + timedelta(seconds=rng.randrange(10_000_000))
    metrics = {"accuracy": rng.random()}
    metrics |= {name: rng.uniform(0, 100) for name in _EXTRA if rng.random() < 0.4}
    params = {KEY: key, **{f"p{n}": str(rng.randrange(1000)) for n in range(rng.randrange(4))}}
    cases: list[list[object]] = [
        [f"c{n}", rng.choice(("pass", "fail")), rng.random()] for n in range(rng.randrange(1, 20))
    ]
    document = {
        "schema": "evaltui.report/1",
        "id": f"{seed}-{key}",
        "name": f"report {number}",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=7)).isoformat(),
        "params": params,
        "metrics": [{"name": name, "value": value} for name, value in metrics.items()],
        "cases": [{"id": i, "status": s, "scores": {"exact": x}} for i, s, x in cases],
    }
    stamp = started.strftime("%Y-%m-%dT%H:%M:%SZ")
    return BatchReport(
        key,
        json.dumps(document).encode(),
        {name.replace("@", "_at_"): value for name, value in metrics.items()},
        params | {"mode": "manual", "timestamp": stamp},
        cases,
    )


@dataclass
class Audit:
    """What a second client counted.

    Attributes:
        lost: Reports without a run.
        doubled: Reports with more than one.
        wrong: Report to what its run has too little or too much.
        strange: Runs in the account that stand for no report.
        deleted: Runs that were deleted (softly), as twins are.
    """

    reports: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    deleted: int = 0

    @property
    def exact(self) -> bool:
        """Whether every report has its one run, and nothing else is there."""
        return not (self.lost or self.doubled or self.wrong or self.strange)

    def __str__(self) -> str:
        return (
            f"{self.reports} reports: {len(self.lost)} lost, {len(self.doubled)} doubled,"
            f" {len(self.wrong)} with wrong values, {len(self.strange)} strange runs,"
            f" {self.deleted} deleted twins"
            + "".join(f"\n  {key}: {text}" for key, text in list(self.wrong.items())[:5])
            + "".join(f"\n  lost {key}" for key in self.lost[:5])
            + "".join(f"\n  doubled {key}" for key in self.doubled[:5])
            + "".join(f"\n  strange {key}" for key in self.strange[:5])
        )


def audit(runs: Iterable[StoredRun], reports: Sequence[BatchReport]) -> Audit:
    """Compare the runs of a store with the reports that were given to a watch."""
    found = Audit(len(reports))
    by_key: dict[str, list[StoredRun]] = {}
    for run in runs:
        found.deleted += not run.active
        if run.counts:
            by_key.setdefault(run.params.get(KEY, run.run_id), []).append(run)
    for report in reports:
        mine = by_key.pop(report.key, [])
        if not mine:
            found.lost.append(report.key)
        elif len(mine) > 1:
            found.doubled.append(report.key)
        elif fault := _fault(mine[0], report):
            found.wrong[report.key] = fault
    found.strange = [f"{key} {run.tags}" for key, rest in by_key.items() for run in rest]
    return found


def _fault(run: StoredRun, report: BatchReport) -> str:
    """Return the first thing that is not as it must be, or ""."""
    points = {name: [value] for name, value in report.metrics.items()}
    if run.points != points:
        return f"points {run.points}, not {points}"
    if run.params != report.params:
        return f"params {run.params}, not {report.params}"
    if (run.status, run.tags.get("evaltui.state")) != ("FINISHED", "complete"):
        return f"status {run.status}, {run.tags.get('evaltui.state')}"
    return _fault_of_artifacts(run.artifacts, report)


def _fault_of_artifacts(held: dict[str, bytes], report: BatchReport) -> str:
    renamed = (
        {"evaltui/originals.json"} if any("_at_" in name for name in report.metrics) else set()
    )
    originals = [name for name in held if name.endswith(".json") and held[name] == report.data]
    if len(originals) != 1 or held.keys() != {originals[0], "app_metrics.json"} | renamed:
        return f"artifacts {sorted(held)}"
    table = json.loads(held["app_metrics.json"])
    return "" if table["data"] == report.cases else f"case rows {table['data']}"
