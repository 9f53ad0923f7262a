"""Every hostile file, logged by the program to a real store: what its run holds, what is said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hostile_corpus import HOSTILE, IGNORED, LOGGED, QUARANTINED, WAITING
from second_look import StoredRun, all_runs
from stores import new_store
from terminal_bytes import examine
from watch_process import evaltui

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("hostile-log")]

WORDS = {LOGGED: "logged", WAITING: "quarantined", QUARANTINED: "quarantined", IGNORED: "ignored"}
"""A file that is named is not waited for."""

CUT = "… [cut: {} characters]"


@dataclass
class Logged:
    """What became of all files."""

    code: int
    lines: dict[str, dict[str, Any]]
    runs: dict[str, StoredRun]
    table: bytes

    def run(self, name: str) -> StoredRun:
        (run_id,) = self.lines[name]["run_ids"]
        return self.runs[run_id]

    def originals(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run(name).artifacts["evaltui/originals.json"])
        return document


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data").mkdir()
    database = new_store(folder / "data" / "mlflow.db")
    paths: dict[str, Path] = {}
    for name, hostile in HOSTILE.items():
        paths[name] = folder / name / hostile.name
        paths[name].parent.mkdir()
        paths[name].write_bytes(hostile.data())
    done = evaltui(folder, "log", "--format", "json", *paths.values(), timeout=600)
    assert "Traceback" not in done.stderr
    found = {line["path"]: line for line in map(json.loads, done.stdout.splitlines())}
    again = evaltui(folder, "log", *paths.values(), timeout=600)
    journal = evaltui(folder, "journal", "list", "--all")
    return Logged(
        done.returncode,
        {name: found[str(path)] for name, path in paths.items()},
        {run.run_id: run for run in all_runs(database)},
        f"{again.stdout}\n{again.stderr}\n{journal.stdout}".replace("\n", "\r\n").encode(),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_each_ends_as_it_must_and_says_why(logged: Logged, name: str) -> None:
    hostile, line = HOSTILE[name], logged.lines[name]
    assert line["state"] == WORDS[hostile.ends], line
    if hostile.ends == LOGGED:
        assert len(line["run_ids"]) == 1
    else:
        assert line["run_ids"] == []
        assert hostile.reason in line["reason"]


@pytest.mark.parametrize("name", [name for name, it in HOSTILE.items() if it.ends == LOGGED])
def test_its_run_holds_what_it_may_and_the_rest_is_kept_whole(logged: Logged, name: str) -> None:
    hostile, run = HOSTILE[name], logged.run(name)
    assert run.status == "FINISHED"
    for wanted, held in (
        (hostile.metrics, run.metrics),
        (hostile.params, run.params),
        (hostile.tags, run.tags),
    ):
        for key, value in wanted.items():
            assert held.get(key) == value, key
    assert hostile.notes in run.tags.get("evaltui.notes", "")
    assert all(len(key) <= 250 for held in (run.metrics, run.params, run.tags) for key in held)
    assert all(len(value) <= 6_000 for value in run.params.values())
    assert len(run.name) <= 200
    assert examine(run.name.encode()).violations == []
    if hostile.cut:
        whole = logged.originals(name)
        assert set(hostile.cut) <= {*whole["renamed"], *whole["cut"]}
        count = sum(len(part) for kind in ("renamed", "cut") for part in whole[kind].values())
        assert run.tags["evaltui.renamed"] == str(count)
    assert hostile.data() in run.artifacts.values()  # as it was, whatever could not be sent


def test_all_metrics_and_params_of_a_large_report_are_there(logged: Logged) -> None:
    assert len(logged.run("1500-metrics").metrics) == 1_500
    assert len([key for key in logged.run("300-params").params if key.startswith("p")]) >= 300


def test_what_was_cut_ends_in_a_mark_and_is_kept(logged: Logged) -> None:
    run, whole = logged.run("values-of-ten-thousand"), logged.originals("values-of-ten-thousand")
    mark = CUT.format(10_000)
    assert run.params["long"].endswith(mark)
    assert run.tags["long"].endswith(mark)
    assert whole["cut"] == {"params": {"long": "p" * 10_000}, "tags": {"long": "t" * 10_000}}


def test_what_was_renamed_can_be_told(logged: Logged) -> None:
    renamed = logged.originals("names-that-mlflow-refuses")["renamed"]
    assert renamed["params"]["a_at_b"] == "a@b"
    assert len(renamed["params"]) == len(set(renamed["params"].values()))
    same = logged.originals("names-that-become-one")["renamed"]["metrics"]
    assert same == {"a__2": "a!", "a__3": "a?"}


def test_the_worst_decides_the_exit_code(logged: Logged) -> None:
    assert logged.code == 3


def test_no_file_gets_a_sequence_through_to_the_terminal(logged: Logged) -> None:
    assert len(logged.table) > 5_000
    assert examine(logged.table).violations == []
