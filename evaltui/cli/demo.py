"""`evaltui demo`: the whole job on made-up reports, in a place of its own that is gone afterwards.

Nothing of the environment counts: no target, no experiment, no configuration file, no credential.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evaltui.cli.demo_reports import MODES, Step, history, live
from evaltui.cli.output import note
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.places import DEMO_PREFIX
from evaltui.errors import ConfigError
from evaltui.log import start_log
from evaltui.settings import Settings
from evaltui.ui.engine_spawn import EarlyEngine
from evaltui.ui.refusal import refusal

EXPERIMENT = "/Shared/klaudbiusz-evaluations"
_FOREIGN = ("MLFLOW_", "DATABRICKS_", "EVALTUI_")
_REFUSED = ("tracking_uri", "profile", "experiment", "env_file", "watch", "state_dir", "data_dir")
_CLEAN_SECONDS = 3.0


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `demo`."""
    parser = add_command(
        subparsers,
        "demo",
        "Show the whole job in half a minute: believable reports appear one after another in a "
        "temporary directory, are logged to a temporary store and shown live. Every target, "
        "experiment and configuration of the environment is ignored; nothing is left behind.",
    )
    parser.add_argument("--seed", type=int, default=7, help="another seed, other reports")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Show the screen over the demo's place until the person leaves."""
    for name in _REFUSED:
        if getattr(settings, name):
            raise ConfigError(
                f"the demo has a {name} of its own", hint="leave the option out, or run evaltui"
            )
    why = refusal()
    if why is not None:
        raise ConfigError(f"the demo needs a terminal: {why}", hint="evaltui watch --help")
    forget_environment()
    with demo_place() as place:
        own = place_settings(place, settings)
        start_log(own)
        with writing(place / "reports", args.seed):
            early = EarlyEngine(own)  # there is no list to show before it has one
            try:
                from evaltui.ui.running import run_app  # noqa: PLC0415 - only for the screen

                code = run_app(own, finish=False, early=early)
            finally:
                early.drop()
    note("The demo's reports, store and journal are gone. On your own: evaltui --watch DIR")
    return code


def forget_environment() -> None:
    """Take every variable that could name a store, an experiment or a configuration away."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            del os.environ[name]


def place_settings(place: Path, wishes: Settings) -> Settings:
    """Return the demo's settings; only how the screen looks is taken from `wishes`."""
    return Settings(
        tracking_uri=f"sqlite:///{place / 'data' / 'mlflow.db'}",
        experiment=EXPERIMENT,
        watch=tuple(f"{mode}={place / 'reports' / mode}" for mode in MODES),
        state_dir=place / "state",
        data_dir=place / "data",
        glyphs=wishes.glyphs,
        theme=wishes.theme,
        display=wishes.display,
        mouse=wishes.mouse,
        mirror=False,
        sources={"tracking_uri": "demo", "experiment": "demo"},
    )


@contextmanager
def demo_place() -> Iterator[Path]:
    """Make a private temporary directory, and remove it however the demo ends."""
    place = Path(tempfile.mkdtemp(prefix=DEMO_PREFIX))
    try:
        for name in ("reports", "state", "data", "tmp"):
            (place / name).mkdir(mode=0o700)
        # what an engine that is ended at once leaves of an upload goes with the rest
        os.environ["TMPDIR"] = str(place / "tmp")
        yield place
    finally:
        _remove(place)


@contextmanager
def writing(folder: Path, seed: int) -> Iterator[None]:
    """Write the history at once, then live reports from a thread of its own."""
    now = datetime.now(tz=UTC)
    for step in history(now, seed=seed):
        write_step(folder, step)
    stop = threading.Event()

    def write() -> None:
        for step in live(now, seed=seed):
            if stop.wait(step.wait_s):
                return
            write_step(folder, step)

    writer = threading.Thread(target=write, name="evaltui-demo", daemon=True)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(1.0)


def write_step(folder: Path, step: Step) -> None:
    """Write one file, with the modification time that its age asks for."""
    path = folder / step.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(step.data)
    if step.age:
        written = time.time() - step.age.total_seconds()
        os.utime(path, (written, written))


def _remove(place: Path) -> None:
    """Remove the place; the engine may need a moment to let go of its files."""
    deadline = time.monotonic() + _CLEAN_SECONDS
    while place.exists() and time.monotonic() < deadline:
        shutil.rmtree(place, ignore_errors=True)
        if place.exists():
            time.sleep(0.05)
    if place.exists():
        note(f"{place} could not be removed")
