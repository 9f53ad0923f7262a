"""How much older a baseline is."""

from __future__ import annotations

import pytest

from evaltui.domain.ages import older_text

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("days", "is_shared", "text"),
    [
        (0.9, True, ""),
        (-3.0, True, ""),
        (1.2, False, "1 day older"),
        (29.6, True, "30 days older"),
        (31.0, True, "31 days older; is it still the right one?"),
        (400.0, False, "400 days older"),
    ],
)
def test_days_are_counted_and_an_old_shared_one_is_asked_about(
    days: float, is_shared: bool, text: str
) -> None:
    assert older_text(5, 5 + int(days * DAY_MS), is_shared=is_shared) == text


def test_an_unknown_start_says_nothing() -> None:
    assert older_text(None, DAY_MS, is_shared=True) == ""
    assert older_text(0, None, is_shared=True) == ""
