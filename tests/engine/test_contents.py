"""Who has which content agrees with a plain look at all runs, however they came and went."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.run import Run, Tag
from evaltui.domain.run_delta import RunDelta
from evaltui.domain.table import RunTable
from evaltui.engine.contents import runs_of_content, twins
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
def test_the_runs_of_a_content_and_the_twins_are_known(
    pages: list[tuple[list[Run], set[str]]],
) -> None:
    table, alive = RunTable(), dict[str, Run]()
    for runs, removed in pages:
        table.apply(RunDelta.from_runs(runs, removed=sorted(removed)))
        alive = {key: run for key, run in alive.items() if key not in removed}
        alive |= {run.run_id: run for run in runs}
        for content in "xy":
            found = runs_of_content(table, content)
            assert len(found) == len(set(found))
            assert set(found) == _plain(alive, content)
            counting = [
                key for key in _plain(alive, content) if not alive[key].tags.get(Tag.SUPERSEDED_BY)
            ]
            assert (content in twins(table)) is (len(counting) > 1)
        assert twins(table) <= {"x", "y"}
        assert runs_of_content(table, "never seen") == runs_of_content(table, "") == ()


def test_empty_tags_count_as_none() -> None:
    empty = {Tag.CONTENT_ID: "", Tag.SUPERSEDED_BY: ""}
    table = make_table(*(make_run(key, tags=empty) for key in "ab"))
    assert runs_of_content(table, "") == ()
    assert twins(table) == frozenset()
    tags = {Tag.CONTENT_ID: "x", Tag.SUPERSEDED_BY: ""}
    table.apply(RunDelta.from_runs([make_run(key, tags=tags) for key in "cd"]))
    assert twins(table) == {"x"}


def test_runs_come_in_the_order_they_were_first_seen() -> None:
    table = make_table(*(make_run(run_id, tags={Tag.CONTENT_ID: "x"}) for run_id in "cab"))
    table.apply(RunDelta.from_runs([make_run("a", tags={Tag.CONTENT_ID: "x"})]))
    assert runs_of_content(table, "x") == ("c", "a", "b")


def test_where_no_run_has_a_content_nothing_is_found() -> None:
    assert runs_of_content(RunTable(), "x") == ()
    assert twins(RunTable()) == frozenset()
