"""Comparing runs of the store: runs and cases read, then judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from evaltui.domain.case_changes import MAX_ROWS
from evaltui.domain.comparison import Comparison, Terms, compare
from evaltui.domain.metric import Direction
from evaltui.domain.ports import RunSource
from evaltui.domain.report import Case
from evaltui.domain.run import Run
from evaltui.domain.stated import shared_directions
from evaltui.engine.case_cache import CaseCache
from evaltui.engine.case_reading import CasesRead, read_case, read_cases
from evaltui.errors import RunNotFoundError


class Comparer:
    """Compares runs by their cases.

    Args:
        cache: Where cases are kept.
        directions: Directions that the person's configuration sets, by metric.
    """

    def __init__(
        self, cache: CaseCache | None = None, *, directions: Mapping[str, Direction] | None = None
    ) -> None:
        self._cache = cache or CaseCache(None)
        self._directions = dict(directions or {})

    def directions(self, experiment_tags: Mapping[str, str]) -> dict[str, Direction]:
        """Return the directions that hold: the configured ones over the experiment's."""
        return {**shared_directions(experiment_tags), **self._directions}

    def run_and_cases(self, source: RunSource, run_id: str) -> tuple[Run, CasesRead]:
        """Return a run of the store and its cases.

        Raises:
            RunNotFoundError: The store has no such run.
            StoreError: It does not answer.
        """
        run = source.get_run(run_id)
        if run is None:
            raise RunNotFoundError(f"the run {run_id} is not in the store")
        return run, read_cases(source, run, self._cache)

    def cases(self, source: RunSource, run: Run) -> CasesRead:
        """Return the cases of a run; what cannot be read is a note."""
        return read_cases(source, run, self._cache)

    def case(self, source: RunSource, run_id: str, label: str) -> tuple[Case, ...]:
        """Return one case of a run with its texts, all repetitions; none when it is not there.

        Raises:
            RunNotFoundError: The store has no such run.
            StoreError: It does not answer.
        """
        run = source.get_run(run_id)
        if run is None:
            raise RunNotFoundError(f"the run {run_id} is not in the store")
        return read_case(source, run, label, self._cache)


def compare_read(
    baseline: tuple[Run, CasesRead],
    candidates: Sequence[tuple[Run, CasesRead]],
    terms: Terms,
    *,
    max_rows: int = MAX_ROWS,
) -> list[Comparison]:
    """Compare runs whose cases were read; one comparison per candidate.

    Args:
        baseline: The run to compare with, and its cases.
        candidates: The runs in question, and theirs.
        terms: On what terms.
        max_rows: Rows of cases to list per comparison at most.
    """
    first, first_cases = baseline
    return [
        compare(
            first,
            run,
            baseline_cases=first_cases.table,
            candidate_cases=cases.table,
            terms=terms,
            notes=_notes(first_cases, cases),
            max_rows=max_rows,
        )
        for run, cases in candidates
    ]


def case_to_json(case: Case) -> dict[str, Any]:
    """Return a case with its texts."""
    return {**dataclasses.asdict(case), "status": case.status.value}


def _notes(baseline: CasesRead, candidate: CasesRead) -> list[str]:
    told = (("the baseline", baseline), ("the candidate", candidate))
    return [f"{who} has no cases: {read.note}" for who, read in told if read.table is None]
