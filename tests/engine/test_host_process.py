from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine_process import COMMAND, EngineProcess
from stores import EXPERIMENT, RawStore, new_store, quiet_environ

from evaltui.domain.events import StoreState
from evaltui.engine.link import Request, Verb, encode

HEAVY = ("mlflow", "sqlalchemy", "pandas", "databricks", "textual", "rich", "requests", "urllib3")

LATE = (
    *("evaltui.engine.ingest", "evaltui.engine.watcher", "evaltui.engine.comparing"),
    *("evaltui.readers", "evaltui.stats", "evaltui.domain.report", "evaltui.domain.catalogue"),
    *("watchfiles", "zipfile", "statistics", "difflib", "tomllib", "configparser", "email"),
)
"""What an engine over a SQLite file does without until something is watched or compared."""

_REPORTS_MODULES = f"""
import atexit, os, sys, threading
import evaltui.host as host

def tell(*_):
    loaded = [name for name in {(*HEAVY, *LATE)!r} if name in sys.modules]
    with open(os.environ["LOADED"], "w") as file:
        file.write(" ".join(loaded) or "none")

before = os._exit
os._exit = lambda code: (tell(), before(code))
host.main()
"""

_NOISY = """
import os, sys
import evaltui.host as host

build = host.build
def noisy(*args, **named):
    print("printed by a library")
    sys.stderr.write("written to stderr\\n")
    os.system("echo from a child process")
    os.write(1, b"raw bytes on descriptor 1\\n")
    return build(*args, **named)
host.build = noisy
host.main()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = new_store(tmp_path / "store.db")
    store = RawStore(path)
    experiment = store.experiment(EXPERIMENT)
    for number in range(120):
        store.run(experiment, number, metrics={"m": number / 7}, tags={"mode": "mcp"})
    store.close()
    return path


def test_reading_a_store_imports_neither_mlflow_nor_a_screen(
    tmp_path: Path, database: Path
) -> None:
    loaded = tmp_path / "loaded.txt"
    with EngineProcess(
        tmp_path,
        {"tracking_uri": f"sqlite:///{database}", "watch": [str(tmp_path)]},
        command=(sys.executable, "-P", "-c", _REPORTS_MODULES),
        environ={"LOADED": str(loaded)},
    ) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete and len(engine.runs()) == 120)
        assert engine.ask(Verb.DETAIL, run_id=engine.runs()[0].run_id).error == ""
        assert engine.ask(Verb.REFRESH).error == ""
        engine.send(Verb.STOP)
        assert engine.end() == 0
    assert not set(loaded.read_text().split()).intersection(HEAVY)


def test_an_engine_that_watches_and_compares_nothing_imports_nothing_for_that(
    tmp_path: Path, database: Path
) -> None:
    loaded = tmp_path / "loaded.txt"
    with EngineProcess(
        tmp_path,
        {"tracking_uri": f"sqlite:///{database}"},
        command=(sys.executable, "-P", "-c", _REPORTS_MODULES),
        environ={"LOADED": str(loaded)},
    ) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete and engine.watch is not None)
        assert engine.ask(Verb.REFRESH).error == ""
        engine.send(Verb.STOP)
        assert engine.end() == 0
    assert loaded.read_text() == "none"


def test_the_list_comes_in_pages_the_first_at_once(tmp_path: Path, database: Path) -> None:
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{database}"}) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        assert engine.counts[0] == 50
        assert engine.counts[-1] == 120
        assert engine.store is not None
        assert engine.store.state is StoreState.LIVE
        assert engine.store.why == "tracking_uri"


def test_the_end_of_the_requests_ends_the_engine(tmp_path: Path, database: Path) -> None:
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{database}"}) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        engine.hang_up()
        assert engine.end() == 0
        assert engine.problem == ""


def test_an_engine_that_was_never_started_ends_with_its_requests(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        assert "not started" in engine.ask(Verb.REFRESH).error
        engine.hang_up()
        assert engine.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_engine_in_order(
    tmp_path: Path, database: Path, number: signal.Signals
) -> None:
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{database}"}) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        engine.process.send_signal(number)
        assert engine.end() == 0
        assert engine.problem == ""


def test_requests_that_are_no_frames_end_the_engine(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        engine.start()
        engine.until(lambda: engine.replies)
        engine.send_bytes(b"\xff" * 64)
        assert engine.end() == 0
        assert "broke off" in engine.log


def test_a_reader_that_is_gone_ends_the_engine_quietly(tmp_path: Path) -> None:
    errors = tmp_path / "stderr.txt"
    settings = {"state_dir": str(tmp_path / "state"), "data_dir": str(tmp_path / "data")}
    with errors.open("wb") as file:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, cwd="/",
            env=quiet_environ(), bufsize=0,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(encode(Request(1, Verb.START, {"settings": settings, "cwd": "/"})))
    assert process.stdout.read(1)
    process.stdout.close()
    process.stdin.write(encode(Request(2, Verb.REFRESH)))
    assert process.wait(180) == 0
    process.stdin.close()
    log = (tmp_path / "state" / "evaltui.log").read_text()
    assert "Traceback" not in log + errors.read_text()


def test_what_libraries_print_goes_to_the_log_and_never_into_the_frames(
    tmp_path: Path, database: Path
) -> None:
    with EngineProcess(
        tmp_path,
        {"tracking_uri": f"sqlite:///{database}"},
        command=(sys.executable, "-P", "-c", _NOISY),
    ) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        engine.send(Verb.STOP)
        assert engine.end() == 0
        assert engine.problem == ""
        for text in ("printed by a library", "written to stderr", "from a child", "raw bytes"):
            assert text in engine.log


def test_a_target_that_makes_no_sense_is_shown_and_the_engine_stays(tmp_path: Path) -> None:
    with EngineProcess(tmp_path, {"tracking_uri": "databricks-uc"}) as engine:
        number = engine.start()
        engine.until(lambda: number in engine.replies)
        assert engine.replies[number].error
        assert engine.store is not None
        assert engine.store.state is StoreState.REFUSED
        assert engine.store.error
        assert engine.notices[0].level == "error"
        assert engine.ask(Verb.REFRESH).error
        assert engine.process.poll() is None
        engine.send(Verb.STOP)
        assert engine.end() == 0


def test_a_start_request_with_a_hole_in_it_is_refused(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        assert "unusable" in engine.ask(Verb.START, nonsense=1).error
        assert (
            "unknown setting"
            in engine.ask(Verb.START, settings={**engine.settings, "colour": "red"}, cwd="/").error
        )


def test_a_second_start_is_refused(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        number = engine.start()
        engine.until(lambda: number in engine.replies)
        assert "already" in engine.ask(Verb.START, settings=engine.settings, cwd="/").error


def test_a_relative_database_is_that_of_the_person_s_directory(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    store = RawStore(new_store(work / "mlflow.db"))
    store.run(store.experiment("mine"), 1, name="here")
    store.close()
    settings = {"tracking_uri": "sqlite:///mlflow.db", "experiment": "mine"}
    with EngineProcess(tmp_path, settings) as engine:
        engine.start(cwd=work)
        engine.until(lambda: [run.name for run in engine.runs()] == ["here"])


def test_the_log_is_private_and_the_journal_too(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        state = tmp_path / "state"
        assert state.stat().st_mode & 0o077 == 0
        files = [path for path in state.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"evaltui.log", "journal.db"}
        assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_looking_at_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    missing = tmp_path / "such.db"
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{missing}"}) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete)
        engine.send(Verb.STOP)
        assert engine.end() == 0
    assert not missing.exists()
