"""A large case table gives the rows that it gives when it is small."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltui.domain.cases import from_rows
from evaltui.engine import table_reading
from evaltui.engine.table_reading import read_rows

CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, -0.0, 1.0, 0.1])
    | st.sampled_from(["pass", "fail", "error", "1", "a", "é" * 200])
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.sampled_from(["case_id", "status", "f1", "group"]), min_size=width,
                 max_size=width),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6),
    )
)  # fmt: skip


def walked(data: bytes) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_reading, "LARGE_BYTES", 0)
        patch.setattr(table_reading, "_WINDOW_BYTES", 5)
        return read_rows(data)


@given(TABLES)
@settings(max_examples=100, deadline=None)
def test_a_walked_table_has_the_cells_of_a_loaded_one(table: tuple[list[str], list[Any]]) -> None:
    columns, rows = table
    data = json.dumps({"columns": columns, "data": rows}).encode()
    loaded, found = read_rows(data), walked(data)
    assert loaded is not None
    assert found[0] == loaded[0] == columns
    assert repr([list(row) for row in found[1]]) == repr(loaded[1])  # 0.0 is not -0.0, nor 0
    assert len(found[1]) == len(rows)
    one, other = from_rows(*loaded), from_rows(*found)
    assert (one.ids, one.groups) == (other.ids, other.groups)
    assert np.array_equal(one.outcome, other.outcome, equal_nan=True)


@pytest.mark.parametrize(
    "document",
    [
        7,
        [],
        {},
        {"data": [[1]]},
        {"columns": 5, "data": [[1]]},
        {"columns": ["a"], "data": [[1], [1, 2]]},
        {"columns": ["a"], "data": [1]},
        {"columns": ["a"], "data": {"a": 1}},
    ],
)
def test_what_is_no_table_is_none_in_either_way(document: Any) -> None:
    data = json.dumps(document).encode()
    assert walked(data) is None
    assert walked(data[:-1]) is None
    loaded = read_rows(data)
    assert loaded is None or loaded[1]


def test_the_columns_may_stand_behind_the_rows() -> None:
    columns, rows = walked(b'{"data": [["a", 1], ["b", 2]], "columns": ["id", "n"]}')
    assert (columns, list(rows), rows[1]) == (["id", "n"], [("a", 1), ("b", 2)], ("b", 2))
