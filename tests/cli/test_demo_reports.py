"""The demo's reports: believable, the same for the same seed, and telling the whole story soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from evaltui.cli.demo_reports import APPS, MODES, Step, history, live, make_report, to_bytes
from evaltui.domain.events import FileRole
from evaltui.domain.report import Report, Source
from evaltui.errors import ReportSyntaxError
from evaltui.readers import case_key, read_reports, recognise

NOW = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
HALF_A_MINUTE = 30.0


def read(step: Step) -> Report:
    (report,) = read_reports(step.data, Source(Path("/r") / step.path, len(step.data), NOW))
    return report


def first_half_minute() -> list[Step]:
    steps, seconds = [], 0.0
    for step in live(NOW):
        seconds += step.wait_s
        if seconds > HALF_A_MINUTE:
            return steps
        steps.append(step)
    raise AssertionError("the demo ends")


def whole_reports(steps: list[Step]) -> list[Report]:
    found = []
    for step in steps:
        if step.path.endswith("evaluation_report.json"):
            try:
                found.append(read(step))
            except ReportSyntaxError:
                continue
    return found


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert history(NOW) == history(NOW)
    assert list(islice(live(NOW), 40)) == list(islice(live(NOW), 40))
    assert history(NOW, seed=8) != history(NOW)


def test_the_history_is_read_as_runs_of_two_modes_that_get_better() -> None:
    steps = history(NOW)
    reports = [read(step) for step in steps]
    assert {step.path.partition("/")[0] for step in steps} == set(MODES)
    assert len({report.content_id for report in reports}) == len(steps)
    starts = [report.started_at for report in reports]
    assert all(start is not None and start < NOW for start in starts)
    assert starts == sorted(starts, key=str)
    rates = [report.metric("build_success_rate") for report in reports]
    known = [rate for rate in rates if rate is not None]
    assert len(known) == len(rates)
    half = len(known) // 2
    assert sum(known[half:]) > sum(known[:half])
    ages = [step.age for step in steps]
    assert ages == sorted(ages, reverse=True)
    assert timedelta() < ages[-1] < ages[0] < timedelta(days=7)


def test_a_report_says_of_its_apps_what_its_summary_says() -> None:
    report = read(history(NOW)[0])
    assert report.format == "app_eval_k1"
    assert len(report.cases) == len(APPS)
    assert report.notes == ()


def test_half_a_minute_shows_progress_runs_and_a_regression() -> None:
    steps = first_half_minute()
    cases = [step for step in steps if recognise(step.data, step.path).role is FileRole.CASE]
    assert len(cases) == len(APPS)
    assert all(case_key(step.data) for step in cases)
    rates = [report.metric("build_success_rate") for report in whole_reports(steps)]
    known = [rate for rate in rates if rate is not None]
    assert len(known) >= 4
    assert min(known) < max(known) - 0.2


def test_one_report_is_caught_half_written_and_then_whole() -> None:
    steps = first_half_minute()
    half = next(step for step in steps if step.note == "a report is half written")
    whole = steps[steps.index(half) + 1]
    assert whole.path == half.path
    assert whole.data.startswith(half.data)
    with pytest.raises(ReportSyntaxError) as caught:
        read(half)
    assert caught.value.incomplete
    assert read(whole).cases


def test_one_report_is_broken_for_good() -> None:
    broken = next(step for step in live(NOW) if "broken" in step.path)
    with pytest.raises(ReportSyntaxError) as caught:
        read(broken)
    assert not caught.value.incomplete


def test_live_reports_are_of_now_and_never_of_one_content() -> None:
    reports = whole_reports(list(islice(live(NOW), 120)))
    assert len({report.content_id for report in reports}) == len(reports)
    assert all(report.started_at and report.started_at >= NOW for report in reports)


def test_documents_are_written_in_ascii() -> None:
    import random

    from evaltui.cli.demo_reports import Quality

    data = to_bytes(make_report(random.Random(1), NOW, Quality(0.5, 0.2)))
    assert data.isascii()
