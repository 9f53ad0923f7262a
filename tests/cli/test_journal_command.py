"""`evaltui journal`, in this process, over a real embedded store."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from second_look import closed_port, counting_runs, only_run, own_report
from stores import new_store

from evaltui.cli.main import main
from evaltui.domain.events import BY_HAND

pytestmark = pytest.mark.xdist_group("log")

BROKEN = b'{"schema": "evaltui.report/1", "metrics": "three"}'


@dataclass
class Place:
    """Reports, their journal, and the store they go to."""

    folder: Path
    database: Path
    capture: pytest.CaptureFixture[str]
    err: str = ""

    def write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def run(self, *arguments: str | Path) -> tuple[int, str]:
        code = main(list(map(str, arguments)))
        out, self.err = self.capture.readouterr()
        return code, out

    def log(self, *names: str) -> None:
        self.run("log", *names)

    def watch(self, *arguments: str) -> None:
        self.run("watch", "--once", *arguments, "--events", "off")

    def json(self, *arguments: str | Path) -> tuple[int, Any]:
        code, out = self.run("journal", *arguments, "--format", "json")
        return code, json.loads(out)

    def lines(self, *arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
        code, out = self.run("journal", *arguments, "--format", "json")
        return code, [json.loads(line) for line in out.splitlines()]

    def sql(self, text: str, *values: object) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as db:
            db.execute(text, values)

    def states(self) -> dict[str, str]:
        _, document = self.json("list")
        return {Path(file["path"]).name: file["state"] for file in document["files"]}


@pytest.fixture
def place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Place:
    (tmp_path / "data").mkdir()
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("EVAL_MODE", raising=False)
    return Place(folder, new_store(tmp_path / "data" / "mlflow.db"), capsys)


# -- looking -------------------------------------------------------------------------------------


def test_files_are_listed_with_state_reason_and_run_the_last_change_first(place: Place) -> None:
    place.write("a.json", own_report())
    place.write("bad.json", BROKEN)
    place.log("a.json")
    place.log("bad.json")
    code, document = place.json("list")
    assert (code, document["schema"]) == (0, "evaltui.journal/1")
    bad, good = document["files"]
    assert (Path(bad["path"]).name, bad["state"], bad["run_ids"]) == ("bad.json", "quarantined", [])
    assert "expected a list" in bad["reason"]
    assert good["run_ids"] == [only_run(place.database).run_id]
    code, out = place.run("journal", "list")
    assert code == 0
    assert out.index("bad.json") < out.index("a.json")


def test_the_list_is_filtered_by_state_directory_and_number(place: Place) -> None:
    place.write("x/a.json", own_report(0.1))
    place.write("y/b.json", own_report(0.2))
    place.write("y/bad.json", BROKEN)
    place.log("x/a.json", "y/b.json", "y/bad.json")

    def names(*arguments: str) -> list[str]:
        _, document = place.json("list", *arguments)
        return sorted(Path(file["path"]).name for file in document["files"])

    assert names() == ["a.json", "b.json", "bad.json"]
    assert names("--state", "logged") == ["a.json", "b.json"]
    assert names("--state", "finished", "--state", "quarantined") == names()
    assert names("y") == ["b.json", "bad.json"]
    assert names("y/b.json") == ["b.json"]
    assert len(names("--limit", "2")) == 2


def test_files_that_are_never_shown_are_listed_on_request(place: Place) -> None:
    place.write("other.json", b'{"nothing": 1}')
    place.watch(".")
    assert place.states() == {}
    _, document = place.json("list", "--all")
    assert [(file["state"], file["listed"]) for file in document["files"]] == [("ignored", False)]


def test_everything_about_one_file_is_shown(place: Place) -> None:
    path = place.write("a.json", own_report(0.5, params={"seed": "7"}))
    place.log("a.json")
    code, document = place.json("show", "a.json")
    assert code == 0
    assert (document["path"], document["state"]) == (str(path), "finished")
    (entry,) = document["entries"]
    assert entry["run_id"] == only_run(place.database).run_id
    assert entry["metrics"]["accuracy"] == 0.5
    assert entry["params"]["seed"] == "7"
    assert entry["finished_at"].endswith("Z")
    code, out = place.run("journal", "show", "a.json")
    assert "finished" in out
    assert entry["run_id"] in out


def test_the_export_is_json_lines_of_every_file_and_entry(place: Place) -> None:
    place.write("a.json", own_report())
    place.write("bad.json", BROKEN)
    place.log("a.json", "bad.json")
    code, out = place.run("journal", "export")
    documents = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    schemas = sorted(document["schema"] for document in documents)
    assert schemas == ["evaltui.journal-entry/1"] + ["evaltui.journal-file/1"] * 2
    assert out.isascii()


def test_looking_makes_no_journal_and_names_those_of_other_stores(
    place: Place, tmp_path: Path
) -> None:
    code, document = place.json("list")
    assert (code, document["files"], document["journal"]) == (0, [], None)
    assert "no journal yet" in place.err
    assert not list((tmp_path / "state").glob("journals/*"))
    place.write("a.json", own_report())
    place.log("a.json")
    code, _ = place.run("journal", "list", "--experiment", "another")
    assert code == 0
    assert "there is one for" in place.err
    assert "klaudbiusz-evaluations" in place.err


def test_hostile_names_and_reasons_reach_no_terminal(place: Place) -> None:
    place.write("a\x1b]0;x\x07.json", own_report(name="\x1b[2J\u202e"))
    place.write("evaluation_report.json", b'{"apps": "\\u001b[2J"}')
    place.watch(".")
    assert len(place.states()) == 2
    for action in (["list"], ["export"], ["show", "a\x1b]0;x\x07.json"], ["verify"]):
        _, out = place.run("journal", *action)
        assert "\x1b" not in out + place.err
        assert "\u202e" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["ignore"],
        ["retry"],
        ["verify", "a.json"],
        ["show", "a.json", "b.json"],
        ["list", "--limit", "0"],
        ["show", "unknown.json"],
        ["retry", "unknown.json"],
        ["burn", "a.json"],
    ],
)
def test_what_makes_no_sense_is_exit_2(place: Place, arguments: list[str]) -> None:
    code, out = place.run("journal", *arguments)
    assert (code, out) == (2, "")
    assert "evaltui: " in place.err
    assert "hint: " in place.err or "takes one file" in place.err


# -- ignore and retry ----------------------------------------------------------------------------


def test_a_broken_file_is_given_up_and_taken_back(place: Place) -> None:
    path = place.write("bad.json", BROKEN)
    place.watch("mcp=.")
    assert place.states() == {"bad.json": "quarantined"}
    code, (line,) = place.lines("ignore", "bad.json")
    assert (code, line["state"], line["reason"]) == (0, "ignored", BY_HAND)
    path.write_bytes(own_report())
    place.watch("mcp=.")
    assert place.states() == {"bad.json": "ignored"}
    assert counting_runs(place.database) == []
    code, (line,) = place.lines("retry", "bad.json")
    assert (code, line["state"]) == (0, "logged")
    assert only_run(place.database).run_id == line["run_ids"][0]


def test_a_file_can_be_given_up_before_it_was_ever_seen(place: Place) -> None:
    place.write("a.json", own_report(0.1))
    place.write("b.json", own_report(0.2))
    assert place.lines("ignore", "a.json")[0] == 0
    place.watch(".")
    assert place.states() == {"a.json": "ignored", "b.json": "finished"}
    code, out = place.run("journal", "ignore", "none.json")
    assert (code, out) == (3, "")
    assert "no such file" in place.err


def test_what_is_in_the_store_is_not_given_up(place: Place) -> None:
    place.write("a.json", own_report())
    place.log("a.json")
    code, out = place.run("journal", "ignore", "a.json")
    assert (code, out) == (3, "")
    assert only_run(place.database).run_id in place.err


def test_a_retry_keeps_the_mode_of_the_watched_directory(place: Place) -> None:
    path = place.write("out/r.json", b'{"schema": "evaltui.report/1", "metrics": 3}')
    place.watch("mcp=out")
    assert place.states() == {"r.json": "quarantined"}
    path.write_bytes(own_report())
    code, (line,) = place.lines("retry", "out/r.json")
    assert (code, line["state"]) == (0, "logged")
    assert only_run(place.database).tags["mode"] == "mcp"


def test_a_repaired_report_is_logged_by_a_retry_of_everything(place: Place) -> None:
    good, bad = place.write("a.json", BROKEN), place.write("b.json", BROKEN)
    place.log("a.json", "b.json")
    good.write_bytes(own_report())
    code, lines = place.lines("retry", "--all")
    assert code == 3
    states = {line["path"]: line["state"] for line in lines}
    assert states == {str(good): "logged", str(bad): "quarantined"}
    bad.unlink()
    code, (line,) = place.lines("retry", "--all")
    assert (code, line["state"]) == (3, "quarantined")
    assert "the file is gone" in line["reason"]
    place.lines("ignore", "b.json")
    assert place.run("journal", "retry", "--all") == (0, "")
    assert "nothing waits" in place.err


def test_what_waits_for_the_store_is_logged_by_a_retry(place: Place) -> None:
    path = place.write("a.json", own_report())
    place.log("a.json", "--read-only")
    assert place.json("list", "--state", "pending")[1]["files"] != []
    path.unlink()  # what was read of it is kept
    code, (line,) = place.lines("retry", "a.json")
    assert (code, line["state"]) == (0, "logged")
    assert only_run(place.database).artifacts["a.json"] == own_report()


def test_a_retry_without_the_store_is_exit_4(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port()}")
    place.write("a.json", own_report())
    place.log("a.json")
    code, (line,) = place.lines("retry", "a.json")
    assert (code, line["state"]) == (4, "pending")
    assert place.run("journal", "verify")[0] == 4
    code, (line,) = place.lines("ignore", "a.json")
    assert (code, line["state"]) == (0, "ignored")
    assert place.run("journal", "list")[0] == 0


def test_a_retry_of_what_is_well_says_so(place: Place) -> None:
    place.write("a.json", own_report())
    place.log("a.json")
    code, (line,) = place.lines("retry", "a.json")
    assert (code, line["state"]) == (0, "logged")
    assert line["run_ids"] == [only_run(place.database).run_id]


# -- verify --------------------------------------------------------------------------------------


def test_a_sound_journal_and_store_do_not_differ(place: Place) -> None:
    place.write("a.json", own_report(0.1, id="e"))
    place.write("b.json", own_report(0.2))
    place.log("a.json", "b.json")
    place.write("a.json", own_report(0.3, id="e"))
    place.log("a.json")
    code, document = place.json("verify")
    assert (code, document["differences"]) == (0, [])
    assert (document["finished"], document["runs"], document["waiting"]) == (2, 3, 0)
    assert "no difference" in place.err


def test_a_deleted_run_is_told_and_logged_again_by_what_it_says(place: Place) -> None:
    path = place.write("a.json", own_report())
    place.log("a.json")
    run_id = only_run(place.database).run_id
    place.sql("UPDATE runs SET lifecycle_stage='deleted'")
    code, document = place.json("verify")
    assert code == 3
    (difference,) = document["differences"]
    assert (difference["kind"], difference["run_id"]) == ("deleted", run_id)
    assert difference["path"] == str(path)
    assert difference["remedy"].startswith("evaltui journal retry")
    code, (line,) = place.lines("retry", "a.json")
    assert (code, line["state"]) == (0, "logged")
    assert only_run(place.database).run_id != run_id
    assert place.run("journal", "verify")[0] == 0


def test_a_lost_value_is_told_and_written_again_by_what_it_says(place: Place) -> None:
    place.write("a.json", own_report())
    place.log("a.json")
    run_id = only_run(place.database).run_id
    for table in ("metrics", "latest_metrics"):
        place.sql(f"DELETE FROM {table} WHERE key='accuracy'")
    code, document = place.json("verify")
    assert (code, [item["kind"] for item in document["differences"]]) == (3, ["lacking"])
    code, (line,) = place.lines("retry", "a.json")
    assert (code, line["run_ids"]) == (0, [run_id])
    assert only_run(place.database).metrics["accuracy"] == 0.5
    assert place.run("journal", "verify")[0] == 0


def test_a_changed_value_is_left_to_a_person(place: Place) -> None:
    place.write("a.json", own_report(params={"seed": "7"}))
    place.log("a.json")
    place.sql("UPDATE params SET value='8' WHERE key='seed'")
    code, out = place.run("journal", "verify")
    assert code == 3
    assert "param seed is '8', not '7'" in out
    code, _ = place.lines("retry", "a.json")
    assert code == 3
    assert "delete the run in MLflow" in place.err


def test_the_journal_command_is_light(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from evaltui.cli.main import main\n"
        "main(['journal', 'list', '--state-dir', sys.argv[1]])\n"
        "heavy = {'mlflow', 'textual', 'databricks'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "state")], check=False, cwd=tmp_path
    )
    assert done.returncode == 0
