"""The one command: parts run as processes, what they measured is gathered, nothing is lost."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from all import PARTS, Part, Result, rows_of, run, summary, table_of
from figures import NO_TARGET, Figure, report
from rich.console import Console

HERE = Path(__file__).resolve().parent
PART = Part("a part", "part.py")
FIGURES = (
    Figure("start", 0.4, "x the other", 0.5, "40 ms beside 100 ms"),
    Figure("key", 0.7, "x the other", 0.6, "7 ms beside 10 ms"),
    Figure("memory", 1_234.5, "MB", NO_TARGET),
)


def command(to: Path, *lines: str) -> list[str]:
    """Return a program that has what every benchmark program has, and does as `lines` say."""
    head = f"import sys; sys.path.insert(0, {str(HERE)!r})"
    return [sys.executable, "-c", "\n".join([head, *lines]), str(to)]


def test_a_figure_is_the_same_after_json() -> None:
    for figure in FIGURES:
        row = json.loads(json.dumps(figure.as_row()))
        assert Figure.from_row(row) == figure
        assert row["holds"] is figure.holds
    assert FIGURES[2].as_row()["target"] is None


def test_a_program_tells_by_its_status_whether_a_target_was_missed(tmp_path: Path) -> None:
    to = tmp_path / "figures.json"
    assert report([FIGURES[:1], FIGURES[2:]], None) == 0
    assert report([FIGURES[:1], FIGURES[1:]], to) == 1
    assert [row["what"] for row in json.loads(to.read_text())] == ["start", "key", "memory"]


def test_what_a_part_measured_is_gathered(tmp_path: Path) -> None:
    to = tmp_path / "figures.json"
    lines = (
        "from pathlib import Path; from figures import Figure, report",
        "figures = [Figure('key', 0.7, 'x the other', 0.6, 'note')]",
        "sys.exit(report([figures], Path(sys.argv[1])))",
    )
    result = run(PART, command(to, *lines), to)
    assert result == Result(PART, (Figure("key", 0.7, "x the other", 0.6, "note"),))
    assert rows_of([result]) == [{"part": "a part", **result.figures[0].as_row()}]


@pytest.mark.parametrize(
    ("line", "trouble", "failed"),
    [("sys.exit(0)", "not installed", False), ("raise OSError('no')", "ended with 1", True)],
)
def test_a_part_without_figures_says_why(
    tmp_path: Path, line: str, trouble: str, failed: bool
) -> None:
    to = tmp_path / "figures.json"
    result = run(PART, command(to, line), to)
    assert (result.figures, result.trouble, result.failed) == ((), trouble, failed)
    assert summary([result]) == f"0 figures; 0 of 0 targets hold; a part: {trouble}"


def test_the_table_shows_ratios_targets_and_what_was_missed() -> None:
    console = Console(width=140, file=io.StringIO())
    console.print(table_of([Result(PART, FIGURES)]))
    assert isinstance(console.file, io.StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert any("start, beside the other" in line and "0.4 x" in line for line in lines)
    assert any(line.endswith("≤ 0.6 x │ MISSED") for line in lines)
    assert any("1,234 MB" in line and line.endswith("· │ · │ reported") for line in lines)
    assert summary([Result(PART, FIGURES)]) == "3 figures; 1 of 2 targets hold"


def test_every_part_is_there_and_takes_what_it_is_given(tmp_path: Path) -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)
    assert len({(part.script, part.options) for part in PARTS}) == len(PARTS)
    for part in PARTS:
        source = (HERE / part.script).read_text(encoding="utf-8")
        for quick in (False, True):
            words = part.command(quick=quick, place=tmp_path, to=tmp_path / "figures.json")
            assert "options_of(" in source, part  # which adds --json
            assert ("place=True" in source) is ("--place" in words), part
            for word in words:
                if word.startswith("--") and word not in {"--json", "--place", "--rounds"}:
                    assert f'"{word}"' in source, (part, word)


def test_without_the_program_beside_it_nothing_is_measured_and_that_is_said(tmp_path: Path) -> None:
    to = tmp_path / "figures.json"
    words = ["--wandb", str(tmp_path / "wandb"), "--json", str(to)]
    told = subprocess.run(
        [sys.executable, str(HERE / "beside_leet.py"), *words],
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0
    assert told.stderr.startswith(f"not installed: {tmp_path / 'wandb'}")
    assert not to.exists()


def test_a_part_that_there_is_none_of_is_an_error() -> None:
    told = subprocess.run(
        [sys.executable, str(HERE / "all.py"), "--only", "no such part"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 2
    assert PARTS[0].name in told.stderr
