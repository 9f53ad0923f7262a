"""Reports of any size, written case by case."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent / "readers"))

import report_documents as docs

_WORDS = ("the query returned no rows", "build ok", "assertion failed", "Größe", "line 17", "tests")


def write_report(path: Path, kind: str, size: int) -> int:
    """Write a report of at least `size` bytes, its summary first; return the number of cases.

    Args:
        path: Where it is written.
        kind: `own` (evaltui.report/1, a kilobyte a case) or `apps` (app_eval_k1, five an app).
        size: Bytes.
    """
    rng = random.Random(size)
    made, number = 0, 0
    begin, items, end = _own(rng) if kind == "own" else _apps(rng)
    with path.open("w", encoding="utf-8") as file:
        made += file.write(begin)
        for number, item in enumerate(items):
            text = ("" if not number else ",\n") + json.dumps(item, ensure_ascii=False)
            made += file.write(text)
            if made >= size:
                break
        file.write(end)
    return number + 1


def _own(rng: random.Random) -> tuple[str, Iterator[Any], str]:
    begin = (
        '{"schema": "evaltui.report/1", "name": "nightly", "mode": "mcp",\n'
        '"metrics": [{"name": "accuracy", "value": 0.5}, {"name": "f1", "value": 0.25}],\n'
        '"cases": ['
    )

    def cases() -> Iterator[Any]:
        number = 0
        while True:
            passed = rng.random() < 0.7
            yield {
                "id": f"question-{number}",
                "group": f"topic {number % 40}",
                "status": "pass" if passed else "fail",
                "scores": {"exact": float(passed), "f1": rng.random()},
                "reason": None if passed else _text(rng, 60),
                "output": _text(rng, 800),
                "duration_s": rng.random() * 9,
                "cost_usd": rng.random() / 100,
            }
            number += 1

    return begin, cases(), "]}\n"


def _apps(rng: random.Random) -> tuple[str, Iterator[Any], str]:
    document = docs.k1([docs.k1_app(f"app-{n}", "brtsc") for n in range(20)])
    begin = json.dumps({key: item for key, item in document.items() if key != "apps"})[:-1]

    def apps() -> Iterator[Any]:
        number = 0
        while True:
            passed = "".join(letter for letter in "brtscdu" if rng.random() < 0.7)
            details = {name: [_text(rng, 700)] for name in ("local_runability", "tests", "build")}
            issues = [_text(rng, 80) for _ in range(rng.randrange(4))]
            generation = {"cost_usd": rng.random(), "turns": rng.randrange(90)}
            yield docs.k1_app(
                f"app-{number}",
                passed,
                issues=issues,
                details=details | {"runtime": _text(rng, 1_500)},
                generation_metrics=generation,
            )
            number += 1

    return f'{begin}, "apps": [', apps(), "]}\n"


def _text(rng: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += f"{rng.choice(_WORDS)} {rng.getrandbits(40):x} "
    return text[:length]
