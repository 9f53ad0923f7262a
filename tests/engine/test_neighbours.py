from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evaltui.engine import neighbours
from evaltui.engine.filebytes import read_file
from evaltui.engine.neighbours import Neighbourhood, gather, source_of

MB = 1_000_000


def bulk(app: str = "shop", cost: float = 1.0) -> bytes:
    item = {
        "app_name": app, "success": True, "app_dir": f"/x/{app}", "backend": "claude",
        "error": None, "log_file": None, "prompt": "p", "model": "m",
        "metrics": {"cost_usd": cost, "input_tokens": 1, "output_tokens": 2, "turns": 3},
    }  # fmt: skip
    return json.dumps([item]).encode()


def write(path: Path, data: bytes, *, mtime_s: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mtime_s is not None:
        os.utime(path, (mtime_s, mtime_s))
    return path


def apps(path: Path, root: Path | None) -> list[str]:
    found = gather(path, root, max_bytes=MB).generations
    return [case.case_id for report in found for case in report.cases]


def test_companions_beside_a_report_come_with_their_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "evaluation_report.json", b"{}")
    write(tmp_path / "EVALUATION_REPORT.md", b"# md")
    write(tmp_path / "evaluation_report.csv", b"a,b")
    write(tmp_path / "unrelated.md", b"no")
    write(tmp_path / "below" / "run_metadata.json", b"no")
    found = gather(path, tmp_path, max_bytes=MB)
    assert found.companions == {
        "EVALUATION_REPORT.md": b"# md", "evaluation_report.csv": b"a,b",
    }  # fmt: skip


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    path = write(root / "evaluation_report.json", b"{}")
    secret = write(outside / "secret.md", b"secret")
    (root / "EVALUATION_REPORT.md").symlink_to(secret)
    write(root / "evaluation_report.csv", b"x" * 200)
    (root / "run_metadata.json").mkdir()
    (root / "bulk_run_results_1.json").symlink_to(write(outside / "bulk.json", bulk()))
    write(root / "bulk_run_results_2.json", b"[{")
    write(root / "bulk_run_results_3.json", b'{"not": "one"}')
    (root / "bulk_run_results_4.json").mkdir()
    found = gather(path, root, max_bytes=100)
    assert found.companions == {}
    assert found.generations == ()


def test_bulk_files_anywhere_below_the_root_are_found_newest_first(tmp_path: Path) -> None:
    path = write(tmp_path / "app-eval" / "evaluation_report.json", b"{}")
    write(tmp_path / "bulk_run_results_1.json", bulk("old"), mtime_s=1_700_000_000)
    write(tmp_path / "x" / "y" / "local_bulk_results_2.json", bulk("new"), mtime_s=1_700_000_900)
    write(tmp_path / "node_modules" / "bulk_run_results_3.json", bulk("skipped"))
    write(tmp_path / ".hidden" / "bulk_run_results_4.json", bulk("hidden"))
    write(tmp_path / "results.json", bulk("other name"))
    assert apps(path, tmp_path) == ["new", "old"]


def test_without_a_root_only_the_folder_of_the_report_is_searched(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "evaluation_report.json", b"{}")
    write(tmp_path / "bulk_run_results_1.json", bulk("above"))
    write(tmp_path / "a" / "bulk_run_results_1.json", bulk("beside"))
    write(tmp_path / "a" / "b" / "bulk_run_results_1.json", bulk("below"))
    assert apps(path, None) == ["beside"]


def test_a_bulk_file_is_no_neighbour_of_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "bulk_run_results_1.json", bulk())
    assert apps(path, tmp_path) == []


def test_new_and_changed_bulk_files_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "evaluation_report.json", b"{}")
    (tmp_path / "sub").mkdir()
    assert apps(path, tmp_path) == []
    first = write(tmp_path / "sub" / "bulk_run_results_1.json", bulk("one"))
    assert apps(path, tmp_path) == ["one"]
    write(first, bulk("two", cost=22.5))
    assert apps(path, tmp_path) == ["two"]
    first.unlink()
    assert apps(path, tmp_path) == []


def test_a_backlog_in_one_folder_lists_that_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        write(tmp_path / f"evaluation_report_{number}.json", b"{}")
    write(tmp_path / "bulk_run_results_1.json", bulk())
    listed, read = [], []
    scandir, read_whole = os.scandir, neighbours.read_file
    monkeypatch.setattr(neighbours.os, "scandir", lambda path: listed.append(path) or scandir(path))
    monkeypatch.setattr(
        neighbours, "read_file",
        lambda path, **options: read.append(path) or read_whole(path, **options),
    )  # fmt: skip
    near = Neighbourhood()
    for number in range(30):
        found = near.gather(tmp_path / f"evaluation_report_{number}.json", tmp_path, max_bytes=MB)
        assert len(found.generations) == 1
    assert len(listed) == 1
    assert [path.name for path in read if "bulk" in path.name] == ["bulk_run_results_1.json"]


def test_only_the_newest_bulk_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "MAX_GENERATIONS", 2)
    path = write(tmp_path / "evaluation_report.json", b"{}")
    for number in range(5):
        write(
            tmp_path / f"bulk_run_results_{number}.json",
            bulk(f"app{number}", number),
            mtime_s=1_700_000_000 + number,
        )
    assert apps(path, tmp_path) == ["app4", "app3"]


def test_a_root_that_is_gone_has_no_bulk_files(tmp_path: Path) -> None:
    assert apps(tmp_path / "gone" / "a.json", tmp_path / "gone") == []


def test_a_source_tells_path_size_and_time_of_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", b"abc", mtime_s=1_700_000_000)
    source = source_of(read_file(path, max_bytes=MB))
    assert (source.path, source.size_bytes) == (path, 3)
    assert source.modified_at.isoformat() == "2023-11-14T22:13:20+00:00"
