from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import threading

import pytest

from evaltui.tracking.deadline import MAX_ABANDONED, BoundedCalls, OverdueError


def test_a_call_gives_its_result_or_its_error() -> None:
    calls = BoundedCalls()
    assert calls.run(lambda: 7, limit_s=90) == 7
    assert calls.run(lambda: None, limit_s=90) is None
    with pytest.raises(ZeroDivisionError):
        calls.run(lambda: 1 / 0, limit_s=90)


def test_calls_one_after_the_other_share_a_thread_and_side_by_side_they_do_not() -> None:
    calls = BoundedCalls()
    first = calls.run(threading.get_ident, limit_s=90)
    assert calls.run(threading.get_ident, limit_s=90) == first
    inner = calls.run(lambda: calls.run(threading.get_ident, limit_s=90), limit_s=90)
    assert inner != first


def test_a_thread_that_was_left_behind_ends_with_its_call() -> None:
    release = threading.Event()
    calls = BoundedCalls()
    with pytest.raises(OverdueError):
        calls.run(release.wait, limit_s=0.01)
    (worker,) = calls._abandoned
    release.set()
    worker.join(90)
    assert not worker.is_alive()


def test_an_interrupt_in_the_call_reaches_the_caller() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BoundedCalls().run(interrupt, limit_s=90)


def test_a_call_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    calls = BoundedCalls()
    with pytest.raises(OverdueError, match=r"0\.05 s") as caught:
        calls.run(release.wait, limit_s=0.05)
    assert caught.value.sent
    assert calls.run(lambda: "next", limit_s=90) == "next"
    release.set()


def test_a_call_that_gets_on_may_take_longer_than_the_limit() -> None:
    steps = itertools.count()
    finished = threading.Event()

    def progress() -> int:
        step = next(steps)
        if step == 6:
            finished.set()
        return step  # it gets on until its end, whenever that is seen

    assert BoundedCalls().run(lambda: finished.wait(90), limit_s=0.06, progress=progress)


def test_a_call_that_stands_still_is_left_behind_although_it_could_get_on() -> None:
    release = threading.Event()
    with pytest.raises(OverdueError):
        BoundedCalls().run(release.wait, limit_s=0.05, progress=lambda: "same")
    release.set()


def test_a_dead_store_does_not_pile_up_threads() -> None:
    release = threading.Event()
    calls = BoundedCalls()
    for _ in range(MAX_ABANDONED):
        with pytest.raises(OverdueError):
            calls.run(release.wait, limit_s=0.01)
    with pytest.raises(OverdueError) as caught:
        calls.run(lambda: "never asked", limit_s=0.01)
    assert not caught.value.sent
    release.set()
    while calls._count_abandoned():
        threading.Event().wait(0.01)
    assert calls.run(lambda: "again", limit_s=90) == "again"


def test_a_stuck_call_does_not_keep_the_program_from_ending() -> None:
    script = (
        "import threading\n"
        "from evaltui.tracking.deadline import BoundedCalls, OverdueError\n"
        "try:\n"
        "    BoundedCalls().run(threading.Event().wait, limit_s=0.05)\n"
        "except OverdueError:\n"
        "    print('left behind')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=180, check=True
    )
    assert (done.stdout, done.stderr) == ("left behind\n", "")


def test_a_dropped_or_closed_object_leaves_no_thread_behind() -> None:
    class Owner:
        def __init__(self) -> None:
            self.calls = BoundedCalls()

        def answer(self) -> threading.Thread:
            return self.calls.run(lambda: (self, threading.current_thread())[1], limit_s=90)

    dropped, closed = Owner(), Owner()
    threads = [dropped.answer(), closed.answer()]
    assert dropped.answer() is threads[0]
    del dropped
    gc.collect()
    closed.calls.close()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive()
    assert closed.answer() is not threads[1]
