"""A server on PostgreSQL and four watchers that see the same reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres import why_not
from postgres_campaign import postgres_campaign

pytestmark = [
    pytest.mark.server,
    pytest.mark.system,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "it is there"),
]


def test_four_watchers_log_each_report_once_though_a_third_of_the_files_are_copies(
    tmp_path: Path,
) -> None:
    figures = postgres_campaign(tmp_path, files=60, seed=5)
    assert figures.audit.exact, figures
    assert figures.statuses == [143] * 4
