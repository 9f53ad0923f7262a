"""The programs that are measured, where they run, and what their processes use."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pty_session import PtySession  # noqa: E402 - tests are no package
from stores import EXPERIMENT, RawStore, new_store, quiet_environ  # noqa: E402

EVALTUI = str(Path(sys.executable).parent / "evaltui")
EMPTY = [sys.executable, str(HERE / "empty_app.py")]
SIZE = (120, 40)
_ESCAPES = re.compile(rb"\x1b\[[0-9;?:<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
FRAME_CELLS = 1_000
"""Drawn cells from which on something counts as a frame."""
_MB = 1024


def first_frame_s(command: list[str], env: Mapping[str, str]) -> float:
    """Return seconds from exec to a thousand drawn cells."""
    began = time.perf_counter()
    with PtySession(command, size=SIZE, env=env) as program:
        cells = 0
        while cells < FRAME_CELLS:
            size = program.pump(5)
            if not size:
                raise RuntimeError(f"no frame of {command}")
            cells = drawn_cells(bytes(program.data))
        took = time.perf_counter() - began
        program.send("q")
        program.send("q")
        program.wait()
    return took


def drawn_cells(data: bytes) -> int:
    """Return how many cells were drawn, those included that were erased instead of printed."""
    erased = sum(int(found) for found in re.findall(rb"\x1b\[(\d+)X", data))
    cleared = data.count(b"\x1b[K") * SIZE[0] // 2  # from somewhere on to the edge
    return len(_ESCAPES.sub(b"", data).decode(errors="ignore")) + erased + cleared


def own_environment(place: Path) -> dict[str, str]:
    """Return variables that keep everything below `place`."""
    return quiet_environ(
        EVALTUI_STATE_DIR=str(place / "state"),
        EVALTUI_DATA_DIR=str(place / "data"),
        XDG_CONFIG_HOME=str(place / "config"),
        XDG_CACHE_HOME=str(place / "cache"),
        TERM="xterm-256color",
    )


def store_uri(place: Path, runs: int) -> str:
    """Return the URI of a store of so many runs with 30 metrics each; made once."""
    path = place / f"store-{runs}.db"
    if not path.exists():
        place.mkdir(parents=True, exist_ok=True)
        store = RawStore(new_store(path))
        rng = random.Random(runs)
        experiment = store.experiment(EXPERIMENT)
        names = [f"metric_{number}_rate" for number in range(27)]
        names += ["overall_quality_score", "tests_pass_rate", "generation_cost_usd"]
        for number in range(runs):
            store.run(
                experiment,
                number,
                metrics={name: rng.random() for name in names},
                params={"mode": "mcp", "model_version": "m"},
                tags={"mode": "mcp", "framework": "klaudbiusz"},
            )
        store.close()
    return f"sqlite:///{path}"


# -- looking at processes ------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tree(pid: int) -> list[int]:
    """Return a process and all that it and its children started from their first threads."""
    return [pid, *(one for child in children(pid) for one in tree(child))]


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, a shared page divided among its users."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / _MB


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9
