"""Bulk runs B0 to B9, alone and joined with an evaluation of their apps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import report_documents as docs

from evaltui.domain.report import CaseStatus, Report, ReportKind
from evaltui.errors import ReportSchemaError
from evaltui.readers import join_generation, pick_generation

VARIANTS = ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")


def read_bulk(items: list[Any], variant: str = "b9", name: str = "bulk_run_results.json") -> Report:
    return docs.read(docs.bulk(variant, items), name)


def generation(*names: str, variant: str = "b9", stamp: str = "20251103_080000") -> Report:
    items = [docs.bulk_item(variant, name, 0.5) for name in names]
    return read_bulk(items, variant, f"bulk_run_results_{stamp}.json")


EVALUATION = docs.read(docs.k1([docs.k1_app("a", "b"), docs.k1_app("b"), docs.k1_app("c")]))
AT = EVALUATION.started_at or docs.MODIFIED


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_gives_the_same_figures(variant: str) -> None:
    items = [
        docs.bulk_item(variant, "a", 1.0),
        docs.bulk_item(variant, "b", 2.0),
        docs.bulk_item(variant, "c", None),  # success without metrics is normal
        docs.bulk_item(variant, "d", None, ok=False),
    ]
    report = read_bulk(items, variant)
    metrics = docs.metrics_of(report)
    assert report.format_version == variant
    assert report.kind is ReportKind.GENERATION
    assert report.headline == "generation/success_rate"
    assert metrics["generation/success_rate"] == 0.75
    assert metrics["generation/successful_apps"] == 3
    assert metrics["generation/failed_apps"] == 1
    assert metrics["generation/total_cost_usd"] == 3.0
    assert metrics["generation/avg_cost_usd"] == 1.5
    assert metrics["generation/avg_cost_usd_stderr"] == pytest.approx(0.5)
    assert metrics["generation/avg_turns"] == 50
    assert metrics["total_apps"] == 4
    measured = 4 if variant == "b8" else 2  # its flat items count tokens and turns always
    assert metrics["generation/with_metrics"] == measured
    output = metrics.get("generation/total_output_tokens")
    assert output == (None if variant == "b8" else 2000)
    assert metrics["generation/total_input_tokens"] == 10 * measured
    assert report.cases[3].status is CaseStatus.FAIL
    assert report.cases[3].reason == "the agent gave up"
    assert report.cases[3].details["error"].endswith("second line")
    names = [case.case_id for case in report.cases]
    assert names == (["make a", "make b", "make c", "make d"] if variant == "b0" else list("abcd"))


def test_the_time_is_the_metadatas_else_the_names_else_the_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = docs.bulk_item("b9", "a")
    local = datetime(2025, 11, 3, 8, 0, 0).astimezone().astimezone(UTC)
    assert generation("a").started_at == local
    wrapped = read_bulk([item], "b5", "bulk_run_results_20200101_000000.json")
    assert wrapped.started_at == local + timedelta(hours=2)
    assert any("names no zone" in note for note in wrapped.notes)
    assert read_bulk([item]).started_at == docs.MODIFIED


def test_backend_and_model_are_told_when_all_items_agree() -> None:
    report = read_bulk([docs.bulk_item("b9", "a"), docs.bulk_item("b9", "b")])
    assert report.params["backend"] == "litellm"
    assert report.model == "gpt-5"
    other = docs.bulk_item("b9", "c") | {"backend": "claude", "model": "opus"}
    mixed = read_bulk([docs.bulk_item("b9", "a"), other])
    assert mixed.params["backend"] == "several"
    assert mixed.params["models"] == "gpt-5, opus"
    assert mixed.model is None


def test_a_backend_may_stand_in_the_file_name_only() -> None:
    items = [docs.bulk_item("b6", "a")]
    named = read_bulk(items, "b6", "bulk_run_results_opencode_20251110_100000.json")
    assert named.params["backend"] == "opencode"
    assert "backend" not in read_bulk(items, "b6").params


def test_metadata_of_b5_are_params() -> None:
    params = read_bulk([docs.bulk_item("b5", "a")], "b5").params
    assert params["n_jobs"] == "-1"
    assert "total_prompts" not in params


def test_an_empty_wrapper_has_no_rate() -> None:
    report = read_bulk([], "b5")
    assert report.metric("generation/success_rate") is None
    assert report.metric("total_apps") == 0


def test_a_wrong_value_is_told_by_its_place() -> None:
    item = docs.bulk_item("b9", "a") | {"success": "often"}
    with pytest.raises(ReportSchemaError, match=r"^\[0\]\.success: expected true"):
        read_bulk([item])
    with pytest.raises(ReportSchemaError, match=r"^results\[0\]: expected an object, got 5"):
        read_bulk([5], "b5")


def test_equal_items_are_one_generation() -> None:
    assert generation("a").content_id == generation("a", stamp="20251103_090000").content_id
    assert generation("a").content_id != generation("b").content_id


# -- choosing and joining --------------------------------------------------------------------------


def at(report: Report, hours: float) -> Report:
    return replace(report, started_at=AT + timedelta(hours=hours))


def test_the_generation_with_the_most_apps_in_common_is_chosen() -> None:
    many, few = at(generation("a", "b", "x"), -5), at(generation("c"), -1)
    assert pick_generation(EVALUATION, [few, many]) == (many, "")


def test_of_those_with_as_many_the_newest_is_chosen_and_none_that_is_newer_than_the_report() -> (
    None
):
    old, new, future = (
        at(generation("a", extra), hours) for extra, hours in (("x", -5), ("y", -1), ("z", 1))
    )
    assert pick_generation(EVALUATION, [old, future, new]) == (new, "")
    found, why = pick_generation(EVALUATION, [future])
    assert found is None
    assert why == "none: 1 file with these apps, newer than the report"


def test_several_of_the_same_age_and_apps_are_ambiguous() -> None:
    twins = [at(generation("a", "b", extra), -1) for extra in ("x", "y", "z")]
    assert pick_generation(EVALUATION, twins) == (None, "ambiguous: 3 files share 2 apps")


def test_copies_of_one_generation_are_not_ambiguous() -> None:
    one = at(generation("a"), -1)
    assert pick_generation(EVALUATION, [one, one]) == (one, "")


def test_files_without_a_common_app_and_evaluations_are_passed_over_in_silence() -> None:
    assert pick_generation(EVALUATION, [generation("x"), EVALUATION]) == (None, "")
    assert pick_generation(EVALUATION, []) == (None, "")


def test_joining_adds_cost_tokens_and_turns_of_the_evaluated_apps_only() -> None:
    joined = join_generation(EVALUATION, generation("a", "b", "elsewhere"))
    metrics = docs.metrics_of(joined)
    assert metrics["generation_cost_usd"] == 1.0
    assert metrics["avg_turns_per_app"] == 50
    assert metrics["total_output_tokens"] == 2000
    assert metrics["apps_per_dollar"] == 2
    assert metrics["build_success_rate"] == EVALUATION.metric("build_success_rate")
    assert [case.cost_usd for case in joined.cases] == [0.5, 0.5, None]
    assert joined.cases[0].columns["turns"] == 50
    assert joined.params["backend"] == "litellm"
    assert joined.params["app_eval.schema"] == EVALUATION.params["app_eval.schema"]
    assert joined.model == "gpt-5"
    assert joined.tags["evaltui.generation"] == generation("a", "b", "elsewhere").content_id
    assert joined.content_id == EVALUATION.content_id
    assert joined.headline == EVALUATION.headline


def test_what_the_evaluation_knows_itself_stays() -> None:
    own = {"cost_usd": 9.0, "input_tokens": 1, "output_tokens": 1, "turns": 10}
    apps = [docs.k1_app("a", "b", generation_metrics=own), docs.k1_app("b")]
    joined = join_generation(docs.read(docs.k1(apps)), generation("a", "b"))
    assert [case.cost_usd for case in joined.cases] == [9.0, 0.5]
    assert joined.metric("generation_cost_usd") == 9.5
    assert joined.metric("avg_turns_per_app") == 30
    names = [metric.name for metric in joined.metrics]
    assert len(names) == len(set(names))
