"""Every hostile file, read as the program reads it: a report, or a ReportError that says why."""

from __future__ import annotations

import resource

import pytest
import report_documents as docs
from hostile_corpus import HOSTILE, IGNORED, LOGGED, QUARANTINED, WAITING
from test_reader_fuzz import check

from evaltui.domain.events import FileRole
from evaltui.errors import ReportError, ReportSyntaxError, UnknownFormatError
from evaltui.readers import HEAD_BYTES, case_key, read_reports, recognise

MOST_MEMORY_KB = 200_000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_report_or_a_report_error_with_its_reason(name: str) -> None:
    hostile = HOSTILE[name]
    data = hostile.data()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = recognise(data[:HEAD_BYTES], hostile.name)
    case_key(data)
    if hostile.ends == LOGGED:
        (report,) = read_reports(data, docs.source(hostile.name))
        check(report)
        assert hostile.notes in "\n".join(report.notes)
        assert found.role is FileRole.REPORT
    else:
        with pytest.raises(ReportError) as caught:
            read_reports(data, docs.source(hostile.name))
        error = caught.value
        assert "\n" not in error.message
        if hostile.ends == IGNORED:
            assert isinstance(error, UnknownFormatError)
            assert found.role is FileRole.UNKNOWN
        else:
            waiting = isinstance(error, ReportSyntaxError) and error.incomplete
            assert waiting is (hostile.ends == WAITING)
            assert hostile.reason in error.message
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_MEMORY_KB


def test_there_are_as_many_as_were_promised_and_of_every_kind() -> None:
    assert len(HOSTILE) >= 40
    assert {hostile.ends for hostile in HOSTILE.values()} == {
        LOGGED,
        WAITING,
        QUARANTINED,
        IGNORED,
    }
