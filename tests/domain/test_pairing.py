from __future__ import annotations

import numpy as np
from hypothesis import given

from evaltui.domain.cases import CaseTable, from_cases
from evaltui.domain.pairing import label_of, pair
from evaltui.domain.report import CaseStatus
from tests.domain.case_builders import case_tables, make_case, make_cases


def test_cases_join_on_their_id_whatever_their_order() -> None:
    first = make_cases({"f1": [1.0, 2.0, 3.0]}, ids=["a", "b", "c"])
    second = make_cases({"f1": [30.0, 10.0, 40.0]}, ids=["c", "a", "d"])
    found = pair(first, second)
    before, after = found.both(lambda table: table.results["f1"])
    assert [key[1] for key in found.keys] == ["a", "c"]
    assert (before.tolist(), after.tolist()) == ([1.0, 3.0], [10.0, 30.0])
    assert [key[1] for key, _ in found.only_baseline] == ["b"]
    assert [key[1] for key, _ in found.only_candidate] == ["d"]


def test_a_group_that_differs_does_not_part_a_case() -> None:
    first = from_cases([make_case("app", group="docker")])
    second = from_cases([make_case("app", group="trpc")])
    assert len(pair(first, second)) == 1


def test_ids_that_several_groups_have_join_within_the_group() -> None:
    first = from_cases([make_case("1", group="mmlu", f1=1.0), make_case("1#2", group="gsm", f1=2)])
    second = from_cases([make_case("1", group="gsm", f1=20), make_case("1#2", group="mmlu", f1=10)])
    found = pair(first, second)
    before, after = found.both(lambda table: table.results["f1"])
    assert (before.tolist(), after.tolist()) == ([1, 2], [10, 20])
    assert [label_of(key) for key in found.keys] == ["mmlu/1", "gsm/1"]
    assert not found.repeated


def test_repetitions_are_averaged_before_anything_else() -> None:
    first = from_cases(
        [
            make_case("a", tests_pass=1.0),
            make_case("a#2", CaseStatus.FAIL, tests_pass=0.0),
            make_case("a#3", CaseStatus.ERROR, tests_pass=0.0),
        ]
    )
    second = from_cases([make_case("a", tests_pass=1.0)])
    found = pair(first, second)
    before, after = found.both(lambda table: table.results["tests_pass"])
    assert (before.tolist(), after.tolist()) == ([0.5], [1.0])
    assert found.repeated
    assert not found.errored.any()  # one of its repetitions could be evaluated


def test_a_case_whose_every_repetition_erred_is_in_error() -> None:
    first = from_cases([make_case("a", CaseStatus.ERROR), make_case("a#2", CaseStatus.ERROR)])
    assert pair(first, from_cases([make_case("a")])).errored.tolist() == [True]


def test_runs_without_a_case_in_common_have_no_pairs() -> None:
    found = pair(make_cases({"x": [1]}, ids=["a"]), make_cases({"x": [1]}, ids=["b"]))
    assert len(found) == 0
    assert found.both(lambda table: table.results["x"])[0].tolist() == []
    assert len(pair(CaseTable(), CaseTable())) == 0


@given(case_tables(), case_tables())
def test_every_case_is_paired_or_alone(first: CaseTable, second: CaseTable) -> None:
    found = pair(first, second)
    assert len(found) + len(found.only_baseline) == len(set(first.ids))
    assert len(found) + len(found.only_candidate) == len(set(second.ids))
    back = pair(second, first)
    assert set(back.keys) == set(found.keys)
    np.testing.assert_array_equal(np.sort(found.baseline_rows), np.sort(back.candidate_rows))
