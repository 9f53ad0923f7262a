"""Measures what the screen sends, and how soon: bytes per key, a held key on a slow line, latency.

    python tests/benchmarks/display.py [--runs 1000] [--many 100000] [--place DIR] [--json OUT.json]

Bytes are those that leave the program, counted at a pseudo-terminal of 120x40. The slow line is a
model of a link (100 ms there and back, 50 KB/s, any amount under way), laid over the writes that
were recorded. Latency is the time from writing a key to the last byte of the frame of the list.
Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from programs import EVALTUI, SIZE, own_environment, store_uri  # noqa: E402
from pty_session import PtySession, screen_command  # noqa: E402 - tests are no package

RTT_S = 0.1
BYTES_PER_S = 50_000
HELD_S = 2.0
REPEAT_HZ = 30
_MARK = "▌".encode()
_FRAME_END = b"\x1b[0m"
_SCROLL = b"\x1b[r"
_KEYS = 40
_REST_S = 0.4
_LIVE_S = 10
_SECOND = 1_000
"""Most bytes of a second in which something changes."""


def bytes_per_key(place: Path, uri: str, display: str = "lean") -> Iterator[Figure]:
    """Count what keys set off: the list at once, the panes after a rest."""
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    with PtySession([EVALTUI, "--display", display], size=SIZE, env=env) as program:
        program.until_text("run-")
        program.until_quiet(1.5)
        first = len(program.data)
        inside = [frames_of(program, "j") for _ in range(8)]
        program.send("j" * 30)
        program.until_quiet(1.0)
        scrolled = [frames_of(program, "j") for _ in range(8)]
        pages = [frames_of(program, "\x1b[6~") for _ in range(5)]
        leave(program)
    found = (
        Figure("first screen, opening frame included", first, "bytes", 15_000),
        _median("cursor key inside the page, the list", inside, 80, alone=True),
        _median("the same with the panes that follow", inside, 1_200),
        _median("cursor key that scrolls, the list", scrolled, 800, alone=True),
        _median("the same with the panes that follow", scrolled, 1_200),
        _median("page down, panes included", pages, 10_000),
    )
    for figure in found:  # Textual's own display is measured for comparison: it has no target
        target = figure.target if display == "lean" else NO_TARGET
        yield replace(figure, what=f"{display}: {figure.what}", target=target)


def frames_of(program: PtySession, keys: str) -> tuple[int, int]:
    """Type keys; return the bytes of the first burst, which is the list's, and of all of them."""
    program.until_quiet(_REST_S)
    before = len(program.data)
    program.send(keys)
    program.until(lambda: len(program.data) > before, "an answer")
    while program.pump(0.02):
        pass
    first = len(program.data) - before
    program.until_quiet(_REST_S)
    return first, len(program.data) - before


def _median(
    what: str, counted: list[tuple[int, int]], most: float, *, alone: bool = False
) -> Figure:
    return Figure(
        what, statistics.median(first if alone else all_ for first, all_ in counted), "bytes", most
    )


def slow_line(place: Path, uri: str) -> Iterator[Figure]:
    """Hold Down for two seconds, and see when the last frame arrives at the other end."""
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    with PtySession([EVALTUI, "--display", "lean"], size=SIZE, env=env) as program:
        program.until_text("run-")
        program.until_quiet(1.5)
        began = time.monotonic()
        written: list[tuple[float, bytes]] = []

        def note(until_s: float) -> None:
            while (left := until_s - time.monotonic()) > 0:
                at = len(program.data)
                if program.pump(left):
                    written.append((time.monotonic() - began, bytes(program.data[at:])))

        for number in range(int(HELD_S * REPEAT_HZ)):
            program.send("\x1b[B")
            note(began + (number + 1) / REPEAT_HZ)
        released = HELD_S - 1 / REPEAT_HZ  # when the last key was written
        note(time.monotonic() + 2.0)
        leave(program)
    arrived, free = [], 0.0
    for at, data in written:
        free = max(free, at + RTT_S / 2) + len(data) / BYTES_PER_S
        arrived.append((free + RTT_S / 2, data))
    of_list = [at for at, data in arrived if _MARK in data or _SCROLL in data]
    sent = sum(len(data) for _, data in written)
    note_text = f"{sent:,} bytes in all; the round trip itself is {RTT_S:g} s"
    yield Figure(
        "Down held for 2 s at 30 Hz, 100 ms and 50 KB/s: list up to date after",
        of_list[-1] - released,
        "s",
        0.2,
        note_text,
    )
    yield Figure("the same, panes included", arrived[-1][0] - released, "s", 0.4)
    waits = [at - when - RTT_S for (at, _), (when, _) in zip(arrived, written, strict=True)]
    yield Figure("longest that a frame waited for the line", max(waits), "s", 0.1)


