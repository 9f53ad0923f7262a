"""Runs with cases, and an engine's answers about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scripted import run

from evaltui.domain.cases import CaseTable, from_rows
from evaltui.domain.comparison import Comparison, Terms, compare
from evaltui.domain.comparison_json import to_document
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run, Tag

CASES = 24
COLUMNS = ("app_name", "status", "build_success", "tests_pass", "score", "cost_usd")
MODE = "mcp"

Rows = list[list[str | float | None]]


def rows(
    lost: int, won: int = 0, *, cases: int = CASES, payload: str = "", dear: float = 1.0
) -> Rows:
    """Return a case table: two in three pass, the first ones of those fail, some others pass."""
    made: Rows = []
    fails, passes = 0, 0
    for at in range(cases):
        passed = at % 3 != 0
        if passed and fails < lost:
            passed, fails = False, fails + 1
        elif not passed and passes < won:
            passed, passes = True, passes + 1
        error = at == cases - 1
        made.append(
            [
                f"app-{at:03d}{payload}",
                "error" if error else "pass" if passed else "fail",
                None if error else 1.0,
                None if error else float(passed),
                None if error else 3.0 + (at % 4) / 2 - (0 if passed else 1),
                (0.2 + at / 100) * dear,
            ]
        )
    return made


def judged_run(
    run_id: str, table: Rows, *, hours_ago: float, payload: str = "", **params: str
) -> Run:
    """Return the run that a case table belongs to."""
    told = [row for row in table if row[1] != "error"]
    tests = [float(row[3] or 0) for row in told]
    built = [float(row[2] or 0) for row in told]
    score = [float(row[4] or 0) for row in told]
    metrics = {
        "tests_pass_rate": sum(tests) / len(tests),
        "build_success_rate": sum(built) / len(built),
        "score_mean": sum(score) / len(score),
        "generation_cost_usd": sum(float(row[5] or 0) for row in table),
        "total_apps": float(len(table)),
    }
    if payload:
        metrics[f"own{payload}"[:80]] = hours_ago
    return run(
        run_id,
        name=f"eval_{run_id}{payload}",
        hours_ago=hours_ago,
        mode=MODE,
        metrics=metrics,
        params={"total_apps": str(len(table)), "prompt_version": f"v{int(hours_ago)}"} | params,
        tags={Tag.HEADLINE: "tests_pass_rate"},
    )


class Judged:
    """A baseline and some candidates, and what an engine would find.

    Args:
        payload: Foreign text that goes into every name and text.
    """

    def __init__(self, payload: str = "") -> None:
        self.payload = payload
        tables = {
            "base": rows(0, payload=payload),
            "worse": rows(11, payload=payload, dear=1.5),
            "same": rows(0, payload=payload),
            "better": rows(0, 7, payload=payload, dear=0.8),
            "unsure": rows(3, 1, payload=payload)[2:],
        }
        ages = {"base": 9.0, "unsure": 5.0, "better": 4.0, "same": 3.0, "worse": 1.0}
        self.tables: Mapping[str, CaseTable] = {
            name: from_rows(COLUMNS, table) for name, table in tables.items()
        }
        self.runs = {
            name: judged_run(name, tables[name], hours_ago=ages[name], payload=payload)
            for name in tables
        }

    def comparisons(
        self, baseline: str, candidates: Sequence[str], directions: Mapping[str, str] | None = None
    ) -> list[Comparison]:
        """Compare as the engine does."""
        ways = {name: Direction(word) for name, word in (directions or {}).items()}
        found = [
            compare(
                self.runs[baseline],
                self.runs[name],
                baseline_cases=self.tables[baseline],
                candidate_cases=self.tables[name],
                terms=Terms(overrides=ways),
            )
            for name in candidates
            if name in self.runs
        ]
        if not self.payload:
            return found
        text = self.payload
        return [
            replace(
                one,
                reason=f"{one.reason}{text}",
                metrics=tuple(replace(d, reason=f"{d.reason}{text}") for d in one.metrics),
                comparability=tuple(
                    replace(remark, reason=f"{remark.reason}{text}") for remark in one.comparability
                ),
            )
            for one in found
        ]

    def answer(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer COMPARE."""
        found = self.comparisons(args["baseline"], args["candidates"], args.get("directions"))
        gone = [name for name in args["candidates"] if name not in self.runs]
        return {**to_document(found), "gone": gone}

    def case(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer CASE."""
        told = []
        for number, run_id in enumerate(args["run_ids"]):
            lines = [f"line {at}{self.payload}" for at in range(12)]
            lines[5] = f"AssertionError {number}{self.payload}"
            fields = {
                "case_id": args["case_id"],
                "group": None,
                "status": "fail",
                "scores": {},
                "columns": {"turns": 10.0 + number},
                "reason": f"tests {number}/7{self.payload}",
                "output": "\n".join(lines),
                "details": {f"log{self.payload}": f"same{self.payload}"},
                "duration_s": 1.5,
                "cost_usd": None,
            }
            told.append({"run_id": run_id, "cases": [fields], "note": ""})
        return {"case_id": args["case_id"], "runs": told}
