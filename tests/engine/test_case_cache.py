from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from evaltui.domain.cases import CaseTable, from_cases
from evaltui.domain.report import Case, CaseStatus
from evaltui.engine.case_cache import CaseCache, KeptCases

CASES = KeptCases(
    from_cases(
        [
            Case("a\u00e9", CaseStatus.PASS, {"tests_pass": 1.0, "f1": None}, group="g"),
            Case("b", CaseStatus.ERROR, {"f1": 0.5}, cost_usd=1.0),
        ]
    ),
    "evaluation_report.json",
)


def same(first: CaseTable, second: CaseTable) -> bool:
    assert (first.ids, first.groups, first.note) == (second.ids, second.groups, second.note)
    np.testing.assert_array_equal(first.outcome, second.outcome)
    np.testing.assert_array_equal(first.errored, second.errored)
    for one, other in ((first.results, second.results), (first.numbers, second.numbers)):
        assert list(one) == list(other)
        for name, column in one.items():
            np.testing.assert_array_equal(column, other[name])
    return True


def test_cases_come_back_from_the_disk_as_they_were(tmp_path: Path) -> None:
    CaseCache(tmp_path / "cases").keep_cases("k", CASES)
    found = CaseCache(tmp_path / "cases").cases("k")
    assert found is not None
    assert found.report_path == CASES.report_path
    assert same(found.table, CASES.table)
    assert CaseCache(tmp_path / "cases").cases("other") is None


def test_a_table_without_columns_comes_back_too(tmp_path: Path) -> None:
    CaseCache(tmp_path).keep_cases("k", KeptCases(from_cases([Case("a", CaseStatus.NA, {})])))
    found = CaseCache(tmp_path).cases("k")
    assert found is not None
    assert found.table.ids == ("a",)


def test_what_is_kept_is_for_the_owner_alone(tmp_path: Path) -> None:
    cache = CaseCache(tmp_path / "cases")
    cache.keep_cases("k", CASES)
    cache.keep_report("k", b"{}")
    assert (tmp_path / "cases").stat().st_mode & 0o777 == 0o700
    files = sorted((tmp_path / "cases").iterdir())
    assert [file.name for file in files] == ["k.npz", "k.report"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert cache.report("k") == b"{}"


@pytest.mark.parametrize("size", [0, 10, 300, -1])
def test_a_damaged_file_counts_as_missing(tmp_path: Path, size: int) -> None:
    CaseCache(tmp_path).keep_cases("k", CASES)
    path = tmp_path / "k.npz"
    data = path.read_bytes()
    path.write_bytes(data[:size] if size >= 0 else data[:200] + b"\xff" * 50 + data[250:])
    assert CaseCache(tmp_path).cases("k") is None


def test_a_place_that_cannot_be_written_only_keeps_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = CaseCache(tmp_path / "file" / "cases")
    cache.keep_cases("k", CASES)
    assert cache.cases("k") is CASES
    assert CaseCache(None).report("k") is None


def test_the_oldest_files_make_room(tmp_path: Path) -> None:
    cache = CaseCache(tmp_path, limit_bytes=10_000)
    for number in range(5):
        cache.keep_report(str(number), bytes(3_000))
        os.utime(tmp_path / f"{number}.report", (number, number))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert "4.report" in names
    assert "0.report" not in names
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    cache.keep_report("big", bytes(6_000))  # more than half the room: not kept
    assert not (tmp_path / "big.report").exists()


def test_only_the_last_tables_stay_in_memory(tmp_path: Path) -> None:
    cache = CaseCache(None)
    for number in range(40):
        cache.keep_cases(str(number), CASES)
    assert cache.cases("0") is None
    assert cache.cases("39") is CASES


def test_several_threads_may_keep_the_same_cases(tmp_path: Path) -> None:
    cache = CaseCache(tmp_path)
    threads = [threading.Thread(target=cache.keep_cases, args=("k", CASES)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["k.npz"]
    assert CaseCache(tmp_path).cases("k") is not None
