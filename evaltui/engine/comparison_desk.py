"""Answers the screen's questions about several runs at once: comparisons and cases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evaltui.domain.comparison import Terms
from evaltui.domain.comparison_json import to_document
from evaltui.domain.metric import Direction
from evaltui.domain.ports import RunSource
from evaltui.domain.run import LOCAL_PREFIX, Run
from evaltui.engine.case_reading import CasesRead, planned_cases
from evaltui.engine.comparing import Comparer, case_to_json, compare_read
from evaltui.engine.local_runs import planned_run
from evaltui.engine.poll import Poller
from evaltui.errors import RunNotFoundError
from evaltui.ledger.journal import Journal

MAX_ROWS = 3_000
"""Rows of cases that go to the screen, shared by the candidates; changed ones come first."""

_FEWEST_ROWS = 300

MOST_CANDIDATES = 19
"""A comparison is of 2 to 20 runs."""

Payload = Mapping[str, Any]


class ComparisonDesk:
    """Reads runs and cases as they are asked for and compares them.

    Args:
        comparer: Reads cases, and knows configured directions.
        poller: Knows runs and the experiment's tags without asking the store.
        journal: Knows reports that the store does not have yet.
        open_source: Opens a reader of the store.
    """

    def __init__(
        self,
        comparer: Comparer,
        *,
        poller: Poller,
        journal: Journal,
        open_source: Callable[[], RunSource],
    ) -> None:
        self._comparer = comparer
        self._poller = poller
        self._journal = journal
        self._open_source = open_source

    def compare(self, args: Payload) -> Payload:
        """Compare candidates with a baseline.

        Raises:
            RunNotFoundError: The baseline, or every candidate, is gone.
            StoreError: The store does not answer.
        """
        wanted = [str(run_id) for run_id in args["candidates"]][:MOST_CANDIDATES]
        terms = Terms(overrides=self._directions(args.get("directions") or {}))
        with contextlib.closing(self._open_source()) as source:
            baseline = self._read(source, str(args["baseline"]))
            candidates, gone = self._read_all(source, wanted)
        if not candidates:
            raise RunNotFoundError(f"no run is left to compare: {', '.join(gone) or 'none asked'}")
        rows = max(_FEWEST_ROWS, MAX_ROWS // len(candidates))
        found = compare_read(baseline, candidates, terms, max_rows=rows)
        return {**to_document(found), "gone": gone}

    def case(self, args: Payload) -> Payload:
        """Return one case of several runs with its texts.

        Raises:
            StoreError: The store does not answer.
        """
        label = str(args["case_id"])
        runs: list[dict[str, Any]] = []
        with contextlib.closing(self._open_source()) as source:
            for run_id in map(str, args["run_ids"]):
                try:
                    cases = self._comparer.case(source, run_id, label)
                except RunNotFoundError as error:
                    runs.append({"run_id": run_id, "cases": [], "note": error.message})
                    continue
                note = "" if cases else "the run's report does not have this case"
                told = [case_to_json(case) for case in cases]
                runs.append({"run_id": run_id, "cases": told, "note": note})
        return {"case_id": label, "runs": runs}

    def _directions(self, asked: Mapping[str, str]) -> dict[str, Direction]:
        session = {str(name): Direction(str(word)) for name, word in asked.items()}
        return {**self._comparer.directions(self._poller.experiment_tags), **session}

    def _read_all(
        self, source: RunSource, run_ids: Sequence[str]
    ) -> tuple[list[tuple[Run, CasesRead]], list[str]]:
        found, gone = [], []
        for run_id in run_ids:
            try:
                found.append(self._read(source, run_id))
            except RunNotFoundError:
                gone.append(run_id)
        return found, gone

    def _read(self, source: RunSource, run_id: str) -> tuple[Run, CasesRead]:
        if run_id.startswith(LOCAL_PREFIX):
            return self._read_local(run_id)
        run = self._poller.run(run_id)
        if run is None:
            return self._comparer.run_and_cases(source, run_id)
        return run, self._comparer.cases(source, run)

    def _read_local(self, run_id: str) -> tuple[Run, CasesRead]:
        number = run_id.removeprefix(LOCAL_PREFIX)
        entry = self._journal.entry(int(number)) if number.isdecimal() else None
        if entry is None:
            raise RunNotFoundError("this report is no longer on its way to the store")
        plan = entry.plan
        return planned_run(int(number), plan, plan.status), planned_cases(plan)
