"""Times of reports: read where they can be, noted where a zone was assumed, never an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time, time_of_name, zone_between

EAST = timezone(timedelta(hours=5, minutes=45))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-11-03T09:07:13Z", datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC)),
        ("2025-11-03T10:07:13+01:00", datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC)),
        (" 2025-11-03 09:07:13.5+00:00 ", datetime(2025, 11, 3, 9, 7, 13, 500_000, tzinfo=UTC)),
        (1762160833, datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC)),
        (1762160833.5, datetime(2025, 11, 3, 9, 7, 13, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_or_an_epoch_is_read_without_a_note(
    value: Any, expected: datetime
) -> None:
    notes = Notes()
    assert read_time(value, "at", notes) == expected
    assert notes.lines() == ()


@pytest.mark.parametrize("value", ["2025-11-03 09:07:13", "20251103_090713", "20251103T090713"])
def test_a_time_without_a_zone_is_taken_in_the_zone_that_is_known(value: str) -> None:
    notes = Notes()
    moment = read_time(value, "the Markdown", notes, zone=EAST)
    assert moment == datetime(2025, 11, 3, 9, 7, 13, tzinfo=EAST)
    assert notes.lines() == (
        "the Markdown: 2025-11-03 09:07:13 names no zone, taken as local time (UTC+0545)",
    )


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "2025-13-01", "20251303_090713", "9999999999999999", "2025-11-03T99:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T00:00:00Z"),
        *(1e300, -1e300, 10**40, float("nan"), True, [], {"a": 1}),
    ],
)
def test_what_is_no_time_is_missing_and_noted(value: Any) -> None:
    notes = Notes()
    assert read_time(value, "at", notes) is None
    assert len(notes.lines()) == 1


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_time_is_missing_without_a_note(value: Any) -> None:
    notes = Notes()
    assert read_time(value, "at", notes) is None
    assert notes.lines() == ()


def test_file_names_hold_local_stamps_or_epochs() -> None:
    at = datetime(2025, 11, 3, 10, 7, 13, tzinfo=EAST)
    for name in ("evaluation_report_20251103_100713.json", "b9_bulk_20251103_100713_x.json"):
        assert time_of_name(name, Notes(), zone=EAST) == at
    assert time_of_name("eval_results_1762160833.json", Notes()) == datetime(
        2025, 11, 3, 9, 7, 13, tzinfo=UTC
    )
    for name in ("report.json", "x_20251399_100713.json", "n123456789012345.json"):
        assert time_of_name(name, Notes()) is None


def test_a_zone_follows_from_one_moment_told_both_ways() -> None:
    epoch = datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC).timestamp()
    assert zone_between("2025-11-03 14:52:14", epoch) == EAST  # a second passed between the two
    assert zone_between("2025-11-03 14:59:13", epoch) is None
    assert zone_between("2025-11-05 09:07:13", epoch) is None
    assert zone_between("2025-11-03T09:07:13Z", epoch) is None
    assert zone_between(None, epoch) is None
    assert zone_between("2025-11-03 09:07:13", "soon") is None
