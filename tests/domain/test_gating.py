"""The policy of a gate, and what it says about comparisons."""

from __future__ import annotations

import re

import pytest

from evaltui.domain.catalogue import Tolerance
from evaltui.domain.comparison import Comparison, Terms, Verdict, compare
from evaltui.domain.gating import Ruling, overall, rule
from evaltui.domain.metric import Direction
from evaltui.domain.policy import TEMPLATE, Policy, read_policy
from evaltui.errors import ConfigError
from tests.domain.builders import make_run
from tests.domain.case_builders import checks, make_cases


def compared(before: list[float | None], after: list[float | None], **terms: object) -> Comparison:
    """Compare two runs by one check."""
    tables = [make_cases({"tests_pass": values}) for values in (before, after)]
    runs = [
        make_run(name, metrics={"tests_pass_rate": float(table.results["tests_pass"].mean())})
        for name, table in zip("ab", tables, strict=True)
    ]
    return compare(
        *runs,
        baseline_cases=tables[0],
        candidate_cases=tables[1],
        terms=Terms(correction="holm", **terms),  # type: ignore[arg-type]
    )


WORSE = compared(checks(20, 0), checks(10, 10))
UNDECIDED = compared(checks(20, 0), checks(17, 3))
EQUAL = compared(checks(20, 0), checks(20, 0))


def ruling(comparison: Comparison, **policy: object) -> Ruling:
    return overall(rule(comparison, Policy(**policy)))  # type: ignore[arg-type]


def test_without_a_policy_only_a_regression_fails() -> None:
    assert ruling(WORSE) is Ruling.FAILED
    assert ruling(UNDECIDED) is Ruling.PASSED
    assert ruling(EQUAL) is Ruling.PASSED


def test_what_fails_is_for_the_policy_to_say() -> None:
    soft = compared(checks(20, 0), checks(10, 10), margins={"tests_pass_rate": Tolerance(0.6)})
    assert soft.verdict is Verdict.SOFT
    assert ruling(soft) is Ruling.PASSED
    assert ruling(soft, fail_on=(Verdict.REGRESSED, Verdict.SOFT)) is Ruling.FAILED
    assert ruling(UNDECIDED, on_undecided="fail") is Ruling.FAILED


def test_too_few_cases_are_no_regression() -> None:
    few = compared(checks(9, 0), checks(0, 9))
    assert few.verdict is Verdict.REGRESSED
    assert ruling(few) is Ruling.INSUFFICIENT
    assert rule(few, Policy())[0].reason.startswith("9 paired cases, 10 needed")
    assert ruling(few, min_cases=9) is Ruling.FAILED


def test_rates_of_other_cases_count_only_when_no_pairs_are_asked_for() -> None:
    runs = [
        make_run(name, metrics={"tests_pass_rate": rate, "tests_pass_n": 40.0})
        for name, rate in (("a", 1.0), ("b", 0.5))
    ]
    found = compare(*runs)
    assert ruling(found) is Ruling.INSUFFICIENT
    assert ruling(found, min_cases=0) is Ruling.FAILED


def test_a_metric_that_one_run_lacks_is_insufficient_unless_the_policy_says_otherwise() -> None:
    terms = Terms(primaries=("tests_pass_rate", "missing"))
    one = make_run("a", metrics={"tests_pass_rate": 1.0, "missing": 1.0})
    found = compare(one, make_run("b", metrics={"tests_pass_rate": 1.0}), terms=terms)
    assert ruling(found) is Ruling.INSUFFICIENT
    assert ruling(found, on_incomparable="fail", min_cases=0) is Ruling.FAILED
    assert ruling(found, on_incomparable="pass", min_cases=0) is Ruling.PASSED
    absent = compare(make_run("a"), make_run("b"), terms=Terms(primaries=("nonsense",)))
    assert rule(absent, Policy())[0].reason == "neither run has it"


def test_runs_without_a_common_metric_are_insufficient() -> None:
    assert ruling(compare(make_run("a"), make_run("b"))) is Ruling.INSUFFICIENT


def test_a_failure_weighs_more_than_what_cannot_be_judged() -> None:
    few = compared(checks(3, 0), checks(3, 0))
    both = [*rule(few, Policy()), *rule(WORSE, Policy())]
    assert overall(both) is Ruling.FAILED


# -- the file --------------------------------------------------------------------------------------


def test_a_policy_states_metrics_margins_and_what_fails() -> None:
    text = """
        metrics = ["tests_pass_rate", "generation_cost_usd", "tests_pass_rate"]
        alpha = 0.01
        correction = "bh"
        min_cases = 50
        fail_on = ["regressed", "soft"]
        on_undecided = "fail"
        on_incomparable = "fail"
        seed = 7
        [margins]
        tests_pass_rate = 0.05
        generation_cost_usd = "10%"
        [margins.gsm8k]
        acc = 0
        [directions]
        my_score = "lower"
    """
    assert read_policy(text, "gate.toml") == Policy(
        metrics=("tests_pass_rate", "generation_cost_usd"),
        margins={
            "tests_pass_rate": Tolerance(0.05),
            "generation_cost_usd": Tolerance(0.1, relative=True),
            "gsm8k.acc": Tolerance(0.0),
        },
        directions={"my_score": Direction.LOWER},
        alpha=0.01,
        correction="bh",
        min_cases=50,
        fail_on=(Verdict.REGRESSED, Verdict.SOFT),
        on_undecided="fail",
        on_incomparable="fail",
        seed=7,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metrics = ", "not TOML"),
        ("metric = ['a']", "did you mean metrics"),
        ("metrics = []", "at least one"),
        ("metrics = [1]", "list of metric names"),
        ("alpha = 0", "between 0 and 1"),
        ("alpha = true", "between 0 and 1"),
        ("alpha = 'x'", "between 0 and 1"),
        ("correction = 'bonferroni'", "bh, holm, none"),
        ("min_cases = -1", "0 or more"),
        ("min_cases = 1.5", "whole number"),
        ("fail_on = ['undecided']", "regressed, soft"),
        ("fail_on = []", "regressed, soft"),
        ("on_undecided = 'maybe'", "pass, fail"),
        ("on_incomparable = 1", "insufficient"),
        ("margins = 3", "table"),
        ("[margins]\na = 'x%'", "a number in the metric's unit"),
        ("[margins]\na = true", "a number in the metric's unit"),
        ("[margins]\na = -0.1", "0 or more"),
        ("[margins]\na = inf", "0 or more"),
        ("[directions]\na = 'sideways'", "higher, lower, neutral"),
    ],
)
def test_a_wrong_policy_names_the_key_and_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_policy(text, "gate.toml")
    assert "gate.toml" in caught.value.message
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_the_template_is_the_default_policy_with_every_key() -> None:
    assert read_policy(TEMPLATE, "t") == Policy()
    bare = re.sub(r"^#(?=[\[a-z].*(=|\]$))", "", TEMPLATE, flags=re.MULTILINE)
    stated = read_policy(bare, "t")
    assert stated.metrics == ("tests_pass_rate", "generation_cost_usd")
    assert {key for key in Policy.__dataclass_fields__ if key in bare} == set(
        Policy.__dataclass_fields__
    )
    assert stated.alpha == Policy().alpha


def test_a_policy_is_printed_as_it_could_be_written() -> None:
    told = Policy(margins={"a": Tolerance(0.05), "b": Tolerance(0.1, relative=True)}).to_json()
    assert told["margins"] == {"a": 0.05, "b": "10%"}
    assert set(told) == set(Policy.__dataclass_fields__)
