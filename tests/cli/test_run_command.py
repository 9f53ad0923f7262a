"""`evaltui run`: the command's output, signals and status pass through; then its reports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pty_session import PtySession
from report_documents import bulk, bulk_item, k1, k1_app, to_bytes
from report_place import Place, own_place
from second_look import all_runs, closed_port, counting_runs, only_run, own_report
from waiting import wait_for

from evaltui.cli.main import main

pytestmark = pytest.mark.xdist_group("log")

EVALTUI = [sys.executable, "-P", "-m", "evaltui"]
TRAP = """
import os, signal, sys, time
def told(number, frame):
    os.write(1, b"got %d\\n" % number)  # it may come in the middle of a print
    sys.exit(40 + number)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
    signal.signal(number, told)
print("ready", flush=True)
time.sleep(60)
"""


@dataclass
class CommandPlace(Place):
    """Where the command runs, and the store."""

    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> int:
        """Run `evaltui run` in this process; keep what it said on stderr."""
        code = main(["run", *arguments])
        self.out, self.err = self.capture.readouterr()
        return code


@pytest.fixture
def place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandPlace:
    found = own_place(tmp_path, monkeypatch)
    return CommandPlace(found.folder, found.database, capsys)


def python(code: str, *arguments: str) -> list[str]:
    return ["--", sys.executable, "-c", code, *arguments]


def writes(path: str, data: bytes) -> list[str]:
    """Return a command that writes a file."""
    code = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); p.parent.mkdir(exist_ok=True);"
    return python(code + " p.write_bytes(bytes.fromhex(sys.argv[2]))", path, data.hex())


# -- what passes through -------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 3, 4, 70, 255])
def test_the_status_is_the_commands(place: CommandPlace, code: int) -> None:
    assert place.run("--", "sh", "-c", f"exit {code}") == code
    assert "no new report" in place.err


def test_a_command_that_a_signal_ended_is_128_and_its_number(place: CommandPlace) -> None:
    assert place.run("--", "sh", "-c", "kill -TERM $$") == 128 + signal.SIGTERM
    assert place.run("--", "sh", "-c", "kill -KILL $$") == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_or_cannot_be_started(place: CommandPlace) -> None:
    assert place.run("--", "no-such-command-anywhere") == 127
    assert "command not found" in place.err
    plain = place.write("plain", b"no program")
    plain.chmod(0o644)
    assert place.run("--", str(plain)) == 126


def test_without_a_command_it_is_wrong_usage(place: CommandPlace) -> None:
    assert place.run() == 2
    assert place.run("--") == 2
    assert "no command is given" in place.err


def test_options_after_the_command_are_its_own(place: CommandPlace) -> None:
    assert place.run("sh", "-c", 'test "$1" = --mode', "sh", "--mode") == 0


def test_output_is_untouched_and_narration_goes_to_stderr(place: CommandPlace) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\x00\\xff out'); sys.stderr.write('err')"
    done = subprocess.run([*EVALTUI, "run", *python(code)], capture_output=True, check=True)
    assert done.stdout == b"\x00\xff out"
    assert done.stderr.startswith(b"err")


def test_standard_input_is_the_commands(place: CommandPlace) -> None:
    code = "import sys; print(sys.stdin.read()[::-1], end='')"
    done = subprocess.run(
        [*EVALTUI, "run", *python(code)], input=b"abc", capture_output=True, check=True
    )
    assert done.stdout == b"cba"


@pytest.mark.parametrize(
    ("given", "variable", "expected"),
    [("mcp", None, "mcp"), ("mcp", "other", "mcp"), (None, "other", "other"), (None, None, "")],
)
def test_the_mode_reaches_the_command_as_eval_mode(
    place: CommandPlace,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    variable: str | None,
    expected: str,
) -> None:
    if variable:
        monkeypatch.setenv("EVAL_MODE", variable)
    flags = ["--mode", given] if given else []
    assert place.run(*flags, "--", "sh", "-c", f'test "$EVAL_MODE" = "{expected}"') == 0


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT]
)
def test_signals_are_passed_on_and_the_commands_answer_counts(
    place: CommandPlace, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*EVALTUI, "run", *python(TRAP)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # no terminal: nobody else tells the command
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=180)
    assert out == f"got {number}\n".encode()
    assert process.returncode == 40 + number


def test_ctrl_c_in_a_terminal_reaches_the_command_once(place: CommandPlace) -> None:
    code = TRAP.replace("sys.exit(40 + number)", "caught.append(number)")
    # a second signal, if there were one, would come within the second after the first
    waits = "while not caught: time.sleep(0.01)\ntime.sleep(1)\nprint('end', flush=True)"
    code = "caught = []" + code.replace("time.sleep(60)", waits)
    with PtySession([*EVALTUI, "run", *python(code)], cwd=place.folder) as session:
        session.until_text("ready")
        session.send("\x03")
        status = session.wait()
        assert session.text.count("got 2") == 1
        assert "end" in session.text
    assert status == 0


def test_what_the_shell_ignores_stays_ignored(place: CommandPlace) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    done = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *EVALTUI, "run", *python(code)],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"True\n"


# -- its reports ---------------------------------------------------------------------------------


def test_only_what_the_command_wrote_or_changed_is_logged(place: CommandPlace) -> None:
    place.write("old/evaluation_report.json", own_report(0.1))
    changed = place.write("changed.json", own_report(0.2, id="c"))
    assert place.run(*writes("changed.json", own_report(0.3, id="c"))) == 0
    run = only_run(place.database)
    assert run.metrics["accuracy"] == 0.3
    assert str(changed) in place.err
    assert place.run("--mode", "mcp", *writes("new/deep.json", own_report(0.4))) == 0
    values = {run.metrics["accuracy"]: run for run in counting_runs(place.database)}
    assert set(values) == {0.3, 0.4}
    assert values[0.4].tags["mode"] == "mcp"
    assert place.out == ""


def test_a_failed_command_keeps_its_status_and_its_report_is_logged(place: CommandPlace) -> None:
    command = writes("r.json", own_report())
    command[-3] += "; sys.exit(9)"
    assert place.run(*command) == 9
    assert only_run(place.database).status == "FINISHED"


def test_a_bulk_file_elsewhere_below_joins_its_evaluation(place: CommandPlace) -> None:
    report = to_bytes(k1([k1_app("a", "b")]))
    generation = to_bytes(bulk("b7", [bulk_item("b7", "a", 1.5)]))
    code = (
        "import pathlib, sys\n"
        "for name, text in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    path = pathlib.Path(name); path.parent.mkdir(); path.write_text(text)"
    )
    bulk_name = "gen/bulk_run_results_20251103_080000.json"
    assert (
        place.run(
            *python(
                code,
                bulk_name,
                generation.decode(),
                "out/evaluation_report.json",
                report.decode(),
            )
        )
        == 0
    )
    assert len(all_runs(place.database)) == 1
    assert only_run(place.database).metrics["generation_cost_usd"] == 1.5


def test_the_directories_of_watch_are_looked_at_with_their_modes(
    place: CommandPlace, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = writes(str(elsewhere / "r.json"), own_report())
    assert place.run("--mode", "other", "--watch", f"vanilla={elsewhere}", *command) == 0
    assert only_run(place.database).tags["mode"] == "vanilla"


@pytest.mark.parametrize("code", [0, 5])
def test_a_broken_report_is_told_and_changes_no_status(place: CommandPlace, code: int) -> None:
    command = writes("evaluation_report.json", own_report()[:30])
    command[-3] += f"; sys.exit({code})"
    assert place.run(*command) == code
    assert "quarantined" in place.err
    assert all_runs(place.database) == []


@pytest.mark.parametrize("code", [0, 5])
def test_a_store_that_is_down_changes_no_status(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port()}")
    command = writes("r.json", own_report())
    command[-3] += f"; sys.exit({code})"
    assert place.run(*command) == code
    assert "pending" in place.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MLFLOW_TRACKING_URI", "nonsense://x y"), ("DATABRICKS_CONFIG_PROFILE", "no-such-profile")],
)
def test_a_target_that_makes_no_sense_changes_no_status(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert place.run(*writes("r.json", own_report())) == 0
    assert "not logged" in place.err or "pending" in place.err


def test_a_state_directory_that_cannot_be_made_is_no_reason_not_to_evaluate(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = place.write("file", b"")
    monkeypatch.setenv("EVALTUI_STATE_DIR", str(blocked / "state"))
    assert place.run(*writes("r.json", own_report())) == 0
    assert (place.folder / "r.json").exists()
    assert "warning" in place.err
    assert "not logged" in place.err


def test_nobody_on_stderr_changes_no_status(place: CommandPlace) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*EVALTUI, "run", "--", "sh", "-c", "exit 6"], stderr=writing, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 6


def test_an_interrupt_while_reports_are_logged_keeps_the_commands_status(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evaltui.cli import run as run_command

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "_log_in_time", interrupted)
    assert place.run("--", "sh", "-c", "exit 6") == 6
    assert "interrupted" in place.err


def test_a_store_that_hangs_does_not_keep_the_shell(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from evaltui.cli import run as run_command

    release = threading.Event()
    monkeypatch.setattr(run_command, "LOG_DEADLINE_S", 0.3)
    monkeypatch.setattr(run_command, "_log_new", lambda *_: release.wait(60))
    try:
        assert place.run("--", "sh", "-c", "exit 6") == 6
    finally:
        release.set()
    assert "does not answer" in place.err


def test_a_fault_of_ours_is_told_and_changes_no_status(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evaltui.cli import run as run_command

    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_command, "_log_new", bug)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    assert place.run("--", "sh", "-c", "exit 6") == 6
    assert "internal error" in place.err


def test_signals_that_come_before_the_command_is_there_reach_it(place: CommandPlace) -> None:
    from evaltui.cli.run import _Relay

    relay = _Relay()
    relay.catch(signal.SIGTERM, None)
    child = subprocess.Popen(["sleep", "60"])
    relay.attach(child)
    assert child.wait(50) == -signal.SIGTERM
    relay.catch(signal.SIGTERM, None)  # nobody is there any more: nothing happens
    wait_for(lambda: child.returncode is not None, "end")