def live(place: Path) -> Iterator[Figure]:
    """Count what a new run a second costs the main screen: the list moves, its trends change."""
    engine = ("serve", "--runs", "40", "--every", "1")
    sent = sent_in_a_second(place, "lean", engine)
    what = "a new run every second: list, header and trend lines"
    yield Figure(what, sent, "bytes/s", _SECOND)


def sparklines(place: Path) -> Iterator[Figure]:
    """Count what ten sparklines cost that all change every second, chart and figures included.

    Few runs have a cell each; of more, several share one.
    """
    for display, most in (("lean", _SECOND), ("textual", NO_TARGET)):
        for runs in (40, 200):
            engine = ("serve", "--runs", str(runs), "--every", "1", "--noisy", "10")
            sent = sent_in_a_second(place, display, engine, "3")
            what = f"{display}: ten sparklines of {runs} runs that change every second, Trends pane"
            yield Figure(what, sent, "bytes/s", most)


def sent_in_a_second(place: Path, display: str, engine: tuple[str, ...], keys: str = "") -> float:
    """Return the bytes that a screen sends in a second while new runs keep coming."""
    command = screen_command("--display", display, engine=engine)
    with PtySession(command, size=SIZE, env=own_environment(place)) as program:
        program.until_text("eval_mcp")
        program.until_quiet(0.3)
        if keys:
            program.send(keys)
            program.until_quiet(0.3)
        before, end = len(program.data), time.monotonic() + _LIVE_S
        while time.monotonic() < end:
            program.pump(0.2)
        sent = len(program.data) - before
        leave(program)
    return sent / _LIVE_S


def latency(place: Path, many: int, uri: str) -> Iterator[Figure]:
    """Time cursor keys, quiet at so many runs, and while the engine imports mlflow and syncs."""
    command = screen_command("--display", "lean", engine=("serve", "--runs", str(many)))
    with PtySession(command, size=SIZE, env=own_environment(place)) as program:
        program.until(lambda: f"{many:,}" in program.text, f"{many:,} runs")
        program.until_quiet(1.5)
        quiet = [latency_of(program) for _ in range(_KEYS)]
        leave(program)
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    with PtySession([EVALTUI, "--display", "lean"], size=SIZE, env=env) as program:
        program.until_text("run-")
        busy = [latency_of(program) for _ in range(_KEYS)]  # the engine has just begun
        leave(program)
    for name, times in ((f"{many:,} runs", quiet), ("while the engine imports and syncs", busy)):
        ordered = sorted(times)
        p50, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        note_text = f"p95 {p95 * 1000:.1f} ms"
        yield Figure(f"key to last byte, {name}", p50 * 1000, "ms p50", NO_TARGET, note_text)
    ratio = statistics.median(busy) / statistics.median(quiet)
    yield Figure("the same while the engine is busy", ratio, "x quiet (p50)", 1.0)


def latency_of(program: PtySession) -> float:
    """Return seconds from a key to the last byte of the list's frame."""
    while program.pump(0.12):
        pass
    at = len(program.data)
    began = time.perf_counter()
    program.send("j")
    took = 0.0
    while not took:
        if not program.pump(5.0):
            raise RuntimeError("no answer to a key")
        if program.data.endswith(_FRAME_END, at):
            took = time.perf_counter() - began
    return took


def leave(program: PtySession) -> None:
    """Quit, whatever is asked on the way."""
    program.send("\x03")
    program.wait()


def main() -> int:
    """Measure everything; return 1 when a target is missed."""

    def sizes(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--runs", type=int, default=1_000)
        parser.add_argument("--many", type=int, default=100_000)

    options = options_of(__doc__, more=sizes, place=True)
    with scratch() as place:
        stores = options.place or place
        uri = store_uri(stores, options.runs)
        parts = (
            bytes_per_key(place, uri),
            bytes_per_key(place, uri, "textual"),
            slow_line(place, uri),
            live(place),
            sparklines(place),
            latency(place, options.many, store_uri(stores, options.runs * 10)),
        )
        return report(parts, options.json)


if __name__ == "__main__":
    sys.exit(main())
