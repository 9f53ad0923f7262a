"""The log: private, rotating, without secrets, never on the terminal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui import log
from evaltui.log import redact, start_log
from evaltui.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    root = logging.getLogger()
    before, level, hook = list(root.handlers), root.level, threading.excepthook
    raising = logging.raiseExceptions
    yield Settings(state_dir=tmp_path / "state")
    for handler in list(root.handlers):
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    for handler in before:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    threading.excepthook = hook
    logging.raiseExceptions = raising
    logging.captureWarnings(capture=False)


@pytest.mark.parametrize(
    "text",
    [
        "http://user:hunter22@host/x",
        "Authorization: Bearer hunter22hunter22",
        "DATABRICKS_TOKEN=hunter22",
        '{"password": "hunter22"}',
        "client_secret: hunter22",
        "https://h/?api_key=hunter22&x=1",
    ],
)
def test_secrets_are_masked_wherever_they_stand(text: str) -> None:
    assert "hunter22" not in redact(text, {})
    assert "***" in redact(text, {})


def test_known_secret_values_and_databricks_tokens_are_masked() -> None:
    environ = {"MLFLOW_TRACKING_PASSWORD": "correct-horse"}
    assert redact("said correct-horse", environ) == "said ***"
    assert "dapi0123456789abcdef" not in redact("x dapi0123456789abcdef y", {})


def test_ordinary_text_stays_as_it_is() -> None:
    text = "total_output_tokens 12 at http://host:5000/x, email a@b.c"
    assert redact(text, {}) == text


def test_the_log_file_is_private_and_holds_tracebacks_without_secrets(settings: Settings) -> None:
    path = start_log(settings)
    try:
        int("http://me:hunter22@host")
    except ValueError:
        logging.getLogger("evaltui.x").exception("failed")
    text = path.read_text()
    assert "ValueError" in text
    assert "hunter22" not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_handlers_of_libraries_are_removed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    library = logging.getLogger("some_library")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    path = start_log(settings)
    library.warning("from the library")
    assert capsys.readouterr() == ("", "")
    assert "from the library" in path.read_text()


def test_a_dying_thread_is_logged(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    path = start_log(settings)

    def die() -> None:
        raise RuntimeError("thread gone")

    thread = threading.Thread(target=die, name="poller")
    thread.start()
    thread.join()
    assert "thread poller died" in path.read_text()
    assert capsys.readouterr().err == ""


def test_the_log_rotates_and_follows_a_file_that_another_process_rotated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 2_000)
    path = start_log(settings)
    logger = logging.getLogger("evaltui")
    for number in range(60):
        logger.info("line %d %s", number, "x" * 60)
    assert path.with_suffix(".log.1").exists()
    assert path.stat().st_size <= 2_000
    path.rename(path.with_suffix(".moved"))
    logger.info("after the move")
    assert "after the move" in path.read_text()


def test_a_log_that_cannot_be_opened_silences_logging_only(settings: Settings) -> None:
    assert settings.state_dir is not None
    (settings.state_dir / "evaltui.log").mkdir(parents=True)
    start_log(settings)
    logging.getLogger("evaltui").error("nobody hears this")
