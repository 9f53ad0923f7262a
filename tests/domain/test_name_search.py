"""A word is found in names and at the beginning of ids as if each run had been looked at."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.name_search import name_ranks, named_so
from evaltui.domain.table import RunDelta, RunTable
from tests.domain.builders import make_run, make_table

TEXTS = st.text(st.sampled_from("aAbßẞİ\n1"), max_size=4)
"""Casefolding makes some of them longer; a line end stands between texts that are joined."""

WORDS = st.text(st.sampled_from("aßbs1i"), min_size=1, max_size=3).map(str.casefold)


def looked_at(table: RunTable, word: str) -> list[bool]:
    return [
        word in table.names[row].casefold() or table.run_ids[row].casefold().startswith(word)
        for row in range(table.size)
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8, unique_by=lambda pair: pair[0]), WORDS, TEXTS)
def test_rows_are_found_as_by_looking_at_each(
    runs: list[tuple[str, str]], word: str, renamed: str
) -> None:
    table = make_table(*(make_run(run_id, name=name) for run_id, name in runs))
    assert named_so(table, word).tolist() == looked_at(table, word)
    table.apply(RunDelta.from_runs([make_run("b", name=renamed)]))
    assert named_so(table, word).tolist() == looked_at(table, word), "a renamed or new run"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, max_size=8))
def test_ranks_order_runs_as_their_names_do(names: list[str]) -> None:
    table = make_table(*(make_run(f"r{at}", name=name) for at, name in enumerate(names)))
    ranks = name_ranks(table)
    folded = [name.casefold() for name in names]
    assert [folded[row] for row in np.argsort(ranks, kind="stable")] == sorted(folded)
    assert len(set(ranks.tolist())) == len(set(folded))


def test_an_empty_table_has_nothing_to_find() -> None:
    assert named_so(RunTable(), "a").tolist() == []
    assert name_ranks(RunTable()).tolist() == []
