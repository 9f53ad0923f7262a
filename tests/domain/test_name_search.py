"""A word is found in names and at the beginning of ids as if each run had been looked at."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.name_search import name_ranks, named_so
from evaltui.domain.table import RunDelta, RunTable
from tests.domain.builders import make_run, make_table, packed_table

TEXTS = st.text(st.sampled_from("aAbßẞİ\n1"), max_size=4)
"""Casefolding makes some of them longer, and some are more than one byte a character."""

RUNS = st.lists(st.tuples(TEXTS, TEXTS), max_size=8, unique_by=lambda pair: pair[0])
"""Ids and names."""

PLAIN_RUNS = st.lists(
    st.tuples(*[st.text(st.sampled_from("aAbzZ[@`1"), max_size=4)] * 2),
    max_size=8,
    unique_by=lambda pair: pair[0],
)
"""The same where every character is a byte; some stand beside the alphabet."""

WORDS = st.text(st.sampled_from("aßbs1i"), min_size=1, max_size=3).map(str.casefold)


def looked_at(table: RunTable, word: str) -> list[bool]:
    return [
        word in table.names[row].casefold() or table.run_ids[row].casefold().startswith(word)
        for row in range(table.size)
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RUNS | PLAIN_RUNS, st.booleans(), WORDS, st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
def test_rows_are_found_as_by_looking_at_each(
    runs: list[tuple[str, str]], packed: bool, word: str, changes: list[tuple[str, str]]
) -> None:
    table = make_table(*(make_run(run_id, name=name) for run_id, name in runs))
    if packed:
        table = packed_table(table)
    assert named_so(table, word).tolist() == looked_at(table, word)
    for run_id, name in changes:
        table.apply(RunDelta.from_runs([make_run(run_id, name=name)]))
        assert named_so(table, word).tolist() == looked_at(table, word), "a renamed or new run"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, max_size=8), st.booleans(), st.dictionaries(st.integers(0, 9), TEXTS))
def test_ranks_order_runs_as_their_names_do(
    names: list[str], packed: bool, changes: dict[int, str]
) -> None:
    table = make_table(*(make_run(f"r{at}", name=name) for at, name in enumerate(names)))
    if packed:
        table = packed_table(table)
    for at, name in [(-1, ""), *changes.items()]:
        table.apply(RunDelta.from_runs([make_run(f"r{at}", name=name)]))
        ranks = name_ranks(table)
        folded = [name.casefold() for name in table.names]
        assert [folded[row] for row in np.argsort(ranks, kind="stable")] == sorted(folded)
        assert len(set(ranks.tolist())) == len(set(folded))


def test_names_and_ids_of_a_mirror_are_searched_where_they_lie() -> None:
    count = 20_000
    table = packed_table(
        make_table(*(make_run(f"{at:032x}", name=f"n{at}") for at in range(count)))
    )
    tracemalloc.start()
    try:
        assert named_so(table, "n1999").sum() == 11
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < count, "less than a byte a run is kept for the next word"


def test_an_empty_table_has_nothing_to_find() -> None:
    assert named_so(RunTable(), "a").tolist() == []
    assert name_ranks(RunTable()).tolist() == []
