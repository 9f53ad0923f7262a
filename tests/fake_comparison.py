"""What the fake engine answers about several runs: real comparisons of made-up cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evaltui.domain.cases import CaseTable, from_rows
from evaltui.domain.comparison import Terms, compare
from evaltui.domain.comparison_json import to_document
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run

RunOf = Callable[[int], Run]
"""Makes the run of a number."""


def compared(
    args: Mapping[str, Any], run_of: RunOf, *, cases: int, payload: str = ""
) -> dict[str, Any]:
    """Return the answer to COMPARE."""
    ways = {str(name): Direction(word) for name, word in (args.get("directions") or {}).items()}
    numbers = [int(str(run_id), 16) for run_id in (args["baseline"], *args["candidates"])]
    tables = [_table(number, cases, payload) for number in numbers]
    first = run_of(numbers[0])
    found = [
        compare(
            first,
            run_of(number),
            baseline_cases=tables[0],
            candidate_cases=table,
            terms=Terms(overrides=ways),
            notes=[f"a note{payload}"] if payload else [],
        )
        for number, table in zip(numbers[1:], tables[1:], strict=True)
    ]
    return {**to_document(found), "gone": []}


def told_of_case(args: Mapping[str, Any], payload: str = "") -> dict[str, Any]:
    """Return the answer to CASE."""
    told = []
    for at, run_id in enumerate(args["run_ids"]):
        fields = {
            "case_id": args["case_id"],
            "reason": f"AssertionError {at}{payload}",
            "output": "\n".join(f"line {line}{payload}" for line in range(30 + at)),
            "columns": {f"turns{payload}": 12 + at},
            "details": {f"log{payload}": f"the same{payload}"},
        }
        told.append({"run_id": run_id, "cases": [fields], "note": payload})
    return {"case_id": args["case_id"], "runs": told}


def _table(number: int, cases: int, payload: str) -> CaseTable:
    rows: Sequence[Sequence[str | float | None]] = [
        [
            f"app-{at:03d}{payload}",
            float((at + number) % 5 != 0),
            float((at * (number + 2)) % 3 != 0) if at % 7 else None,
            1.0 + (at + number) % 4,
        ]
        for at in range(cases)
    ]
    return from_rows(["app_name", "build_success", "tests_pass", f"own_score{payload}"], rows)
