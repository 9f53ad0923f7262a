"""The cases of a report as the table `app_metrics.json`, in the format that MLflow's UI shows.

The file is what `log_table` writes (pandas' "split" orientation), but it is made here and uploaded
like any other file: `log_table` appends to what is there, so a repeated call doubles the rows.
"""

from __future__ import annotations

import io
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
    used = _Used(report.cases)
    columns: list[str] = []
    cells: list[Callable[[Case], Cell]] = []

    def add(name: str, cell: Callable[[Case], Cell]) -> None:
        columns.append(_vacant(_text(name), columns))
        cells.append(cell)

    add(report.case_column, lambda case: case.case_id)
    add(STATUS_COLUMN, lambda case: case.status.value)
    if used.group:
        add("group", lambda case: case.group)
    for name in used.scores:
        add(name, _score(name))
    if used.reason:
        add("reason", lambda case: case.reason)
    if used.duration_s:
        add("duration_s", lambda case: case.duration_s)
    if used.cost_usd:
        add("cost_usd", lambda case: case.cost_usd)
    for name in used.columns:
        add(name, _column(name))
    return _written(columns, ([_plain(cell(case)) for cell in cells] for case in report.cases))


class _Used:
    """What any of the cases has, found in one pass; names in the order they come up."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.group = self.reason = self.duration_s = self.cost_usd = False
        self.scores: dict[str, None] = {}
        self.columns: dict[str, None] = {}
        for case in cases:
            self.group = self.group or case.group is not None
            self.reason = self.reason or case.reason is not None
            self.duration_s = self.duration_s or case.duration_s is not None
            self.cost_usd = self.cost_usd or case.cost_usd is not None
            self.scores.update(dict.fromkeys(case.scores))
            self.columns.update(dict.fromkeys(case.columns))


def _written(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the table as JSON; its rows are never held all at once."""
    out = io.BytesIO()
    out.write(f'{{"columns": {_JSON.encode(columns)}, "data": ['.encode("ascii"))
    for number, row in enumerate(rows):
        if number:
            out.write(b", ")
        out.write(_JSON.encode(row).encode("ascii"))
    out.write(b"]}")
    return out.getvalue()


_JSON = json.JSONEncoder(allow_nan=False)


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
