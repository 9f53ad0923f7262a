from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaltui.engine.progress import CaseProgress, Progress, case_directory, count_app_folders

ROOT = Path("/w")
OUT = Path("/w/out")


def give(progress: CaseProgress, path: Path, data: bytes, width: int = 7) -> list[Path]:
    """Give a report in chunks."""
    chunks = [data[at : at + width] for at in range(0, len(data), width)]
    return progress.report(path, lambda: chunks, len(data))


def report(*keys: tuple[str, str]) -> bytes:
    return json.dumps({"apps": [{"app_name": a, "timestamp": t} for a, t in keys]}).encode()


def test_apps_are_counted_by_directory() -> None:
    progress = CaseProgress()
    assert not progress
    for app in ("a", "b"):
        assert progress.add(OUT / f"{app}_eval.json", (app, "t1"), ROOT) == OUT
    progress.add(Path("/w/other/c_eval.json"), ("c", "t1"), ROOT)
    assert progress.all() == [
        Progress(Path("/w/other"), 1, None),
        Progress(OUT, 2, None),
    ]
    assert [item.text for item in progress.all()] == ["1 evaluated", "2 evaluated"]


def test_an_expected_number_makes_it_so_many_of_so_many() -> None:
    progress = CaseProgress()
    progress.add(OUT / "a_eval.json", ("a", "t1"), ROOT)
    assert progress.wants_expected(OUT)
    assert not progress.wants_expected(OUT)
    progress.expect(OUT, 20)
    found = progress.of(OUT)
    assert found is not None
    assert found.text == "1 of 20 evaluated"
    progress.expect(OUT, 0)  # fewer than there are: it told of something else
    found = progress.of(OUT)
    assert found is not None
    assert found.text == "1 evaluated"


def test_a_rewritten_file_counts_once() -> None:
    progress = CaseProgress()
    progress.add(OUT / "a_eval.json", ("a", "t1"), ROOT)
    progress.add(OUT / "a_eval.json", ("a", "t2"), ROOT)
    assert [item.done for item in progress.all()] == [1]


def test_a_report_drops_the_apps_it_holds_and_no_others() -> None:
    progress = CaseProgress()
    for app in ("a", "b", "ü"):
        progress.add(OUT / f"{app}_eval.json", (app, "t1"), ROOT)
    assert give(progress, OUT / "r.json", report(("a", "t1"), ("b", "t2"), ("ü", "t1"))) == [OUT]
    # "b" of another time may belong to the next evaluation, but both texts are in this report
    found = progress.of(OUT)
    assert found is None or found.done == 1


def test_an_app_evaluated_at_another_time_is_kept() -> None:
    progress = CaseProgress()
    progress.add(OUT / "a_eval.json", ("a", "t2"), ROOT)
    assert give(progress, OUT / "r.json", report(("a", "t1"))) == []
    assert [item.done for item in progress.all()] == [1]


def test_a_file_that_comes_after_its_report_makes_no_row() -> None:
    progress = CaseProgress()
    give(progress, OUT / "r.json", report(("a", "t1")))
    assert progress.add(OUT / "a_eval.json", ("a", "t1"), ROOT) is None
    assert progress.all() == []


def test_texts_are_found_however_the_report_escapes_them() -> None:
    progress = CaseProgress()
    progress.add(OUT / 'ü"n_eval.json', ('ü"n', "t1"), ROOT)
    text = json.dumps({"app_name": 'ü"n', "timestamp": "t1"}, ensure_ascii=False)
    assert give(progress, OUT / "r.json", text.encode()) == [OUT]
    assert not progress


def test_a_removed_file_is_counted_no_more() -> None:
    progress = CaseProgress()
    progress.add(OUT / "a_eval.json", ("a", "t1"), ROOT)
    assert progress.remove(OUT / "a_eval.json") == OUT
    assert progress.of(OUT) is None
    assert progress.remove(OUT / "a_eval.json") is None


def test_reports_seen_lately_are_kept_newest_first() -> None:
    progress = CaseProgress()
    for number in range(10):
        give(progress, ROOT / f"{number}.json", b"%d" % number)
    give(progress, Path("/elsewhere/x.json"), b"x")
    assert [path.name for path, _ in progress.reports_below(ROOT)][:2] == ["9.json", "8.json"]


@pytest.mark.parametrize(
    ("path", "app", "directory"),
    [
        ("/w/app/shop/eval_result.json", "shop", "/w/app"),
        ("/w/app/shop/shop_eval.json", "shop", "/w/app"),
        ("/w/out/shop_eval.json", "shop", "/w/out"),
        ("/w/eval_result.json", "shop", "/w"),
    ],
)
def test_the_directory_is_where_the_evaluation_writes(path: str, app: str, directory: str) -> None:
    assert case_directory(Path(path), app, ROOT) == Path(directory)


def test_app_directories_are_counted_where_the_apps_are_among_them(tmp_path: Path) -> None:
    for name in ("shop", "churn", "crm", ".git", "node_modules"):
        (tmp_path / name).mkdir()
    (tmp_path / "report.json").write_text("{}")
    assert count_app_folders(tmp_path, ["shop"]) == 3
    assert count_app_folders(tmp_path, ["other"]) is None
    assert count_app_folders(tmp_path / "none", ["shop"]) is None


def test_a_large_report_is_read_for_its_apps_only_while_there_are_some() -> None:
    progress = CaseProgress()
    data = report(("a", "t1"), ("b", "t1")) + b" " * 4_000_000
    reads = []

    def chunks() -> list[bytes]:
        reads.append(1)
        return [data]

    assert progress.report(OUT / "r.json", chunks, len(data)) == []
    assert reads == []
    progress.add(OUT / "a_eval.json", ("a", "t1"), ROOT)
    progress.add(OUT / "c_eval.json", ("c", "t1"), ROOT)
    assert progress.report(OUT / "r.json", chunks, len(data)) == [OUT]
    assert progress.apps(OUT) == {"c"}
    assert progress.reports_below(ROOT) == []
