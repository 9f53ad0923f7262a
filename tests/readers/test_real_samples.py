"""Report files of every historical variant, where they are at hand.

Set EVALTUI_SAMPLES to a folder that holds `app_eval/<variant>/evaluation_report.json` and others.
The expected values were worked out by hand from the apps in the files.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evaltui.domain.events import FileRole
from evaltui.domain.report import Report, Source
from evaltui.errors import ReportSyntaxError
from evaltui.readers import HEAD_BYTES, companion_names, pick_generation, read_reports, recognise

SAMPLES = os.environ.get("EVALTUI_SAMPLES", "")
pytestmark = pytest.mark.skipif(not SAMPLES, reason="EVALTUI_SAMPLES names no folder of samples")

ROOT = Path(SAMPLES) / "app_eval"
AT = datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC)


def read(path: Path) -> Report:
    beside = {
        name: (path.parent / name).read_bytes()
        for name in companion_names(path.name)
        if (path.parent / name).exists()
    }
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    data = path.read_bytes()
    (report,) = read_reports(data, Source(path, len(data), modified), neighbours=beside)
    return report


def report_of(variant: str) -> Report:
    return read(ROOT / variant / "evaluation_report.json")


Expected = dict[str, float | None]

EARLY: Expected = {
    "build_success_rate": 4 / 7,
    "runtime_success_rate": 4 / 7,
    "type_safety_rate": 3 / 7,
    "tests_pass_rate": 6 / 7,
    "databricks_connectivity_rate": 4 / 7,
    "data_returned_rate": None,
    "data_returned_na": 7,
    "ui_renders_rate": None,
    "overall_quality_score": (4 + 4 + 6 + 4) / 28,
    "avg_local_runability_score": 26 / 7,
    "avg_deployability_score": 9 / 7,
    "avg_startup_time": 50.8726 / 4,  # three apps never started
    "total_loc": 9273,
    "total_apps": 7,
}
GENERATED: Expected = {
    "generation_cost_usd": 6.3174,
    "total_output_tokens": 137_054,
    "avg_turns_per_app": 475 / 6,  # one of seven has no data
    "apps_per_dollar": 6 / 6.3174,
}
DETAILED: Expected = (
    EARLY
    | GENERATED
    | {
        "data_returned_rate": 2 / 7,
        "data_returned_na": 0,
        "ui_renders_rate": 3 / 7,
        "total_loc": 315,
        "avg_appeval_100": 253.8 / 7,
        "avg_eff_units": 709.56 / 6,
    }
)
del DETAILED["avg_startup_time"]  # of all seven then
WITH_STUB: Expected = GENERATED | {
    "build_success_rate": 4 / 6,
    "build_success_na": 1,
    "runtime_success_rate": 4 / 6,
    "type_safety_rate": 3 / 6,
    "tests_pass_rate": 5 / 6,
    "databricks_connectivity_rate": 4 / 6,
    "overall_quality_score": (4 + 4 + 5 + 4) / 24,
    "avg_local_runability_score": 23 / 6,
    "avg_deployability_score": 9 / 6,
    "avg_appeval_100": 253.8 / 6,
    "avg_eff_units": 709.56 / 6,
    "total_loc": 258,
    "template_trpc_count": 5,
    "total_apps": 7,
}
K2: Expected = {
    "build_success_rate": 4 / 7,
    "build_success_error": 1,
    "runtime_success_rate": 4 / 7,
    "type_safety_rate": 2 / 5,
    "type_safety_na": 2,
    "tests_pass_rate": 1 / 2,
    "databricks_connectivity_rate": 4 / 7,
    "data_returned_rate": None,
    "avg_local_runability_score": 20 / 7,
    "avg_deployability_score": 13 / 7,
    "overall_quality_score": (4 / 7 + 4 / 7 + 1 / 2 + 4 / 7) / 4,
    "total_apps": 8,
}

VARIANTS: list[tuple[str, str, Expected]] = [
    ("k1_2025-10-17", "k1.bare", EARLY),
    ("k1_2025-10-20_runid", "k1.run_id", EARLY),
    ("k1_2025-10-20_gen", "k1.generation_metrics", EARLY | GENERATED),
    ("k1_2025-10-21_vanilla", "k1.generation_metrics", EARLY | GENERATED),
    ("k1_2025-11-06_appeval7", "k1.appeval_100", EARLY | {"avg_appeval_100": 43.8 / 7}),
    ("k1_2025-11-06_eff", "k1.eff_units", DETAILED),
    ("k1_2025-11-07_template", "k1.template_type", DETAILED | {"template_unknown_count": 1}),
    (
        "k1_2025-11-17",
        "k1.avg_appeval_100",
        WITH_STUB | {"data_returned_rate": 2 / 6, "template_docker_count": 1},
    ),
    (
        "k1_2025-12-04_fast",
        "k1.avg_appeval_100",
        WITH_STUB
        | {
            "databricks_connectivity_rate": None,
            "databricks_connectivity_na": 7,
            "overall_quality_score": None,
            "data_returned_rate": None,
            "avg_appeval_100": 26.7 / 6,
        },
    ),
    (
        "k1_2026-02-04_nodataui",
        "k1.avg_appeval_100",
        WITH_STUB | {"data_returned_rate": None, "ui_renders_na": 7},
    ),
    (
        "k1_20apps",
        "k1.avg_appeval_100",
        {
            "build_success_rate": 16 / 20,
            "runtime_success_rate": 13 / 20,
            "databricks_connectivity_rate": 12 / 20,
            "data_returned_rate": 5 / 20,
            "ui_renders_rate": 9 / 20,
            "overall_quality_score": (16 + 13 + 13 + 12) / 80,
            "avg_local_runability_score": 72 / 20,
            "avg_deployability_score": 46 / 20,
            "template_dbx-sdk_count": 7,
        },
    ),
    ("edge/k1_zero_apps", "k1.avg_appeval_100", {"total_apps": 0, "build_success_rate": None}),
    ("k2_2025-10-23", "k2", K2),
    ("k2_2025-10-23_mode", "k2", K2),
    (
        "k2_2025-10-24_agent",
        "k2.agent",
        K2 | {"ui_renders_rate": 3 / 7, "agent_test_success_rate": 6 / 7},
    ),
    (
        "k2_2025-10-24_agent_off",
        "k2.agent",
        K2 | {"ui_renders_rate": 3 / 7, "agent_test_success_rate": None},
    ),
    (
        "k3_2025-10-23",
        "k3",
        {
            "build_success_rate": 5 / 8,
            "type_safety_rate": 4 / 8,
            "ui_renders_rate": None,
            "overall_quality_score": (5 + 5 + 6 + 5) / 32,
            "avg_local_runability_score": 29 / 8,
            "evaluated": 8,
        },
    ),
    (
        "k5_2026-03-03",
        "k5",
        {
            "build_success_rate": 4 / 7,
            "build_success_error": 1,
            "tests_pass_rate": 6 / 7,
            "databricks_connectivity_rate": None,
            "data_returned_rate": None,
            "ui_renders_rate": 3 / 7,
            "local_runability_pass_rate": 4 / 7,
            "deployability_pass_rate": 2 / 3,
            "deployability_pass_na": 4,
            "overall_quality_score": None,
        },
    ),
]


@pytest.mark.parametrize(("variant", "schema", "expected"), VARIANTS)
def test_each_historical_variant_gives_the_values_worked_out_by_hand(
    variant: str, schema: str, expected: Expected
) -> None:
    report = report_of(variant)
    assert report.params["app_eval.schema"] == schema
    for name, value in expected.items():
        assert report.metric(name) == (None if value is None else pytest.approx(value, rel=1e-4)), (
            name
        )


def test_times_and_formulas_of_the_variants() -> None:
    assert report_of("k1_2025-11-17").started_at == AT
    assert report_of("k1_2025-11-06_appeval7").params["appeval_100.version"] == "7-term"
    assert report_of("k1_2025-11-06_eff").params["appeval_100.version"] == "5-term"
    mode = report_of("k2_2025-10-23_mode")
    assert (mode.mode, mode.mode_label) == ("mcp", "MCP (TypeScript/tRPC)")
    assert mode.started_at == datetime(2025, 11, 3, 9, tzinfo=UTC)


def test_the_two_writes_of_k2_are_one_evaluation_and_all_others_are_different() -> None:
    reports = {variant: report_of(variant).content_id for variant, _, _ in VARIANTS}
    assert reports["k2_2025-10-23"] == reports["k2_2025-10-23_mode"]
    assert len(set(reports.values())) == len(VARIANTS) - 1


def test_the_series_has_twelve_evaluations_in_the_order_of_their_names() -> None:
    paths = sorted((ROOT / "series_k1_2025-11-17").glob("*.json"))
    reports = [read(path) for path in paths]
    times = [report.started_at for report in reports]
    assert len({report.content_id for report in reports}) == 12
    assert times == sorted(times, key=lambda moment: moment or AT)


def test_the_cut_file_is_incomplete() -> None:
    with pytest.raises(ReportSyntaxError) as caught:
        report_of("edge/k1_truncated")
    assert caught.value.incomplete


@pytest.mark.parametrize("variant", ["b0", "b1", "b2", "b3", "b5", "b6", "b7", "b8", "b9"])
def test_each_bulk_run_variant(variant: str) -> None:
    (path,) = (ROOT / "bulk_run").glob(f"{variant}_*.json")
    report = read(path)
    assert report.format_version == variant
    assert report.metric("generation/success_rate") == 7 / 8
    assert report.metric("total_apps") == 8


def test_of_nine_bulk_runs_of_one_time_none_is_joined_and_it_is_said_why() -> None:
    bulk = [read(path) for path in sorted((ROOT / "bulk_run").glob("*.json"))]
    found, why = pick_generation(report_of("k1_20apps"), bulk)
    assert found is None
    assert why


def test_reports_of_other_tools_are_no_app_evaluations() -> None:
    strangers = 0
    for path in sorted(Path(SAMPLES).rglob("*")):
        if path.is_file() and ROOT not in path.parents:
            with path.open("rb") as file:
                found = recognise(file.read(HEAD_BYTES), path.name)
            assert found.role is FileRole.UNKNOWN, path
            strangers += 1
    assert strangers
