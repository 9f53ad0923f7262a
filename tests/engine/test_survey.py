from __future__ import annotations

import os
from pathlib import Path

from engine_fakes import Clock

from evaltui.engine.survey import survey

REPORT = '{"schema": "evaltui.report/1", "metrics": [{"name": "acc", "value": 1}]}'


def write(path: Path, text: str = REPORT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_reports_are_counted_by_content_at_any_depth(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    write(tmp_path / "deep/er/b.json")
    write(tmp_path / "package.json", '{"name": "x"}')
    write(tmp_path / "empty.json", "")
    found = survey(tmp_path)
    assert (found.path, found.reports, found.more) == (str(tmp_path), 2, False)


def test_what_is_never_watched_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path / "node_modules/a.json")
    write(tmp_path / ".git/b.json")
    write(tmp_path / ".hidden.json")
    write(tmp_path / "c.json.part")
    write(tmp_path / "real/d.json")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.json").symlink_to(tmp_path / "real/d.json")
    os.mkfifo(tmp_path / "pipe.json")
    assert survey(tmp_path).reports == 1


def test_the_look_is_bounded_and_says_so(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / f"{number:02}.json")
    found = survey(tmp_path, max_entries=5)
    assert (found.reports, found.more) == (5, True)


def test_the_look_ends_when_the_time_is_up(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    clock = Clock()

    def hurry() -> float:
        clock.now += 1.5
        return clock()

    found = survey(tmp_path, monotonic=hurry)
    assert (found.reports, found.more) == (1, False)
    write(tmp_path / "b.json")
    assert survey(tmp_path, monotonic=hurry).more


def test_a_directory_that_is_not_there_has_no_reports(tmp_path: Path) -> None:
    assert survey(tmp_path / "nowhere").reports == 0


def test_an_env_file_counts_only_when_it_names_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    write(folder / ".env", "OPENAI_API_KEY=x\n")
    assert survey(folder).env_file == ""
    write(tmp_path / ".env", "A=1\nexport DATABRICKS_HOST=https://x\n")
    assert survey(folder).env_file == str(tmp_path / ".env")
    write(folder / ".env", "MLFLOW_TRACKING_URI=http://x\n")
    assert survey(folder).env_file == str(folder / ".env")


def test_an_env_file_that_would_block_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert survey(tmp_path).env_file == ""
