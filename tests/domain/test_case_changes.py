from __future__ import annotations

from hypothesis import given

from evaltui.domain.case_changes import CaseChange, CaseComparison, compare_cases
from evaltui.domain.cases import CaseTable, from_cases
from evaltui.domain.metric import Direction
from evaltui.domain.pairing import pair
from evaltui.domain.report import CaseStatus
from tests.domain.case_builders import case_tables, make_case, make_cases

PASS, FAIL, ERROR, NA = CaseStatus.PASS, CaseStatus.FAIL, CaseStatus.ERROR, CaseStatus.NA
OPPOSITE = {CaseChange.FIXED: CaseChange.REGRESSED, CaseChange.REGRESSED: CaseChange.FIXED}


def changes(
    first: CaseTable, second: CaseTable, *, max_rows: int = 5_000, **ways: Direction
) -> CaseComparison:
    return compare_cases(
        pair(first, second), directions=ways, alpha=0.05, seed=0, max_rows=max_rows
    )


def of(found: CaseComparison) -> dict[tuple[str, str], CaseChange]:
    return {(row.case_id, row.check): row.change for row in found.rows}


def test_outcomes_tell_what_was_fixed_and_what_regressed() -> None:
    first = from_cases(
        [
            make_case(name, status)
            for name, status in zip("abcd", (PASS, FAIL, PASS, FAIL), strict=True)
        ]
    )
    second = from_cases(
        [
            make_case(name, status)
            for name, status in zip("abcd", (FAIL, PASS, PASS, FAIL), strict=True)
        ]
    )
    found = changes(first, second)
    assert (found.regressed, found.fixed, found.same) == (("a",), ("b",), 2)
    assert found.rows[0].baseline == "pass"
    assert found.rows[0].candidate == "fail"
    assert found.outcome is not None
    assert found.outcome.differing == 2


def test_an_error_is_never_a_regression() -> None:
    first = from_cases([make_case("a", PASS, tests_pass=1.0), make_case("b", ERROR)])
    second = from_cases(
        [make_case("a", ERROR, tests_pass=0.0), make_case("b", FAIL, tests_pass=0.0)]
    )
    found = changes(first, second)
    assert (found.regressed, found.fixed, found.error) == ((), (), 2)
    assert of(found)["a", "status"] is CaseChange.ERROR
    assert of(found)["a", "tests_pass"] is CaseChange.ERROR
    row = next(row for row in found.rows if (row.case_id, row.check) == ("a", "status"))
    assert (row.baseline, row.candidate) == ("pass", "error")


def test_a_check_that_was_not_evaluated_is_missing() -> None:
    first = from_cases([make_case("a", PASS, tests_pass=1.0)])
    found = changes(first, from_cases([make_case("a", NA, tests_pass=None)]))
    assert of(found) == {
        ("a", "status"): CaseChange.MISSING,
        ("a", "tests_pass"): CaseChange.MISSING,
    }


def test_a_case_that_one_run_lacks_is_one_missing_row() -> None:
    first = from_cases([make_case("a", FAIL, tests_pass=0.0), make_case("b", PASS, tests_pass=1.0)])
    found = changes(first, from_cases([make_case("b", PASS, tests_pass=1.0)]))
    assert (found.paired, found.only_baseline, found.only_candidate) == (1, 1, 0)
    (row,) = (row for row in found.rows if row.case_id == "a")
    assert (row.check, row.baseline, row.candidate) == ("status", "fail", None)
    assert row.change is CaseChange.MISSING


def test_a_score_changes_beyond_its_tolerance_in_its_direction() -> None:
    first = make_cases({"local_runability_score": [3, 3, 3]}, {"x": [1, 1, 1]})
    second = make_cases({"local_runability_score": [3.09, 3.2, 2.0]})
    found = of(changes(first, second))
    name = "local_runability_score"
    assert [found[f"c{index}", name] for index in range(3)] == ["same", "fixed", "regressed"]
    turned = of(changes(first, second, local_runability_score=Direction.LOWER))
    assert turned["c2", name] is CaseChange.FIXED
    neutral = of(changes(first, second, local_runability_score=Direction.NEUTRAL))
    assert ("c2", name) not in neutral


def test_a_cost_is_no_check() -> None:
    first, second = (from_cases([make_case("a", cost=cost)]) for cost in (1.0, 9.0))
    assert [row.check for row in changes(first, second).rows] == ["status"]


def test_changed_rows_come_first_and_the_rest_is_counted() -> None:
    first = make_cases({"tests_pass": [1.0] * 10}, outcome=[1.0] * 10)
    second = make_cases({"tests_pass": [1.0] * 9 + [0.0]}, outcome=[1.0] * 9 + [0.0])
    found = changes(first, second, max_rows=3)
    assert [row.change for row in found.rows] == ["regressed", "regressed", "same"]
    assert found.rows_left_out == 17
    assert found.tallies[1].regressed == 1


@given(case_tables(), case_tables())
def test_swapping_the_runs_turns_every_change_round(first: CaseTable, second: CaseTable) -> None:
    there, back = changes(first, second), changes(second, first)
    assert of(back) == {key: OPPOSITE.get(change, change) for key, change in of(there).items()}
    assert set(there.fixed) == set(back.regressed)


@given(case_tables(), case_tables())
def test_a_missing_value_is_never_a_change(first: CaseTable, second: CaseTable) -> None:
    for row in changes(first, second).rows:
        known = row.baseline is not None and row.candidate is not None
        if not known:
            assert row.change in {CaseChange.MISSING, CaseChange.ERROR}
        if "error" in (row.baseline, row.candidate):
            assert row.change in {CaseChange.MISSING, CaseChange.ERROR}


@given(case_tables(), case_tables())
def test_every_row_is_counted_once(first: CaseTable, second: CaseTable) -> None:
    found = changes(first, second)
    counted = sum(t.fixed + t.regressed + t.same + t.missing + t.error for t in found.tallies)
    assert len(found.rows) == counted + found.only_baseline + found.only_candidate
    assert found.rows_left_out == 0
