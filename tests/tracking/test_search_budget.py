"""Searches are spread under the limit of a workspace."""

from __future__ import annotations

import threading

from evaltui.tracking.search_budget import BURST, RATE_PER_S, SearchBudget, budget_of

LIMIT = 7


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def budget(self) -> SearchBudget:
        return SearchBudget(clock=lambda: self.now, sleep=self.sleep)


def test_a_poll_does_not_wait_and_a_long_listing_goes_at_the_rate() -> None:
    time = Time()
    budget = time.budget()
    for _ in range(BURST):
        budget.take()
    assert time.slept == []
    for _ in range(50):
        budget.take()
    assert abs(time.now - 100.0 - 50 / RATE_PER_S) < 1e-6
    assert max(time.slept) < 1 / RATE_PER_S + 1e-6


def test_the_limit_of_the_workspace_is_never_reached() -> None:
    time = Time()
    budget = time.budget()
    level, last = float(LIMIT), time.now  # as the workspace counts: a bucket that fills again
    for number in range(200):
        budget.take()
        level, last = min(LIMIT, level + (time.now - last) * LIMIT), time.now
        assert level >= 1
        level -= 1
        if number % 23 == 0:
            time.now += 0.4


def test_a_pause_gives_the_burst_back_and_no_more() -> None:
    time = Time()
    budget = time.budget()
    for _ in range(30):
        budget.take()
    time.now += 3_600
    time.slept.clear()
    for _ in range(BURST):
        budget.take()
    assert time.slept == []
    budget.take()
    assert len(time.slept) == 1


def test_threads_share_it_and_workspaces_do_not() -> None:
    assert budget_of("https://one.example") is budget_of("https://one.example")
    assert budget_of("https://one.example") is not budget_of("https://two.example")
    time = Time()
    budget = time.budget()
    threads = [threading.Thread(target=budget.take) for _ in range(BURST + 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(time.slept) == 2
