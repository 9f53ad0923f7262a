"""Signs, figures and words of verdicts and of cases."""

from __future__ import annotations

import math

import pytest
from judged import COLUMNS, Judged, rows

from evaltui.domain.cases import from_rows
from evaltui.domain.comparison import (
    CaseChange,
    CaseRow,
    Change,
    MetricDelta,
    MetricTest,
    Verdict,
)
from evaltui.domain.metric import Direction, Unit
from evaltui.ui.change_lines import CaseChanges, ChangeLines, ShowCases, by_case
from evaltui.ui.diff_lines import DiffLines, DiffView
from evaltui.ui.glyphs import ASCII, BLOCK
from evaltui.ui.statistics import statistics_lines
from evaltui.ui.verdicts import Scale, Show, interval_text, sign_of, word_of
from evaltui.ui.widgets.table_columns import fit_columns


def _delta(
    verdict: Verdict,
    *,
    unit: Unit = Unit.RATE,
    ci: tuple[float, float] | None = None,
    kind: str = "difference",
    change: Change = Change.WORSE,
    before: float | None = 0.8,
    after: float | None = 0.7,
) -> MetricDelta:
    detail = MetricTest(kind, 0.0, True, 0.0, None, None, None, None, None, 0, 0, None, None, "")
    moved = None if before is None or after is None else after - before
    ways = (Direction.HIGHER, unit, before, after, moved, None, change)
    return MetricDelta("m_rate", *ways, ci=ci, verdict=verdict, reason="why", detail=detail)


@pytest.mark.parametrize(
    ("verdict", "sign"),
    [
        (Verdict.REGRESSED, "!"),
        (Verdict.SOFT, "!"),
        (Verdict.IMPROVED, "+"),
        (Verdict.STABLE, "="),
        (Verdict.UNDECIDED, "?"),
        (Verdict.INCOMPARABLE, "#"),
    ],
)
def test_a_verdict_is_a_sign_and_a_word_never_colour_alone(verdict: Verdict, sign: str) -> None:
    delta = _delta(verdict)
    assert sign_of(delta, tested=True)[0] == sign
    assert word_of(delta, tested=True) == f"{sign} {verdict.value}"


def test_before_the_test_a_move_beyond_the_tolerance_has_its_sign() -> None:
    assert sign_of(_delta(Verdict.UNDECIDED), tested=False) == ("!", "worse")
    assert word_of(_delta(Verdict.UNDECIDED), tested=False) == "worse"


def test_missing_says_who_has_it() -> None:
    only = _delta(Verdict.INCOMPARABLE, change=Change.MISSING, after=None)
    assert word_of(only, tested=True) == "only in A"
    other = _delta(Verdict.INCOMPARABLE, change=Change.MISSING, before=None)
    assert word_of(other, tested=True, letter="D") == "only in D"


@pytest.mark.parametrize(
    ("unit", "kind", "ci", "scale", "text"),
    [
        (Unit.RATE, "difference", (-0.1, 0.2), Scale.POINTS, "[-10, +20]pp"),
        (Unit.RATE, "difference", (-0.1, 0.2), Scale.ABSOLUTE, "[-0.1, +0.2]"),
        (Unit.RATE, "difference", (-0.1, 0.2), Scale.RELATIVE, "[-12.5, +25]%"),
        (Unit.PERCENT, "difference", (-1.25, 0.0), Scale.POINTS, "[-1.25, 0]pp"),
        (Unit.USD, "ratio", (1.014, 1.09), Scale.POINTS, "x[1.01, 1.09]"),
        (Unit.USD, "ratio", (1.01, 1.09), Scale.RELATIVE, "[+1, +9]%"),
        (Unit.TOKENS, "ratio", (0.5, 1234.0), Scale.POINTS, "x[0.50, 1234]"),
        (Unit.SCORE, "difference", (-3.35, 0.004), Scale.POINTS, "[-3.35, +0.004]"),
        (Unit.RAW, "difference", (-1e9, 1e12), Scale.POINTS, "[-1.0G, +1.0T]"),
        (Unit.RAW, "difference", (-math.inf, math.nan), Scale.POINTS, "[?, ?]"),
    ],
)
def test_an_interval_has_the_unit_of_its_effect(
    unit: Unit, kind: str, ci: tuple[float, float], scale: Scale, text: str
) -> None:
    delta = _delta(Verdict.UNDECIDED, unit=unit, kind=kind, ci=ci)
    assert interval_text(delta, scale, BLOCK) == text


def test_no_interval_is_no_text() -> None:
    assert interval_text(_delta(Verdict.UNDECIDED), Scale.POINTS, BLOCK) == ""


