"""`evaltui watch` killed with SIGKILL at every step and at random moments: none lost, none doubled.

`long/kills_1000.py` does the same a thousand times.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_proxy import THIRTEEN, each
from kill_campaign import embedded_place, kill_campaign, server_place

from evaltui.engine.steps.machine import STEPS

pytestmark = pytest.mark.system


def test_a_watch_killed_at_every_step_and_at_random_leaves_one_whole_run_per_report(
    tmp_path: Path,
) -> None:
    with embedded_place(tmp_path) as place:
        figures = kill_campaign(tmp_path, place, kills=12, seed=4)
    assert figures.audit.exact, figures
    assert set(figures.killed_at_steps) == set(STEPS)
    assert figures.last_status == 143


@pytest.mark.server
def test_kills_while_the_server_fails_too_leave_one_whole_run_per_report(tmp_path: Path) -> None:
    rules = each(THIRTEEN[:-1], 0.01)
    with server_place(tmp_path, rules=rules, seed=4) as place:
        figures = kill_campaign(
            tmp_path, place, kills=8, seed=4, steps=("create_sent", "artifacts_sent", "terminated")
        )
    assert figures.audit.exact, figures
    assert figures.last_status == 143
