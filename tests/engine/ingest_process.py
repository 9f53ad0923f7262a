"""An ingesting process for tests: `ingest_process.py FOLDER JOURNAL STEP FAULT FILE…`.

It takes the files and logs them to the store in FOLDER. At STEP (a name of `steps.machine.STEPS`,
or "-") it kills itself with SIGKILL. FAULT is the fault of its first create call, or "-".
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from ingest_kit import Kit
from tiny_store import TinyStore


def main() -> None:
    folder, journal, step, fault, *names = sys.argv[1:]

    def crash_at(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    faults = [fault] if fault != "-" else []
    store = TinyStore(
        Path(folder) / "store.db",
        fault=lambda call: faults.pop() if call == "create_run" and faults else "",
    )
    kit = Kit(Path(folder), store=store, journal_dir=Path(folder) / journal, crash_at=crash_at)
    kit.clock.now = time.time()
    kit.ingestor.recover()
    for name in names:
        kit.take(kit.root / name)
    deadline = time.monotonic() + 240
    while kit.ingestor.open_count() and time.monotonic() < deadline:
        kit.clock.now += 100  # nothing waits for its time
        if not kit.ingestor.log_due(limit=1):
            time.sleep(0.002)  # another process has it


if __name__ == "__main__":
    main()
