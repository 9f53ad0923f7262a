from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.catalogue import (
    CHECKS,
    UNRANKED,
    SpecSource,
    aliases_of,
    default_columns,
    short_title,
    spec_for,
)
from evaltui.domain.metric import Direction, Unit

H, L, N = Direction.HIGHER, Direction.LOWER, Direction.NEUTRAL


@pytest.mark.parametrize(
    ("name", "direction", "unit"),
    [
        ("build_success_rate", H, Unit.RATE),
        ("tests_pass_rate", H, Unit.RATE),
        ("tests_pass_pass", H, Unit.COUNT),
        ("tests_pass_fail", L, Unit.COUNT),
        ("tests_pass_error", L, Unit.COUNT),
        ("tests_pass_n", N, Unit.COUNT),
        ("tests_pass_na", N, Unit.COUNT),
        ("overall_quality_score", H, Unit.RATE),
        ("avg_appeval_100", H, Unit.SCORE),
        ("avg_eff_units", L, Unit.RAW),
        ("avg_local_runability_score", H, Unit.SCORE),
        ("avg_deployability_score", H, Unit.SCORE),
        ("local_runability_score_mean", H, Unit.SCORE),
        ("eff_units_mean", L, Unit.RAW),
        ("eff_units_stderr", N, Unit.RAW),
        ("total_loc", N, Unit.COUNT),
        ("total_loc_mean", N, Unit.RAW),
        ("template_trpc_count", N, Unit.COUNT),
        ("total_apps", N, Unit.COUNT),
        ("generation_cost_usd", L, Unit.USD),
        ("total_output_tokens", L, Unit.TOKENS),
        ("avg_turns_per_app", L, Unit.RAW),
        ("apps_per_dollar", H, Unit.RAW),
        ("avg_build_time", L, Unit.SECONDS),
        ("issue_count", L, Unit.COUNT),
        ("generation/success_rate", H, Unit.RATE),
    ],
)
def test_metrics_of_app_evaluations_are_known(name: str, direction: Direction, unit: Unit) -> None:
    spec = spec_for(name)
    assert (spec.direction, spec.unit) == (direction, unit)
    assert spec.source is SpecSource.CATALOGUE
    assert spec.rank < UNRANKED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("avg_runability_score", "avg_local_runability_score"),
        ("local_runability_avg", "avg_local_runability_score"),
        ("deployability_avg", "avg_deployability_score"),
        ("gen_avg_turns", "avg_turns_per_app"),
        ("gen_total_cost_usd", "generation_cost_usd"),
        ("gen_total_output_tokens", "total_output_tokens"),
        ("build_success_mean", "build_success_rate"),
    ],
)
def test_names_of_older_trackers_mean_what_the_new_names_mean(old: str, new: str) -> None:
    before, after = spec_for(old), spec_for(new)
    assert before.name == old
    assert (before.direction, before.unit, before.rank) == (
        after.direction,
        after.unit,
        after.rank,
    )


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("gsm8k/acc", H),
        ("gsm8k_cot/exact_match/strict-match", H),
        ("wikitext/word_perplexity", L),
        ("wikitext/bits_per_byte", L),
        ("match/mean", H),
        ("val_loss", L),
        ("ValidationLoss", L),
        ("error_rate", L),
        ("latency_ms", L),
        ("total_cost", L),
        ("cost_per_app", L),
        ("prompt_tokens", L),
        ("tokens_per_second", H),
        ("pass_rate_2", H),
        ("Hallucination", L),
    ],
)
def test_the_name_of_an_unknown_metric_tells_its_direction(name: str, direction: Direction) -> None:
    spec = spec_for(name)
    assert spec.direction is direction
    assert spec.source is SpecSource.INFERRED


@pytest.mark.parametrize(
    "name", ["foo", "learning_rate", "epoch", "compass", "lossless/x", "", "/"]
)
def test_a_name_that_tells_nothing_is_neutral(name: str) -> None:
    spec = spec_for(name)
    assert spec.direction is N
    assert spec.source is SpecSource.DEFAULT


def test_what_people_set_beats_the_report_and_the_report_beats_the_catalogue() -> None:
    name = "generation_cost_usd"
    assert spec_for(name, stated=H).direction is H
    assert spec_for(name, stated=H).source is SpecSource.REPORT
    both = spec_for(name, overrides={name: N}, stated=H)
    assert both.direction is N
    assert both.source is SpecSource.OVERRIDE
    assert spec_for(name, overrides={"other": H}).direction is L


def test_default_tolerances_follow_the_unit() -> None:
    assert spec_for("build_success_rate").tolerance.around(0.5) == pytest.approx(0.02)
    assert spec_for("avg_coverage").tolerance.around(50) == pytest.approx(2)
    assert spec_for("avg_deployability_score").tolerance.around(3) == pytest.approx(0.1)
    assert spec_for("avg_appeval_100").tolerance.around(80) == pytest.approx(2)
    assert spec_for("generation_cost_usd").tolerance.around(-4) == pytest.approx(0.2)
    assert spec_for("tests_pass_fail").tolerance.around(10) == 0


def test_columns_are_the_main_rates_the_primary_score_and_cost() -> None:
    names = [f"{check}_{part}" for check in CHECKS for part in ("rate", "n", "na", "fail")]
    names += ["avg_appeval_100", "generation_cost_usd", "total_cost_usd", "template_x_count"]
    assert default_columns(names, "avg_appeval_100") == [
        "build_success_rate",
        "runtime_success_rate",
        "tests_pass_rate",
        "databricks_connectivity_rate",
        "avg_appeval_100",
        "generation_cost_usd",
    ]


def test_a_primary_metric_that_is_a_rate_is_shown_once() -> None:
    columns = default_columns(["build_success_rate", "x"], "build_success_rate")
    assert columns == ["build_success_rate"]


def test_columns_of_an_unknown_store_are_its_own_metrics() -> None:
    columns = default_columns(["b/acc", "a/acc", "acc_stderr", "loss"], "loss")
    assert columns == ["loss", "a/acc", "b/acc"]
    assert default_columns([], None) == []
    assert default_columns(["a"], "gone") == ["a"]


@given(st.lists(st.text(max_size=20)), st.none() | st.text(max_size=20))
def test_columns_are_names_of_the_store_each_once(names: list[str], headline: str | None) -> None:
    columns = default_columns(names, headline)
    assert len(columns) == len(set(columns))
    assert set(columns) <= set(names)


@given(st.text(max_size=60))
def test_any_name_has_a_spec_and_a_short_title(name: str) -> None:
    spec = spec_for(name)
    assert spec.name == name
    assert 0 <= spec.precision <= 6
    assert spec.tolerance.around(1.0) >= 0
    assert len(short_title(name)) <= 6


def test_titles_of_the_main_columns_fit_a_narrow_list() -> None:
    names = ("build_success_rate", "runtime_success_rate", "tests_pass_rate")
    assert [short_title(name) for name in names] == ["build", "runtm", "tests"]
    assert short_title("generation_cost_usd") == "cost$"
    assert short_title("gen_total_cost_usd") == "cost$"
    assert short_title("overall_quality_score") == "score"
    assert short_title("gsm8k/exact_match") == "exact_"


def test_aliases_of_a_name_are_all_the_others_of_its_meaning() -> None:
    names = ("avg_local_runability_score", "avg_runability_score", "local_runability_avg")
    for name in names:
        assert aliases_of(name) == tuple(other for other in names if other != name)
    assert aliases_of("build_success_mean") == ("build_success_rate",)
    assert aliases_of("accuracy") == ()
