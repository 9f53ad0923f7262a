"""A store in memory that answers the questions of polls and counts them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from evaltui.domain.run import Experiment, Run, RunStatus, Tag
from evaltui.errors import StoreError

_SINCE = re.compile(r"attributes\.(start|end)_time > (\d+)")


class CountingStore:
    """Runs by id, searched newest start first.

    Args:
        runs: What is there at first.
        most: Most runs of a page, as some stores limit them.

    Attributes:
        searches: Questions that were asked, every page of them.
        sizes: How many runs each of them was to bring.
        looked_up: Ids of runs that were asked for one by one.
        failing: Errors by the number of the request (searches and look-ups) that meets them, from
            0 on.
    """

    def __init__(self, runs: Iterable[Run], *, most: int = 1_000) -> None:
        self.runs = {run.run_id: run for run in runs}
        self.experiment_id = "1"
        self.most = most
        self.searches: list[str] = []
        self.sizes: list[int] = []
        self.looked_up: list[str] = []
        self.failing: dict[int, StoreError] = {}
        self._requests = 0

    def add(self, *runs: Run) -> None:
        """Put runs in, in place of those of the same ids."""
        self.runs.update((run.run_id, run) for run in runs)

    def delete(self, run_id: str) -> None:
        """Delete a run softly."""
        self.runs[run_id] = replace(self.runs[run_id], active=False)

    @property
    def active(self) -> dict[str, Run]:
        """What a listing brings."""
        return {run_id: run for run_id, run in self.runs.items() if run.active}

    def experiment(self) -> Experiment:
        return Experiment(self.experiment_id, "exp")

    def get_run(self, run_id: str) -> Run | None:
        self._count()
        self.looked_up.append(run_id)
        return self.runs.get(run_id)

    def search(
        self, experiment_id: str, question: str, *, size: int, token: str
    ) -> tuple[list[Run], str]:
        assert experiment_id == self.experiment_id
        self._count()
        self.searches.append(question)
        self.sizes.append(size)
        found = [run for run in self.active.values() if _fits(run, question)]
        found.sort(key=lambda run: (-(run.started_ms or 0), run.run_id))
        start = int(token or 0)
        end = start + min(size, self.most)
        return found[start:end], str(end) if end < len(found) else ""

    def close(self) -> None:
        pass

    def _count(self) -> None:
        number, self._requests = self._requests, self._requests + 1
        if number in self.failing:
            raise self.failing.pop(number)


def _fits(run: Run, question: str) -> bool:
    if not question:
        return True
    if question == "attributes.status = 'RUNNING'":
        return run.status is RunStatus.RUNNING
    if found := _SINCE.fullmatch(question):
        at = run.started_ms if found[1] == "start" else run.ended_ms
        return (at or 0) > int(found[2])
    content = re.fullmatch(rf"tags\.`{Tag.CONTENT_ID}` = '(.*)'", question)
    assert content is not None, question
    return run.tags.get(Tag.CONTENT_ID) == content[1]
