"""The doctor: each finding on this machine, JSON and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from evaltui.cli import doctor, surroundings
from evaltui.cli.main import main
from evaltui.cli.surroundings import CHECKS, check_surroundings
from evaltui.domain.check import Check, CheckState
from evaltui.errors import JournalError
from evaltui.settings import Settings

TERMINAL = {"TERM": "xterm-256color"}
FAILED = CheckState.FAIL


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Settings(state_dir=tmp_path / "s", data_dir=tmp_path / "d")


def found(settings: Settings, name: str, **more: object) -> Check:
    checks = check_surroundings(settings, TERMINAL, **more)  # type: ignore[arg-type]  # one keyword
    (check,) = [check for check in checks if check.name == name]
    return check


def test_a_sound_machine_has_no_failure(settings: Settings) -> None:
    checks = check_surroundings(settings, TERMINAL)
    assert [check for check in checks if check.state is FAILED] == []
    assert len({check.name for check in checks}) == len(checks)
    assert {check.name for check in checks} <= set(CHECKS)
    assert all(check.remedy for check in checks if check.state is not CheckState.OK)


def test_a_directory_in_the_way_of_a_file_fails_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = found(Settings(state_dir=tmp_path / "file" / "x"), "state-directory")
    assert check.state is FAILED
    assert "EVALTUI_STATE_DIR" in check.remedy


def test_a_directory_that_others_can_write_is_a_warning(settings: Settings) -> None:
    assert settings.data_dir is not None
    settings.data_dir.mkdir()
    settings.data_dir.chmod(0o777)
    check = found(settings, "data-directory")
    assert (check.state, check.remedy) == (CheckState.WARN, f"chmod 700 {settings.data_dir}")


def test_a_directory_on_a_network_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "network_type", lambda _: "nfs4")
    check = found(settings, "state-directory")
    assert (check.state, "(nfs4)" in check.detail) == (CheckState.WARN, True)
    assert "EVALTUI_STATE_DIR" in check.remedy


def test_an_unused_env_file_is_pointed_to_without_its_values(settings: Settings) -> None:
    Path(".env").write_text("export DATABRICKS_TOKEN=hunter22\nMLFLOW_TRACKING_URI=x\nOTHER=1\n")
    check = found(settings, "env-file")
    assert check.state is CheckState.WARN
    assert "DATABRICKS_TOKEN, MLFLOW_TRACKING_URI" in check.detail
    assert "hunter22" not in check.detail + check.remedy
    assert "--env-file" in check.remedy


def test_a_fifo_named_env_blocks_nobody(settings: Settings) -> None:
    os.mkfifo(".env")
    assert found(settings, "env-file").state is CheckState.OK


def test_the_journal_is_opened_by_whoever_knows_it(settings: Settings) -> None:
    assert found(settings, "journal", journal=lambda _: "3 files").detail == "3 files"

    def broken(_: Path) -> str:
        raise JournalError("journal is damaged", hint="move it away")

    check = found(settings, "journal", journal=broken)
    assert (check.state, check.remedy) == (FAILED, "move it away")


def test_the_mirror_is_told_with_its_place_size_and_age(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "none yet" in found(settings, "mirror").detail
    folder = tmp_path / "cache" / "evaltui" / "mirrors"
    folder.mkdir(parents=True)
    (folder / "x.mirror").write_bytes(bytes(2_500_000))
    os.utime(folder / "x.mirror", (1_795_530_120, 1_795_530_120))
    check = found(settings, "mirror")
    assert check.state is CheckState.OK
    assert check.detail.startswith(f"1 in {folder}, 2.5 MB, the last of 2026-11-24")
    assert "switched off" in found(replace(settings, mirror=False), "mirror").detail
    monkeypatch.setattr(surroundings.os, "access", lambda *_: False)  # root may write anywhere
    assert found(settings, "mirror").state is CheckState.WARN


def test_a_dumb_terminal_is_a_warning(settings: Settings) -> None:
    checks = check_surroundings(settings, {"TERM": "dumb"})
    assert {c.name: c.state for c in checks}["terminal"] is CheckState.WARN


@pytest.mark.parametrize(("answer", "state"), [("on", CheckState.OK), ("off", CheckState.WARN)])
def test_tmux_is_asked_whether_copies_pass(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: str, state: CheckState
) -> None:
    def tmux(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=answer + "\n")

    monkeypatch.setattr(subprocess, "run", tmux)
    checks = check_surroundings(settings, {**TERMINAL, "TMUX": "/run/tmux"})
    assert {c.name: c.state for c in checks}["clipboard"] is state


@pytest.mark.parametrize(
    ("name", "state", "code"),
    [
        ("credentials", CheckState.FAIL, 4),
        ("target", CheckState.FAIL, 2),
        ("experiment", CheckState.WARN, 0),
    ],
)
def test_the_exit_code_tells_the_store_from_the_rest(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    state: CheckState,
    code: int,
) -> None:
    check = Check(name, state, "at http://u:hunter22@h\x1b[31m", "do it")
    monkeypatch.setattr(doctor, "check_store", lambda *_, **__: (check,))
    assert main(["doctor", "--format", "json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "evaltui.doctor/1"
    assert document["checks"][0]["state"] == state.value
    assert main(["doctor"]) == code
    out = capsys.readouterr().out
    assert "hunter22" not in out
    assert "\x1b" not in out
