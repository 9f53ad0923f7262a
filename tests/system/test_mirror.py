"""The second start of the real program: its list is there before the store has said a word."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pty_session import PtySession
from stores import EXPERIMENT, RawStore, new_store, quiet_environ

from evaltui.mirror.places import mirror_files
from evaltui.recall import TargetMirror, first_status
from evaltui.settings import Settings
from evaltui.tracking.target import resolve_target
from tests.domain.builders import make_run, make_table

pytestmark = pytest.mark.system

SYNCING = "· syncing"


class Place:
    """Directories of one person, and a way to start the program there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mirrors = folder / "cache" / "evaltui" / "mirrors"
        self.env: dict[str, str | None] = {
            **quiet_environ(
                EVALTUI_STATE_DIR=str(folder / "state"),
                EVALTUI_DATA_DIR=str(folder / "data"),
                XDG_CONFIG_HOME=str(folder / "config"),
                XDG_CACHE_HOME=str(folder / "cache"),
            )
        }

    def start(self, uri: str, *flags: str) -> PtySession:
        command = [sys.executable, "-P", "-m", "evaltui", "--tracking-uri", uri, *flags]
        return PtySession(command, size=(120, 40), env=self.env)


def leave(session: PtySession) -> None:
    session.send("q")
    assert session.wait() == 0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = new_store(tmp_path / "mlflow.db")
    raw = RawStore(path)
    experiment = raw.experiment(EXPERIMENT)
    for number in range(12):
        raw.run(experiment, number, name=f"first-{number:02}", metrics={"score": number / 12})
    raw.close()
    return path


@contextmanager
def silence() -> Iterator[str]:
    """Yield the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()
        taken: list[socket.socket] = []

        def take() -> None:
            while not stop.is_set():
                if select.select([listener], [], [], 0.05)[0]:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()
            for connection in taken:
                connection.close()


def keep(place: Place, uri: str, name: str, *, experiment_id: str = "1") -> Path:
    """Write the mirror of a target as a session before would have; return its path."""
    settings = Settings(tracking_uri=uri, data_dir=place.folder / "data")
    target = resolve_target(settings, {})
    status = replace(first_status(target), experiment_id=experiment_id)
    mirror = TargetMirror(target, place.mirrors)
    assert mirror.keep(make_table(make_run("a" * 32, name=name)), status)
    return mirror_files(place.mirrors)[0]


def test_what_happened_between_two_sessions_is_corrected(place: Place, database: Path) -> None:
    uri = f"sqlite:///{database}"
    with place.start(uri) as session:
        session.until_text("first-11")
        session.until(lambda: mirror_files(place.mirrors), "mirror")
        leave(session)
    assert SYNCING.encode() not in session.data
    raw = RawStore(database)
    raw.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'first-11'")
    raw.sql("UPDATE runs SET name = 'renamed-10' WHERE name = 'first-10'")
    raw.run("1", 50, name="second-50")
    raw.close()
    with place.start(uri) as session:
        session.until_text("LIVE")
        session.until_text("second-50")
        session.until_text("renamed-10")
        for name in ("first-11", "first-10"):
            session.until(lambda name=name: name not in session.text, f"end of {name}")
        leave(session)
    shown = bytes(session.data)
    assert shown.index(SYNCING.encode()) < shown.index(b"LIVE"), "the list of before came first"
    assert shown.index(b"first-11") < shown.index(b"second-50")


def test_the_page_as_it_was_left_stands_before_the_list_itself(
    place: Place, database: Path
) -> None:
    uri = f"sqlite:///{database}"
    with place.start(uri) as session:
        session.until_text("first-11")
        session.until(lambda: list(place.mirrors.glob("*.page")), "page")
        session.until(lambda: mirror_files(place.mirrors), "mirror")
        leave(session)
    with place.start(uri) as session:
        session.send("j")  # before there is a list to move in
        session.until_text("LIVE")
        session.until(lambda: "▌ ✓   first-10" in session.text, "the key typed first")
        leave(session)
    shown = bytes(session.data)
    assert shown.index(b"first-11") < shown.index(SYNCING.encode())
    assert "· opening".encode() in shown


def test_a_store_that_hangs_leaves_the_list_of_before_on_screen(place: Place) -> None:
    with silence() as address:
        keep(place, address, "kept-run")
        with place.start(address) as session:
            session.until_text("kept-run")
            session.until_text(SYNCING)
            leave(session)


def test_of_another_experiment_nothing_is_shown(place: Place) -> None:
    with silence() as address:
        keep(place, address, "kept-run")
        with place.start(address, "--experiment", "/Shared/other") as session:
            told = ("connecting to http", "OFFLINE")
            session.until(lambda: any(words in session.text for words in told), "the store's state")
            leave(session)
    assert b"kept-run" not in session.data


def test_runs_of_an_experiment_that_was_made_anew_under_its_name_go(
    place: Place, database: Path
) -> None:
    uri = f"sqlite:///{database}"
    keep(place, uri, "kept-run", experiment_id="99")
    with place.start(uri) as session:
        session.until_text("LIVE")
        session.until_text("first-11")
        session.until(lambda: "kept-run" not in session.text, "end of the old runs")
        leave(session)
    assert b"kept-run" in session.data


def test_a_mirror_that_was_cut_short_is_made_anew_without_a_word(
    place: Place, database: Path
) -> None:
    uri = f"sqlite:///{database}"
    path = keep(place, uri, "kept-run")
    os.truncate(path, path.stat().st_size // 2)
    cut = path.stat().st_ino
    with place.start(uri) as session:
        session.until_text("first-11")
        session.until(lambda: path.stat().st_ino != cut, "new mirror")
        leave(session)
    assert b"kept-run" not in session.data
    assert SYNCING.encode() not in session.data
