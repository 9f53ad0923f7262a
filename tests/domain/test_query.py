from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.query import match_words
from evaltui.domain.run import Tag
from evaltui.domain.table import RunDelta, RunTable
from tests.domain.builders import make_run, make_table


@pytest.fixture
def table() -> RunTable:
    return make_table(
        make_run("11aa", name="eval_MCP_Monday", params={"model": "Claude-Sonnet"}),
        make_run("22bb", name="eval_base_Monday", mode="vanilla_sdk", tags={"team": "Größe"}),
        make_run("33cc", name="other", tags={Tag.CONTENT_ID: "monday", "mlflow.user": "monday"}),
    )


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [0, 1, 2]),
        ("  ", [0, 1, 2]),
        ("monday", [0, 1]),
        ("MONDAY mcp", [0]),
        ("sonnet monday", [0]),
        ("vanilla", [1]),
        ("GRÖSSE", [1]),
        ("mcp", [0, 2]),
        ("33c", [2]),
        ("3c", []),
        ("monday nowhere", []),
        ("[a-z", []),
    ],
)
def test_every_word_matches_somewhere(table: RunTable, text: str, rows: list[int]) -> None:
    assert [row for row, hit in enumerate(match_words(table, text)) if hit] == rows


def test_a_removed_run_never_matches(table: RunTable) -> None:
    table.apply(RunDelta(removed=("11aa",)))
    assert not match_words(table, "monday")[0]
    assert not match_words(table, "")[0]


def test_an_empty_table_matches_nothing() -> None:
    assert match_words(RunTable(), "x").tolist() == []


@given(
    st.lists(st.tuples(st.text("abAB", max_size=4), st.text("abAB", max_size=4)), max_size=8),
    st.text("abAB ", max_size=6),
)
def test_matches_are_what_a_plain_search_finds(runs: list[tuple[str, str]], text: str) -> None:
    table = make_table(
        *(
            make_run(f"#{at}", name=name, mode=None, params={"p": param})
            for at, (name, param) in enumerate(runs)
        )
    )
    expected = [
        all(w in name.lower() or w in param.lower() for w in text.lower().split())
        for name, param in runs
    ]
    assert match_words(table, text).tolist() == expected


def test_a_hundred_thousand_runs_are_searched_while_typing() -> None:
    size = 100_000
    table = RunTable()
    table.apply(
        RunDelta(
            run_ids=tuple(f"{at:032x}" for at in range(size)),
            names=tuple(f"eval_mcp_{at}" for at in range(size)),
            status=(2,) * size,
            started_ms=np.zeros(size),
            ended_ms=np.zeros(size),
            tags={Tag.MODE: ["mcp", "vanilla_sdk"] * (size // 2)},
        )
    )
    best = min(_seconds(table, "vanilla 9999") for _ in range(3))
    assert best < 0.5


def _seconds(table: RunTable, text: str) -> float:
    started = time.perf_counter()
    assert match_words(table, text).any()
    return time.perf_counter() - started