@pytest.mark.parametrize("width", [20, 38, 56, 78, 98, 118, 198])
@pytest.mark.parametrize("candidates", [1, 2, 4])
@pytest.mark.parametrize("glyphs", [BLOCK, ASCII])
def test_the_columns_of_the_diff_fit_and_the_chosen_candidate_is_among_them(
    width: int, candidates: int, glyphs: object
) -> None:
    names = ["worse", "same", "better", "unsure"][:candidates]
    found = Judged().comparisons("base", names)
    for chosen in range(candidates):
        view = DiffView(chosen=chosen)
        lines = DiffLines(found, glyphs=glyphs, view=view, width=width, tested=True)  # type: ignore[arg-type]
        total = sum(column.width + 1 for _, column in fit_columns(lines.columns, width - 2))
        assert total <= max(width - 1, 56)
        assert chosen in lines.shown
        assert all(len(lines.cells(at)) <= len(lines.columns) for at in range(len(lines)))


@pytest.mark.parametrize("show", list(Show))
def test_a_filter_lists_what_it_says(show: Show) -> None:
    found = Judged().comparisons("base", ["worse", "better"])
    lines = DiffLines(found, glyphs=BLOCK, view=DiffView(show=show), tested=True)
    for at in range(len(lines)):
        deltas = lines.metric(at)
        if deltas is None or show is Show.ALL:
            continue
        wanted = {
            Show.REGRESSED: {Verdict.REGRESSED, Verdict.SOFT},
            Show.IMPROVED: {Verdict.IMPROVED},
        }
        assert any(delta.verdict in wanted[show] for delta in deltas)


def _row(change: CaseChange, check: str = "status", before: object = "pass") -> CaseRow:
    return CaseRow("app", check, before, "fail", change)  # type: ignore[arg-type]


def test_a_case_is_one_line_with_its_outcome_and_the_checks_that_changed() -> None:
    case = CaseChanges(
        "app",
        (
            _row(CaseChange.REGRESSED),
            CaseRow("app", "tests_pass", 1.0, 0.0, CaseChange.REGRESSED),
            CaseRow("app", "score", None, 2.5, CaseChange.MISSING),
            CaseRow("app", "build", 1.0, 1.0, CaseChange.SAME),
        ),
    )
    cells = [cell.text for cell in ChangeLines([case], glyphs=BLOCK).cells(0)]
    assert cells == ["app", "pass → fail", "! regressed", "tests_pass 1→0!  score ·→2.5"]
    ascii_cells = [cell.text for cell in ChangeLines([case], glyphs=ASCII).cells(0)]
    assert all(text.isascii() for text in ascii_cells)


def test_a_check_that_got_worse_in_a_case_that_fails_anyway_is_told_apart() -> None:
    case = CaseChanges(
        "app",
        (
            CaseRow("app", "build", 1.0, 0.0, CaseChange.REGRESSED),
            CaseRow("app", "status", "fail", "fail", CaseChange.SAME),
        ),
    )
    cells = [cell.text for cell in ChangeLines([case], glyphs=BLOCK).cells(0)]
    assert cells[1:3] == ["fail", "! check worse"]


def test_outcomes_that_got_worse_come_first_and_equal_cases_are_hidden() -> None:
    found = Judged().comparisons("base", ["worse"])[0]
    assert found.cases is not None
    cases = by_case(found.cases)
    lines = ChangeLines(cases, glyphs=BLOCK)
    assert [lines.case(at).worst for at in range(11)] == [CaseChange.REGRESSED] * 11  # type: ignore[union-attr]
    assert len(lines) + lines.hidden == 24
    assert len(ChangeLines(cases, glyphs=BLOCK, equal=True)) == 24
    only = ChangeLines(cases, glyphs=BLOCK, show=ShowCases.ERROR)
    assert [only.key(at) for at in range(len(only))] == ["app-023"]
    assert ChangeLines(cases, glyphs=BLOCK, show=ShowCases.FIXED).next_regression(0, 1) is None


def test_case_tables_of_the_tests_are_what_they_say() -> None:
    table = from_rows(COLUMNS, rows(11))
    assert len(table) == 24
    assert int(table.errored.sum()) == 1


@pytest.mark.parametrize("name", ["worse", "same", "better", "unsure"])
def test_the_statistics_of_every_metric_can_be_put_into_words(name: str) -> None:
    comparison = Judged().comparisons("base", [name])[0]
    for delta in comparison.metrics:
        text = "\n".join(line.plain for line in statistics_lines(comparison, delta, BLOCK))
        assert delta.verdict.value in text
        assert "None" not in text
        if delta.test is not None:
            assert delta.test in text
            assert "p adjusted" in text
