"""Cases and runs that summarise them, short to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from evaltui.domain.cases import CaseTable, from_cases
from evaltui.domain.report import Case, CaseStatus
from evaltui.domain.run import Run
from tests.domain.builders import make_run

Values = Mapping[str, Sequence[float | None]]


def make_case(
    case_id: str,
    status: CaseStatus = CaseStatus.PASS,
    *,
    group: str | None = None,
    cost: float | None = None,
    **scores: float | None,
) -> Case:
    return Case(case_id, status, scores, group=group, cost_usd=cost)


def make_cases(
    results: Values | None = None,
    numbers: Values | None = None,
    *,
    ids: Sequence[str] | None = None,
    outcome: Sequence[float | None] | None = None,
    errored: Sequence[bool] | None = None,
) -> CaseTable:
    """Return cases `c0`, `c1`, … with these columns; None is missing."""
    columns = [*(results or {}).values(), *(numbers or {}).values(), *filter(None, [outcome])]
    size = len(ids) if ids is not None else len(columns[0]) if columns else 0
    return CaseTable(
        ids=tuple(ids or (f"c{index}" for index in range(size))),
        groups=(None,) * size,
        outcome=_floats(outcome or [None] * size),
        errored=np.array(errored or [False] * size, dtype=np.bool_),
        results={name: _floats(values) for name, values in (results or {}).items()},
        numbers={name: _floats(values) for name, values in (numbers or {}).items()},
    )


def run_of(run_id: str, cases: CaseTable, **more: float) -> Run:
    """Return a run whose metrics are the means of the cases' columns (`NAME_mean`)."""
    columns = {**cases.results, **cases.numbers}
    metrics = {
        f"{name}_mean": float(np.nanmean(column))
        for name, column in columns.items()
        if not np.isnan(column).all()
    }
    return make_run(run_id, metrics={**metrics, **more})


def checks(passed: int, failed: int) -> list[float | None]:
    return [1.0] * passed + [0.0] * failed


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


RESULT = st.none() | st.sampled_from((0.0, 1.0))
SCORE = st.none() | st.floats(0, 5).map(lambda value: round(value, 2))
COST = st.none() | st.floats(0.01, 10).map(lambda value: round(value, 3))


@st.composite
def case_tables(draw: st.DrawFn, *, most: int = 9) -> CaseTable:
    """Return some of the cases c0 to c11 with a check, a score and a cost."""
    numbers = draw(st.lists(st.integers(0, 11), unique=True, min_size=1, max_size=most))
    cases = [
        Case(
            f"c{number}",
            draw(st.sampled_from(CaseStatus)),
            {"tests_pass": draw(RESULT), "answer_score": draw(SCORE)},
            cost_usd=draw(COST),
        )
        for number in numbers
    ]
    return from_cases(cases)
