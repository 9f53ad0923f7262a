"""A bounded part of the long run in tests/system/long/fuzz_readers.py, and that it finds faults."""

from __future__ import annotations

import fuzz_campaign
import pytest
from fuzz_campaign import Damage, sample_folder, seeds

INPUTS = 3_000


@pytest.mark.parametrize("seed", [1, 20_260_301])
def test_every_input_is_a_report_or_a_report_error(seed: int) -> None:
    figures = fuzz_campaign.fuzz_campaign(INPUTS // 2, seed=seed, samples=sample_folder())
    assert figures.failures == []
    assert figures.inputs == INPUTS // 2
    assert figures.ends["report"] > 20
    assert figures.ends["incomplete"] > 20
    assert figures.ends["ReportSchemaError"] > 20
    assert figures.grown_mb < 50


def test_an_input_is_made_anew_from_its_number() -> None:
    one, other = (Damage(seeds(None), 7) for _ in range(2))
    assert [one.make(number) for number in range(50)] == [
        other.make(number) for number in range(50)
    ]


def test_a_reader_that_raises_something_else_is_caught_with_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise KeyError("apps")

    monkeypatch.setattr(fuzz_campaign, "read_reports", broken)
    figures = fuzz_campaign.fuzz_campaign(10, seed=1)
    assert len(figures.failures) == 10
    assert "KeyError" in figures.failures[0]
