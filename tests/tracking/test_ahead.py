"""The next page is asked for while the last one is used, and never two at a time."""

from __future__ import annotations

import threading

import pytest
from waiting import wait_for

from evaltui.domain.run import Experiment, Run, RunStatus
from evaltui.errors import StoreBusyError
from evaltui.tracking.ahead import Ahead
from evaltui.tracking.polled_source import PolledSource


class SlowPages:
    """Five pages of two runs, each answered when it may be."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may = threading.Semaphore(0)
        self.at_once = 0
        self.most_at_once = 0
        self.refused = ""

    def experiment(self) -> Experiment:
        return Experiment("1", "exp")

    def search(
        self, _experiment_id: str, _question: str, *, size: int, token: str
    ) -> tuple[list[Run], str]:
        assert size > 0
        self.asked.append(token)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may.acquire(timeout=90)
        self.at_once -= 1
        if token and token == self.refused:
            self.refused = ""
            raise StoreBusyError("HTTP 429")
        start = int(token or 0)
        runs = [
            Run(str(number), "1", str(number), RunStatus.FINISHED, 10 - number, None)
            for number in (start, start + 1)
        ]
        return runs, str(start + 2) if start < 8 else ""

    def close(self) -> None:
        pass


def test_the_store_works_on_the_next_page_while_this_one_is_used() -> None:
    pages = SlowPages()
    source = PolledSource("rest", pages)  # type: ignore[arg-type]  # what a listing needs
    listing = source.changes()
    pages.may.release()
    assert [run.run_id for run in next(listing).runs] == ["0", "1"]
    wait_for(lambda: pages.asked == ["", "2"], "question before its turn")
    for _ in range(4):
        pages.may.release()
    rest = [run.run_id for batch in listing for run in batch.runs]
    assert rest == [str(number) for number in range(2, 10)]
    assert pages.asked == ["", "2", "4", "6", "8"], "each once"
    assert pages.most_at_once == 1


def test_a_refusal_of_the_next_page_is_met_in_its_turn_and_the_listing_goes_on_there() -> None:
    pages = SlowPages()
    pages.refused = "2"
    source = PolledSource("rest", pages)  # type: ignore[arg-type]
    for _ in range(6):
        pages.may.release()
    listing = source.changes()
    assert [run.run_id for run in next(listing).runs] == ["0", "1"]
    with pytest.raises(StoreBusyError):
        next(listing)
    rest = [run.run_id for batch in source.changes() for run in batch.runs]
    assert rest == [str(number) for number in range(2, 10)]


def test_what_was_asked_in_vain_is_waited_for_and_dropped() -> None:
    ahead: Ahead[str] = Ahead()
    done: list[str] = []

    def work(name: str) -> str:
        done.append(name)
        return name

    ahead.start("a", lambda: work("a"))
    assert ahead.result("b", lambda: work("b")) == "b"
    assert done == ["a", "b"]
    assert ahead.result("a", lambda: work("c")) == "c"
    ahead.start("d", lambda: work("d"))
    assert ahead.result("d", lambda: work("never")) == "d"
