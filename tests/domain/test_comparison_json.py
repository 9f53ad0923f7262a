from __future__ import annotations

import json
import math
from dataclasses import replace

from hypothesis import given

from evaltui.domain.cases import CaseTable
from evaltui.domain.comparison import Comparison, Terms, compare
from evaltui.domain.comparison_json import from_document, to_document
from tests.domain.builders import make_run
from tests.domain.case_builders import case_tables, run_of


@given(case_tables(), case_tables(), case_tables())
def test_comparisons_come_back_from_json_as_they_were(
    first: CaseTable, second: CaseTable, third: CaseTable
) -> None:
    found = [
        compare(
            run_of("a", first),
            run_of(name, table),
            baseline_cases=first,
            candidate_cases=table,
            terms=Terms(correction="holm"),
            notes=["a note"],
        )
        for name, table in (("b", second), ("c", third))
    ]
    text = json.dumps(to_document(found), allow_nan=False)
    assert from_document(json.loads(text)) == tuple(found)


def test_the_shape_is_the_one_that_scripts_rely_on() -> None:
    runs = [make_run(name, metrics={"f1": 0.5}, params={"x": name}) for name in "ab"]
    document = to_document([compare(*runs)])
    assert document["schema"] == "evaltui.compare/1"
    assert document["baseline"] == {"run_id": "a", "name": "a"}
    (only,) = document["comparisons"]
    told = {"candidate", "comparability", "metrics", "params", "cases", "verdict", "reason"}
    assert told <= only.keys()
    names = {"name", "direction", "unit", "baseline", "candidate", "delta", "relative", "ci"}
    names |= {"p_value", "p_adjusted", "test", "n", "verdict", "reason"}
    assert names <= only["metrics"][0].keys()
    assert only["params"] == [{"name": "x", "baseline": "a", "candidate": "b"}]


def test_numbers_that_are_not_finite_are_null() -> None:
    found: Comparison = compare(*(make_run(name, metrics={"f1": 0.5}) for name in "ab"))
    odd = replace(found, metrics=(replace(found.metrics[0], delta=math.inf, ci=(math.nan, 1.0)),))
    (only,) = to_document([odd])["comparisons"]
    assert only["metrics"][0]["delta"] is None
    assert only["metrics"][0]["ci"] == [None, 1.0]
