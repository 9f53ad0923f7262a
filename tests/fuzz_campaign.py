"""Readers under fire: arbitrary bytes and damaged reports, as many as are asked for, by a seed."""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent / "readers"))

import report_documents as docs
from hostile_corpus import HOSTILE
from test_reader_fuzz import ODD, SEEDS, check, places, put

from evaltui.domain.report import Report
from evaltui.errors import ReportError, ReportSyntaxError
from evaltui.readers import (
    HEAD_BYTES,
    case_key,
    companion_names,
    has_report_name,
    join_generation,
    pick_generation,
    read_reports,
    recognise,
)

LARGEST_SEED = 60_000
NAMES = (
    "evaluation_report.json", "report.json", "app_eval.json", "EVALUATION_REPORT.md",
    "bulk_run_results_20251231_000000.json", "trajectory.jsonl", "run_metadata.json", "x", "",
)  # fmt: skip
TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\u0000", b"null",
    b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"0.1e", b"9" * 400, b"[" * 500, b'{"a":' * 200,
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80", b"\x1b[2J", b"\xe2\x80\xae",
    b'"schema": "evaltui.report/1",', b'"apps": [', b'"summary": {', b'"metrics": {', b'"cases": [',
    b'"app_name": "a",', b'"timestamp": "0001-01-01T00:00:00+14:00",', b"18/20", b"0/0 (N/A: 2)",
)  # fmt: skip


@dataclass
class Figures:
    """What the inputs became.

    Attributes:
        ends: Number of inputs by their end: report, or the name of the ReportError.
        failures: What raised something else: its number, the error, and where its bytes are kept.
        slowest_s: Longest time of one input.
        grown_mb: How much the process grew after the first thousandth.
    """

    seed: int
    inputs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: int = 0
    grown_mb: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        ends = ", ".join(f"{name} {number}" for name, number in self.ends.most_common())
        return (
            f"seed {self.seed}: {self.inputs} inputs in {self.seconds:.0f} s: {ends}; "
            f"{len(self.failures)} failures; slowest {self.slowest_s:.2f} s (number"
            f" {self.slowest}); grown by {self.grown_mb:.1f} MB"
        )


def seeds(samples: Path | None) -> list[bytes]:
    """Return the documents that are damaged: made ones, hostile ones, and real ones where given."""
    found = [docs.to_bytes(document) for document in SEEDS.values()]
    found += [data for hostile in HOSTILE.values() if len(data := hostile.data()) <= LARGEST_SEED]
    if samples is not None:
        for path in sorted(samples.rglob("*")):
            if path.is_file() and path.stat().st_size <= LARGEST_SEED:
                found.append(path.read_bytes())
    return found


class Damage:
    """Makes one input after the other, each by its number alone.

    Args:
        originals: The documents.
        seed: Makes all that is random.
    """

    def __init__(self, originals: Sequence[bytes], seed: int) -> None:
        self._originals = originals
        self._parsed = [_parsed(data) for data in originals]
        self._seed = seed
        self._ways: tuple[Callable[[random.Random, bytes], bytes], ...] = (
            self._cut, self._flip, self._token, self._token, self._drop, self._repeat,
            self._splice, self._encode, self._zeros,
        )  # fmt: skip

    def make(self, number: int) -> tuple[str, bytes]:
        """Return name and bytes of an input."""
        rng = random.Random(f"{self._seed}:{number}")
        name = rng.choice(NAMES) if rng.random() < 0.3 else NAMES[0]
        kind = rng.random()
        if kind < 0.1:
            return name, rng.randbytes(rng.randrange(400))
        if kind < 0.2:
            return name, b"".join(rng.choice(TOKENS) for _ in range(rng.randrange(1, 60)))
        if kind < 0.5:
            return name, self._changed(rng)
        data = rng.choice(self._originals)
        for _ in range(rng.randrange(1, 5)):
            data = rng.choice(self._ways)(rng, data)
        return name, data[: 2 * LARGEST_SEED]

    def _changed(self, rng: random.Random) -> bytes:
        """Return a document with other values in some places."""
        document = None
        while document is None:
            document = copy.deepcopy(rng.choice(self._parsed))
        for _ in range(rng.randrange(1, 5)):
            inside = [path for path in places(document) if path]
            if not inside:
                break
            other = rng.choice([item for item in self._parsed if item is not None])
            wanted = rng.choice(ODD) if rng.random() < 0.7 else rng.choice(places_of(other))
            put(document, rng.choice(inside), wanted)
        return json.dumps(document, ensure_ascii=rng.random() < 0.8).encode("utf-8", "replace")

    def _cut(self, rng: random.Random, data: bytes) -> bytes:
        return data[: rng.randrange(len(data) + 1)]

    def _flip(self, rng: random.Random, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 8)):
            if changed:
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)

    def _token(self, rng: random.Random, data: bytes) -> bytes:
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(TOKENS) + data[at + rng.randrange(3) :]

    def _drop(self, rng: random.Random, data: bytes) -> bytes:
        at = rng.randrange(len(data) + 1)
        return data[:at] + data[at + rng.randrange(1, 60) :]

    def _repeat(self, rng: random.Random, data: bytes) -> bytes:
        at = rng.randrange(len(data) + 1)
        part = data[at : at + rng.randrange(1, 200)]
        return data[:at] + part * rng.randrange(1, 20) + data[at:]

    def _splice(self, rng: random.Random, data: bytes) -> bytes:
        other = rng.choice(self._originals)
        return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]

    def _encode(self, rng: random.Random, data: bytes) -> bytes:
        encoding = rng.choice(("utf-16", "utf-16-be", "utf-32", "latin-1", "utf-8-sig"))
        return data.decode("utf-8", "replace").encode(encoding, "replace")

    def _zeros(self, rng: random.Random, data: bytes) -> bytes:
        return data[: rng.randrange(len(data) + 1)] + bytes(rng.randrange(1, 600))


