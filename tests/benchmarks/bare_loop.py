"""What the machine does to an event loop with next to nothing to do; says so at SIGTERM, as JSON.

A beat every 5 ms, as the measured screen has one, and every 50 ms a piece of work that is always
the same: what beats come late by, and what that work takes at most, no program here can do better.
"""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import time

BEAT_S = 0.005
_EVERY = 10
"""Beats to a piece of work."""
_WORK = 1_500
"""Texts that a piece of work makes and sorts, in about half a millisecond."""


async def main() -> None:
    """Beat and work until told to end, then say what came of it."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("beating", flush=True)
    latest, beats, took = 0.0, 0, [work_s()]
    while not ended.is_set():
        due = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        latest = max(latest, time.monotonic() - due)
        beats += 1
        if not beats % _EVERY:
            took.append(work_s())
    facts = {
        "beats": beats,
        "latest_ms": latest * 1000,
        "work_ms": statistics.median(took) * 1000,
        "longest_work_ms": max(took) * 1000,
    }
    print(json.dumps(facts), flush=True)


def work_s() -> float:
    """Return what the piece of work takes, in seconds."""
    began = time.perf_counter()
    sorted(str(number) for number in range(_WORK))
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main())
