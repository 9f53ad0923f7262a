"""The index of contents agrees with a plain look at all runs, however they came and went."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.run import Run, Tag
from evaltui.domain.run_delta import RunDelta
from evaltui.domain.table import RunTable
from evaltui.engine.contents import ContentIndex
from tests.domain.builders import make_run, make_table

_RUNS = st.builds(
    lambda run_id, content, by: make_run(
        run_id,
        tags={Tag.CONTENT_ID: content} | ({Tag.SUPERSEDED_BY: by} if by else {}) if content else {},
    ),
    st.sampled_from("abcd"),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(["", "another"]),
)
_PAGES = st.lists(
    st.tuples(
        st.lists(_RUNS, max_size=3, unique_by=lambda run: run.run_id),
        st.sets(st.sampled_from("abcd"), max_size=2),
    ),
    max_size=8,
)


def _plain(runs: dict[str, Run], content: str) -> set[str]:
    return {key for key, run in runs.items() if run.tags.get(Tag.CONTENT_ID) == content}


@given(_PAGES)
def test_an_index_knows_the_runs_of_a_content_and_the_twins(
    pages: list[tuple[list[Run], set[str]]],
) -> None:
    index, alive = ContentIndex(), dict[str, Run]()
    for runs, removed in pages:
        index.update(RunDelta.from_runs(runs, removed=sorted(removed)))
        alive = {key: run for key, run in alive.items() if key not in removed}
        alive |= {run.run_id: run for run in runs}
        for content in "xy":
            found = index.runs(content)
            assert len(found) == len(set(found))
            assert set(found) == _plain(alive, content)
            counting = [
                key for key in _plain(alive, content) if not alive[key].tags.get(Tag.SUPERSEDED_BY)
            ]
            assert (content in index.twins()) is (len(counting) > 1)
        assert index.runs("never seen") == ()
    index.clear()
    assert index.runs("x") == ()
    assert not index.twins()


def test_runs_come_in_the_order_they_were_first_seen() -> None:
    index = ContentIndex()
    for run_id in "cab":
        index.update(RunDelta.from_runs([make_run(run_id, tags={Tag.CONTENT_ID: "x"})]))
    index.update(RunDelta.from_runs([make_run("a", tags={Tag.CONTENT_ID: "x"})]))
    assert index.runs("x") == ("c", "a", "b")
    assert index.twins() == {"x"}


def test_a_whole_listing_is_noted_without_its_removed_runs() -> None:
    table = make_table(*(make_run(key, tags={Tag.CONTENT_ID: "x"}) for key in "abc"), make_run("d"))
    table.apply(RunDelta(removed=("b",)))
    index = ContentIndex()
    index.note_all(table)
    assert index.runs("x") == ("a", "c")
    index.clear()
    index.note_all(RunTable())
    assert index.runs("x") == ()


def test_a_content_of_one_run_takes_no_collection() -> None:
    index = ContentIndex()
    runs = [make_run(f"r{at}", tags={Tag.CONTENT_ID: f"x{at}"}) for at in range(1_000)]
    index.update(RunDelta.from_runs(runs))
    held = sum(
        sys.getsizeof(part) for part in (index._runs, index._contents, index._runs.values())
    ) + sum(sys.getsizeof(found) for found in index._runs.values() if not isinstance(found, str))
    assert held < 150 * len(runs)