def places_of(document: Any) -> list[Any]:
    """Return values out of a document."""
    found = []
    for path in places(document)[:40]:
        value = document
        for key in path:
            value = value[key]
        found.append(value)
    return found


def read(name: str, data: bytes, others: list[Report]) -> str:
    """Read an input by every entry point; return its end. Anything but a ReportError leaves."""
    recognise(data[:HEAD_BYTES], name)
    has_report_name(name)
    case_key(data)
    neighbours = dict.fromkeys(companion_names(name), data)
    try:
        (report,) = read_reports(data, docs.source(name or "x"), neighbours=neighbours)
    except ReportError as raised:
        error = raised
    else:
        _use(report, others)
        return "report"
    assert error.message
    assert "\n" not in error.message
    cut = isinstance(error, ReportSyntaxError) and error.incomplete
    return "incomplete" if cut else type(error).__name__


def _use(report: Report, others: list[Report]) -> None:
    """Do with a report what the program does, with the reports before it."""
    check(report)
    check(join_generation(report, others[-1] if others else report))
    pick_generation(report, others)
    others.append(report)
    del others[:-3]


def fuzz_campaign(
    inputs: int,
    *,
    seed: int,
    samples: Path | None = None,
    keep: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Read so many inputs.

    Args:
        inputs: How many.
        seed: Makes them.
        samples: Folder of real reports, or None.
        keep: Folder for inputs that fail, or None.
        tell: Told how it goes on.
    """
    figures = Figures(seed)
    damage = Damage(seeds(samples), seed)
    begun, settled = time.monotonic(), max(200, inputs // 1_000)
    others: list[Report] = []
    before = 0
    for number in range(inputs):
        if number == settled:
            before = _peak_kb()
        name, data = damage.make(number)
        at = time.perf_counter()
        try:
            figures.ends[read(name, data, others)] += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            where = ""
            if keep is not None:
                where = f", kept as {keep / f'{seed}-{number}'}"
                (keep / f"{seed}-{number}").write_bytes(data)
            figures.failures.append(
                f"number {number} ({name!r}): {type(error).__name__}: {error}{where}"
            )
            tell(figures.failures[-1])
        took = time.perf_counter() - at
        if took > figures.slowest_s:
            figures.slowest_s, figures.slowest = took, number
        figures.inputs += 1
        if figures.inputs % 10_000 == 0:
            tell(f"{figures.inputs} inputs, {len(figures.failures)} failures")
    figures.grown_mb = (_peak_kb() - before) / 1024
    figures.seconds = time.monotonic() - begun
    return figures


def sample_folder() -> Path | None:
    """Return the folder that EVALTUI_SAMPLES names, or None."""
    named = os.environ.get("EVALTUI_SAMPLES")
    return Path(named) if named else None


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
