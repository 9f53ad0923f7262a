"""The memory of screen and engine while reports stream in; `long/soak.py` measures for hours."""

from __future__ import annotations

from pathlib import Path

import pytest
from soak_campaign import soak_campaign

pytestmark = pytest.mark.system

MOST_MB = 25.0
"""Growth that caches and the allocator may need at the start; a leak of 100 kB a report is more."""


def test_a_stream_of_reports_leaves_memory_threads_and_files_as_they_were(tmp_path: Path) -> None:
    figures = soak_campaign(tmp_path, reports=150, poll_s=0.1, sample_every=15)
    assert len(figures.samples) > 7, figures  # two steps of the account may be seen at once
    assert figures.growth(lambda sample: sample.engine_mb) < MOST_MB, figures
    assert figures.growth(lambda sample: sample.screen_mb) < MOST_MB, figures
    first, *_, last = figures.samples[2:]
    assert last.threads <= first.threads + 1, figures
    assert last.files <= first.files + 2, figures
