"""compare() with the cases of both runs: the right test, the verdict, and its reason in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain import significance
from evaltui.domain.cases import CaseTable, from_cases
from evaltui.domain.catalogue import Tolerance
from evaltui.domain.comparison import Comparison, MetricDelta, Terms, Verdict, compare
from evaltui.domain.metric import Direction
from evaltui.domain.report import CaseStatus
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.stats.paired import mcnemar_exact, mcnemar_midp, sign_flip
from tests.domain.builders import make_run
from tests.domain.case_builders import case_tables, checks, make_case, make_cases, run_of

WORSE = {Verdict.REGRESSED, Verdict.SOFT}


def compared(first: CaseTable, second: CaseTable, **terms: object) -> Comparison:
    """Compare runs whose metrics are the means of these cases."""
    return compare(
        run_of("a", first),
        run_of("b", second),
        baseline_cases=first,
        candidate_cases=second,
        terms=Terms(**terms),  # type: ignore[arg-type]
    )


def metric(found: Comparison, name: str) -> MetricDelta:
    (delta,) = (delta for delta in found.metrics if delta.name == name)
    return delta


def rate(first: list[float | None], second: list[float | None], **terms: object) -> MetricDelta:
    tables = (make_cases({"tests_pass": values}) for values in (first, second))
    return metric(compared(*tables, **terms), "tests_pass_mean")


# -- the test that fits ----------------------------------------------------------------------------


def test_checks_of_the_same_cases_get_mcnemar_and_the_paired_interval() -> None:
    found = rate(checks(10, 10), [0.0] * 9 + [1.0] + checks(1, 9))
    assert (found.test, found.n) == ("McNemar exact", 20)
    assert found.detail is not None
    assert (found.detail.both, found.detail.only_baseline) == (1, 9)
    assert (found.detail.only_candidate, found.detail.neither) == (1, 9)
    assert found.p_value == mcnemar_exact(9, 1)
    assert found.detail.p_mid == mcnemar_midp(9, 1)
    assert found.ci is not None
    assert found.ci[0] < -0.4 < found.ci[1] < 0


def test_scores_get_sign_flips_and_a_bootstrap_interval() -> None:
    first, second = [3.0, 4.0, 2.5, 3.5, 4.0, 1.0, 2.0], [3.5, 4.5, 3.0, 4.5, 4.5, 1.5, 2.25]
    tables = (make_cases({"answer_score": values}) for values in (first, second))
    found = metric(compared(*tables), "answer_score_mean")
    differences = [after - before for before, after in zip(first, second, strict=True)]
    assert found.test == "sign-flip permutation"
    assert found.p_value == sign_flip(differences) == 2 / 2**7
    assert found.verdict is Verdict.IMPROVED
    assert found.detail is not None
    assert found.detail.effect == pytest.approx(float(np.mean(differences)))


def test_costs_are_compared_by_their_ratio_with_the_median() -> None:
    first = make_cases(numbers={"cost_usd": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]})
    second = make_cases(numbers={"cost_usd": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 21.0]})
    found = metric(compared(first, second), "cost_usd_mean")
    assert found.test == "sign-flip permutation of log ratios"
    assert found.detail is not None
    assert found.detail.kind == "ratio"
    assert found.detail.effect == pytest.approx((2**6 * 3) ** (1 / 7))
    assert found.detail.median == pytest.approx(2.0)
    assert found.ci is not None
    assert 1.99 < found.ci[0] < found.detail.effect < found.ci[1]
    assert found.verdict is Verdict.REGRESSED
    assert found.reason == "worse by 112 %, p = .016"


def test_a_total_is_judged_by_the_cases_it_sums() -> None:
    first = make_cases(numbers={"cost_usd": [1.0] * 8})
    second = make_cases(numbers={"cost_usd": [1.5] * 8})
    runs = (
        make_run(name, metrics={"generation_cost_usd": float(table.numbers["cost_usd"].sum())})
        for name, table in (("a", first), ("b", second))
    )
    found = metric(
        compare(*runs, baseline_cases=first, candidate_cases=second), "generation_cost_usd"
    )
    assert (found.verdict, found.n) == (Verdict.REGRESSED, 8)


def test_a_cost_of_nothing_is_compared_by_differences() -> None:
    first = make_cases(numbers={"cost_usd": [0.0, 1.0, 1.0]})
    second = make_cases(numbers={"cost_usd": [0.0, 1.0, 2.0]})
    assert metric(compared(first, second), "cost_usd_mean").test == "sign-flip permutation"


def test_rates_without_cases_get_fisher_from_their_counts() -> None:
    before = make_run("a", metrics={"tests_pass_rate": 0.9, "tests_pass_n": 20.0})
    after = make_run("b", metrics={"tests_pass_rate": 0.4, "tests_pass_n": 20.0})
    found = metric(compare(before, after), "tests_pass_rate")
    assert (found.test, found.n, found.verdict) == ("Fisher exact", 40, Verdict.REGRESSED)
    assert found.detail is not None
    assert not found.detail.paired


@pytest.mark.parametrize(
    "metrics",
    [
        {"tests_pass_rate": 0.5},
        {"tests_pass_rate": 0.5, "tests_pass_n": 0.0},
        {"tests_pass_rate": 0.5, "tests_pass_n": 7.0},  # 3.5 cases cannot pass
        {"tests_pass_rate": 1.5, "tests_pass_n": 2.0},
        {"tests_pass_rate": 0.5, "tests_pass_n": 1e12},
    ],
)
def test_one_value_per_run_is_a_difference_without_a_test(metrics: dict[str, float]) -> None:
    other = {"tests_pass_rate": 1.0, "tests_pass_n": 2.0}
    found = metric(
        compare(make_run("a", metrics=metrics), make_run("b", metrics=other)), "tests_pass_rate"
    )
    assert (found.test, found.p_value, found.verdict) == (None, None, Verdict.UNDECIDED)
    assert found.reason == "one value per run: no test"


def test_repetitions_inside_a_case_count_as_one_value() -> None:
    ids = ["a", "a#2", "b", "b#2"]
    first = from_cases([make_case(name, tests_pass=1.0) for name in ids])
    second = from_cases([make_case(name, tests_pass=float(name != "a#2")) for name in ids])
    found = metric(compared(first, second), "tests_pass_mean")
    assert found.n == 2
    assert found.test == "sign-flip permutation"  # half a pass is no check any more


def test_the_overall_score_is_tested_by_the_four_checks_of_each_case() -> None:
    names = ("build_success", "runtime_success", "tests_pass", "databricks_connectivity")
    first = make_cases({name: [1.0] * 8 for name in names})
    second = make_cases({name: [float(name != "tests_pass")] * 8 for name in names})
    runs = [
        make_run(run_id, metrics={"overall_quality_score": value})
        for run_id, value in (("a", 1.0), ("b", 0.75))
    ]
    found = compare(*runs, baseline_cases=first, candidate_cases=second)
    assert found.primaries == ("overall_quality_score",)
    assert found.verdict is Verdict.REGRESSED
    assert found.reason == "overall_quality_score: worse by 25 pp, p = .008"


def test_counts_of_a_check_follow_its_rate_and_are_no_test_of_their_own() -> None:
    first, second = (make_cases({"tests_pass": values}) for values in (checks(8, 0), checks(0, 8)))
    runs = (
        make_run(
            "a", metrics={"tests_pass_rate": 1.0, "tests_pass_pass": 8.0, "tests_pass_fail": 0}
        ),
        make_run(
            "b", metrics={"tests_pass_rate": 0.0, "tests_pass_pass": 0.0, "tests_pass_fail": 8}
        ),
    )
    found = compare(*runs, baseline_cases=first, candidate_cases=second)
    assert found.tests == 1
    for name in ("tests_pass_pass", "tests_pass_fail"):
        assert metric(found, name).verdict is Verdict.REGRESSED
        assert metric(found, name).p_value is None


def test_a_value_that_its_cases_do_not_give_is_not_tested_by_them() -> None:
    table = make_cases({"tests_pass": checks(5, 5)})
    runs = (make_run(name, metrics={"tests_pass_rate": 0.9}) for name in "ab")
    found = metric(compare(*runs, baseline_cases=table, candidate_cases=table), "tests_pass_rate")
    assert found.test is None
    assert "not what its cases give" in found.reason


# -- reasons in words ------------------------------------------------------------------------------


def test_too_few_discordant_cases_are_said_instead_of_a_p_value() -> None:
    found = rate(checks(10, 10), [0.0] * 4 + [1.0] * 6 + [0.0] * 10)
    assert (found.verdict, found.reason) == (Verdict.UNDECIDED, "4 discordant cases; 6 needed")
    found = rate(checks(10, 10), [0.0] + [1.0] * 9 + [0.0] * 10)
    assert found.reason == "1 discordant case; 6 needed"


def test_an_undecided_metric_says_what_could_have_been_seen() -> None:
    found = rate(checks(10, 10), [0.0] * 5 + [1.0] * 5 + [1.0] * 3 + [0.0] * 7)
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason.startswith("p = .727; with 20 cases you can see ")
    assert found.reason.endswith(" pp or more")


def test_a_p_value_that_the_number_of_metrics_undoes_says_so() -> None:
    results = {f"check{index}": checks(10, 10) for index in range(9)}
    first = make_cases(results)
    second = make_cases({**results, "check0": [0.0] * 6 + [1.0] * 4 + [0.0] * 10})
    found = metric(
        compared(first, second, overrides={"check0_mean": Direction.HIGHER}), "check0_mean"
    )
    assert found.verdict is Verdict.REGRESSED  # the others are neutral: not tested, not counted
    ways = {f"check{index}_mean": Direction.HIGHER for index in range(9)}
    found = metric(compared(first, second, overrides=ways), "check0_mean")
    assert found.p_value == pytest.approx(2 / 2**6)
    assert found.p_adjusted == pytest.approx(9 * 2 / 2**6)
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason == "p = .031, but p = .281 counting 9 metrics"


def test_holm_corrects_over_the_primary_metrics_only() -> None:
    names = ("build_success", "tests_pass", "type_safety")
    first = make_cases({name: checks(10, 10) for name in names})
    second = make_cases({name: [0.0] * 6 + [1.0] * 4 + [0.0] * 10 for name in names})
    primaries = ("build_success_mean", "tests_pass_mean")
    found = compared(first, second, primaries=primaries, correction="holm")
    adjusted = {delta.name: delta.p_adjusted for delta in found.metrics}
    assert adjusted["build_success_mean"] == pytest.approx(2 * 2 / 2**6)
    assert adjusted["type_safety_mean"] == pytest.approx(2 / 2**6)
    assert found.verdict is Verdict.UNDECIDED
    assert "and 1 other" in found.reason


def test_a_margin_that_people_set_replaces_the_catalogues() -> None:
    first, second = checks(20, 0), checks(13, 7)
    assert rate(first, second).verdict is Verdict.REGRESSED
    wide = {"tests_pass_mean": Tolerance(0.5)}
    found = rate(first, second, margins=wide)
    assert found.verdict is Verdict.SOFT
    assert found.reason == "worse by 35 pp, p = .016, inside the tolerance of 50 pp"


def test_an_interval_inside_the_tolerance_is_stable() -> None:
    first = make_cases({"appeval_100": [50.0 + number for number in range(30)]})
    values = [50.0 + number + (0.5 if number % 2 else -0.5) for number in range(30)]
    found = metric(compared(first, make_cases({"appeval_100": values})), "appeval_100_mean")
    assert (found.verdict, found.reason) == (Verdict.STABLE, "inside 2 either way")


# -- bad input: what can and what cannot be concluded ----------------------------------------------


def test_all_equal_is_stable_and_says_so() -> None:
    found = rate(checks(12, 8), checks(12, 8))
    assert (found.verdict, found.reason) == (Verdict.STABLE, "all 20 pairs are equal")


def test_one_case_says_nothing() -> None:
    found = rate([1.0], [0.0])
    assert (found.verdict, found.reason) == (Verdict.UNDECIDED, "one paired case says nothing")
    assert rate([1.0], [1.0]).reason == "the one paired case is equal"


def test_no_common_case_leaves_the_difference_and_a_warning() -> None:
    first = make_cases({"tests_pass": checks(4, 4)}, ids=[f"a{n}" for n in range(8)])
    second = make_cases({"tests_pass": checks(8, 0)}, ids=[f"b{n}" for n in range(8)])
    found = compared(first, second)
    (remark,) = found.comparability
    assert remark.reason == "no case is in both runs: 8 against 8 cases"
    delta = metric(found, "tests_pass_mean")
    assert (delta.delta, delta.verdict) == (0.5, Verdict.UNDECIDED)
    assert delta.reason == "no case has it in both runs: no test"
    assert found.cases is not None
    assert found.cases.paired == 0
    assert found.cases.outcome is None


def test_runs_without_any_cases_are_compared_by_their_values_alone() -> None:
    before, after = (make_run(name, metrics={"f1": 0.5}) for name in "ab")
    found = compare(before, after, notes=["the candidate has no cases: nothing was logged"])
    assert found.cases is None
    assert found.comparability[0].reason.startswith("the candidate has no cases")
    assert metric(found, "f1").reason == "equal, but one value per run: no test"


def test_values_that_are_not_numbers_are_missing_not_zero() -> None:
    before = make_run("a", metrics={"f1": math.nan, "acc": 0.5})
    after = make_run("b", metrics={"f1": math.inf})
    found = compare(before, after)
    assert metric(found, "f1").reason == "neither run has a number"
    assert metric(found, "acc").reason == "only the baseline has it"
    assert {delta.verdict for delta in found.metrics} == {Verdict.INCOMPARABLE}
    assert found.verdict is Verdict.INCOMPARABLE


def test_runs_without_metrics_are_incomparable() -> None:
    found = compare(make_run("a"), make_run("b"))
    assert (found.metrics, found.primaries) == ((), ())
    assert found.verdict is Verdict.INCOMPARABLE
    assert "no metric in common" in found.reason


def test_a_primary_that_neither_run_has_is_incomparable() -> None:
    runs = (make_run(name, metrics={"f1": 0.5}) for name in "ab")
    found = compare(*runs, terms=Terms(primaries=("nonsense",)))
    assert (found.verdict, found.reason) == (Verdict.INCOMPARABLE, "nonsense: neither run has it")


def test_cases_that_all_lack_a_check_leave_nothing_to_test() -> None:
    first = from_cases([make_case(name, CaseStatus.NA, tests_pass=None) for name in "abc"])
    found = compare(make_run("a"), make_run("b"), baseline_cases=first, candidate_cases=first)
    assert found.cases is not None
    assert (found.cases.rows, found.cases.outcome) == ((), None)


def test_errors_are_outside_the_test() -> None:
    names = [f"c{number}" for number in range(10)]
    first = from_cases([make_case(name, tests_pass=1.0) for name in names])
    second = from_cases(
        [
            make_case(name, CaseStatus.ERROR if name < "c8" else CaseStatus.PASS, tests_pass=1.0)
            for name in names
        ]
    )
    found = compared(first, second)
    assert metric(found, "tests_pass_mean").n == 2
    assert found.cases is not None
    assert (found.cases.error, found.cases.regressed) == (8, ())
    assert "8 cases in error: outside every test" in [r.reason for r in found.comparability]


# -- comparability ---------------------------------------------------------------------------------


def pair_of(**tags_and_params: dict[str, str]) -> tuple[Run, Run]:
    metrics = {"overall_quality_score": 0.5, "avg_local_runability_score": 3.0, "cost_usd": 1.0}
    metrics |= {"avg_deployability_score": 2.0, "total_output_tokens": 10.0}
    first = make_run("a", metrics=metrics)
    return first, make_run("b", metrics=metrics, **tags_and_params)  # type: ignore[arg-type]


def incomparable(found: Comparison) -> set[str]:
    return {delta.name for delta in found.metrics if delta.verdict is Verdict.INCOMPARABLE}


def test_only_the_metric_whose_meaning_changed_is_incomparable() -> None:
    first, second = pair_of(params={"overall_quality_score.version": "3"})
    found = compare(first, second)
    assert incomparable(found) == {"overall_quality_score"}
    assert "another formula: unknown, 3" in metric(found, "overall_quality_score").reason


def test_only_the_score_whose_scale_changed_is_incomparable() -> None:
    scales = [f"local_runability 0-5, deployability 0-{top}" for top in (4, 5)]
    metrics = {"avg_local_runability_score": 3.0, "avg_deployability_score": 2.0}
    runs = [
        make_run(name, metrics=metrics, params={"score_scale": scale})
        for name, scale in zip("ab", scales, strict=True)
    ]
    assert incomparable(compare(*runs)) == {"avg_deployability_score"}
    unknown = make_run("c", metrics=metrics)
    assert incomparable(compare(unknown, runs[0])) == set(metrics)


def test_tokens_do_not_compare_across_backends_that_are_known() -> None:
    first, second = pair_of(params={"backend": "litellm"})
    assert incomparable(compare(first, second)) == set()
    known = make_run("a", metrics=first.metrics, params={"backend": "claude"})
    assert incomparable(compare(known, second)) == {"total_output_tokens"}


def test_reports_of_different_formats_are_incomparable_as_a_whole() -> None:
    first, _ = pair_of()
    runs = [make_run(name, metrics=first.metrics, tags={Tag.FORMAT: name}) for name in ("k1", "k2")]
    found = compare(*runs)
    assert len(incomparable(found)) == len(found.metrics)
    assert "different formats: k1, k2" in found.reason


def test_a_generation_run_is_incomparable_with_an_evaluation() -> None:
    found = compare(*pair_of(tags={Tag.KIND: "generation"}))
    assert "nothing was evaluated" in found.reason
    assert found.verdict is Verdict.INCOMPARABLE


@pytest.mark.parametrize(
    "more",
    [
        {"tags": {Tag.STATUS: "partial"}},
        {"status": RunStatus.FAILED},
        {"params": {"dataset": "v4"}},
    ],
)
def test_part_of_an_evaluation_counts_only_by_its_cases(more: dict[str, object]) -> None:
    table = make_cases({"tests_pass": checks(10, 0)})
    params = {} if "params" not in more else {"dataset": "v3"}
    before = make_run("a", metrics={"tests_pass_rate": 1.0}, params=params)
    after = make_run("b", metrics={"tests_pass_rate": 1.0}, **more)  # type: ignore[arg-type]
    assert compare(before, after).verdict is Verdict.INCOMPARABLE
    found = compare(before, after, baseline_cases=table, candidate_cases=table)
    assert found.verdict is Verdict.STABLE
    assert found.comparability[0].level == "warning"


def test_checks_that_were_skipped_are_named() -> None:
    tags = {"evaltui.not_evaluated": "data_returned, ui_renders"}
    found = compare(make_run("a"), make_run("b", tags=tags))
    assert (
        found.comparability[0].reason == "the candidate did not evaluate data_returned, ui_renders"
    )


# -- for any cases ---------------------------------------------------------------------------------


@given(case_tables(), case_tables(), st.sampled_from(["bh", "holm", "none"]))
def test_swapping_the_runs_mirrors_every_verdict(
    first: CaseTable, second: CaseTable, correction: str
) -> None:
    there = compared(first, second, correction=correction)
    back = compared(second, first, correction=correction)
    others = {delta.name: delta for delta in back.metrics}
    for delta in there.metrics:
        other = others[delta.name]
        assert (delta.p_value, delta.n, delta.test) == (other.p_value, other.n, other.test)
        assert delta.p_adjusted == other.p_adjusted
        assert (delta.verdict in WORSE) == (other.verdict is Verdict.IMPROVED)
        assert (delta.verdict is Verdict.IMPROVED) == (other.verdict in WORSE)
        if delta.verdict not in WORSE | {Verdict.IMPROVED}:
            assert delta.verdict is other.verdict
        if delta.ci is not None and delta.detail is not None and delta.detail.kind == "difference":
            assert other.ci == pytest.approx((-delta.ci[1], -delta.ci[0]))


@given(case_tables(), case_tables())
def test_turning_the_direction_mirrors_every_verdict(first: CaseTable, second: CaseTable) -> None:
    names = ("tests_pass_mean", "answer_score_mean", "cost_usd_mean")
    higher, lower = (
        compared(first, second, overrides=dict.fromkeys(names, way))
        for way in (Direction.HIGHER, Direction.LOWER)
    )
    others = {delta.name: delta for delta in lower.metrics}
    for delta in higher.metrics:
        other = others[delta.name]
        assert (delta.p_value, delta.ci) == (other.p_value, other.ci)
        assert (delta.verdict in WORSE) == (other.verdict is Verdict.IMPROVED)
        assert (delta.verdict is Verdict.IMPROVED) == (other.verdict in WORSE)


@given(case_tables())
def test_a_run_against_itself_never_moves(table: CaseTable) -> None:
    for delta in compared(table, table).metrics:
        assert delta.verdict in {Verdict.STABLE, Verdict.SAME}


@given(case_tables(), case_tables())
def test_the_same_runs_give_the_same_comparison(first: CaseTable, second: CaseTable) -> None:
    assert compared(first, second) == compared(first, second)


@given(case_tables(), case_tables())
def test_a_metric_that_one_run_lacks_is_never_judged(first: CaseTable, second: CaseTable) -> None:
    for delta in compared(first, second).metrics:
        if delta.baseline is None or delta.candidate is None:
            assert (delta.verdict, delta.p_value) == (Verdict.INCOMPARABLE, None)
        assert delta.reason


# -- work ------------------------------------------------------------------------------------------


def test_the_work_of_a_hundred_thousand_cases_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column is tested once, however many metrics summarise it; rows are limited."""
    size = 100_000
    calls: list[str] = []
    for name in ("sign_flip", "bca_mean"):
        real = getattr(significance, name)

        def counted(*args: object, real: Any = real, name: str = name, **more: object) -> Any:
            calls.append(name)
            return real(*args, **more)

        monkeypatch.setattr(significance, name, counted)
    scores = np.arange(size, dtype=np.float64) % 7
    ids = tuple(f"c{number}" for number in range(size))
    alive = np.zeros(size, dtype=np.bool_)
    tables = [
        CaseTable(ids, (None,) * size, scores % 2, alive, {"f1": values})
        for values in (scores, (scores + 1) % 7)
    ]
    runs = [
        make_run(
            name,
            metrics=dict.fromkeys(
                ("f1_mean", "f1_avg", "avg_f1"), float(table.results["f1"].mean())
            ),
        )
        for name, table in zip("ab", tables, strict=True)
    ]
    found = compare(*runs, baseline_cases=tables[0], candidate_cases=tables[1])
    assert found.tests == 1
    assert sorted(calls) == ["bca_mean", "sign_flip"]
    assert found.cases is not None
    assert len(found.cases.rows) == 5_000
    assert found.cases.rows_left_out == 2 * size - 5_000
