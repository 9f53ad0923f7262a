"""The cases of a report as the table `app_metrics.json`, in the format that MLflow's UI shows.

The file is what `log_table` writes (pandas' "split" orientation), but it is made here and uploaded
like any other file: `log_table` appends to what is there, so a repeated call doubles the rows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence

from evaltui.domain.report import Case, Report

CASE_TABLE_PATH = "app_metrics.json"
LOGGED_ARTIFACTS = json.dumps([{"path": CASE_TABLE_PATH, "type": "table"}])
"""Value of the tag `mlflow.loggedArtifacts` that makes MLflow find the table."""

STATUS_COLUMN = "status"

Cell = str | float | None
_SURROGATES = re.compile("[\ud800-\udfff]")


def case_table(report: Report) -> bytes | None:
    """Return the bytes of the case table, or None when the report has no cases.

    The columns are the case id, `status`, then, where any case has them, `group`, every score,
    `reason`, `duration_s`, `cost_usd` and the format's further columns. A name that is there
    already gets `_2`. Missing values are null.
    """
    if not report.cases:
        return None
    columns: list[str] = []
    cells: list[Callable[[Case], Cell]] = []

    def add(name: str, cell: Callable[[Case], Cell], *, always: bool = False) -> None:
        if always or any(cell(case) is not None for case in report.cases):
            columns.append(_vacant(_text(name), columns))
            cells.append(cell)

    add(report.case_column, lambda case: case.case_id, always=True)
    add(STATUS_COLUMN, lambda case: case.status.value, always=True)
    add("group", lambda case: case.group)
    for name in _names(case.scores for case in report.cases):
        add(name, _score(name), always=True)
    add("reason", lambda case: case.reason)
    add("duration_s", lambda case: case.duration_s)
    add("cost_usd", lambda case: case.cost_usd)
    for name in _names(case.columns for case in report.cases):
        add(name, _column(name), always=True)
    rows = [[_plain(cell(case)) for cell in cells] for case in report.cases]
    return json.dumps({"columns": columns, "data": rows}, allow_nan=False).encode("ascii")


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    """Return the names of all groups, each once, in the order they come up."""
    return list(dict.fromkeys(name for group in groups for name in group))


def _score(name: str) -> Callable[[Case], Cell]:
    return lambda case: case.scores.get(name)


def _column(name: str) -> Callable[[Case], Cell]:
    return lambda case: case.columns.get(name)


def _plain(value: Cell) -> Cell:
    if isinstance(value, str):
        return _text(value)
    return value if value is not None and math.isfinite(value) else None


def _text(value: str) -> str:
    return _SURROGATES.sub("\ufffd", value)


def _vacant(name: str, taken: Sequence[str]) -> str:
    number, result = 2, name
    while result in taken:
        result = f"{name}_{number}"
        number += 1
    return result
