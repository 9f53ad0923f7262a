"""Which columns the run list shows at a width, in what order they give way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from rich.cells import cell_len

from evaltui.domain.metric import Unit
from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass


class Kind(StrEnum):
    """What a column shows."""

    FLAGS = "flags"
    NAME = "name"
    START = "start"
    MODE = "mode"
    METRIC = "metric"
    TREND = "trend"


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of one cell, cleaned, and the role that gives its style."""

    text: str
    role: str = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        width: Cells, without the blank that follows.
        metric: Metric name of a METRIC column, else "".
        right: Whether texts stand at the right.
        shrinks: Whether a long text is cut in its middle.
    """

    kind: Kind
    title: str
    width: int
    metric: str = ""
    right: bool = False
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The columns of the list at one width, left to right."""

    columns: tuple[Column, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics on show, left to right."""
        return tuple(column.metric for column in self.columns if column.kind is Kind.METRIC)


FLAGS_WIDTH = 3
START_WIDTH = 6
LONG_START_WIDTH = 12
TREND_WIDTH = 8
TREND_AFTER = 3
"""The trend comes after this many metrics besides the primary one."""
METRIC_WIDTH = 7
SHORTEST_NAME = 10
NARROW_BELOW = 100
"""Cells below which names and modes are cut shorter, for the sake of one more metric."""
COMFORTABLE_NAME, NARROW_NAME = 24, 16
LONGEST_MODE, NARROW_MODE = 12, 8
SHORTEST_MODE = 4

TITLES = {
    "build_success_rate": "build",
    "runtime_success_rate": "runtm",
    "type_safety_rate": "types",
    "tests_pass_rate": "tests",
    "databricks_connectivity_rate": "dbx",
    "data_returned_rate": "data",
    "ui_renders_rate": "ui",
    "overall_quality_score": "quality",
    "avg_appeval_100": "appeval",
    "avg_eff_units": "eff",
    "avg_local_runability_score": "runs",
    "avg_deployability_score": "deploy",
    "generation_cost_usd": "cost $",
    "total_output_tokens": "out tok",
    "avg_turns_per_app": "turns",
    "apps_per_dollar": "app/$",
}
"""Heads of the metrics of the app-evaluation family."""

_NOISE = {"avg", "mean", "total", "rate", "score", "success", "usd", "pass"}


def title_of(metric: str) -> str:
    """Return a head of at most METRIC_WIDTH cells for a metric; the name may be foreign."""
    if metric in TITLES:
        return TITLES[metric]
    name = clean(metric).rpartition("/")[2]
    words = name.replace("-", "_").replace(".", "_").split("_")
    telling = [word for word in words if word and word.lower() not in _NOISE] or words
    text = telling[0] if len(telling) == 1 else "_".join(telling)
    while cell_len(text) > METRIC_WIDTH:
        text = text[:-1]
    return text or clean(metric)[:METRIC_WIDTH]


def make_plan(
    width: int,
    *,
    metrics: Sequence[str],
    primary: str | None,
    longest_name: int,
    longest_mode: int,
    trend: bool,
    unit_of: Callable[[str], Unit],
) -> ColumnPlan:
    """Choose columns for a width.

    State, name and the primary metric always stay. The others are added while they fit, in the
    order start, mode, further metrics in the given order, trend; what is left goes to the name,
    then to the start.

    Args:
        width: Cells for all columns with the blank after each.
        metrics: Metrics worth a column, in order of display.
        primary: The primary metric, or None.
        longest_name: Cells of the longest name on show.
        longest_mode: Cells of the longest mode, 0 without any.
        trend: Whether a sparkline column makes sense.
        unit_of: Unit of a metric, which decides how wide its numbers are.
    """
    narrow = width < NARROW_BELOW
    name = max(SHORTEST_NAME, min(longest_name, NARROW_NAME if narrow else COMFORTABLE_NAME))
    room = _Room(width - (FLAGS_WIDTH + 1) - (name + 1))
    chosen: dict[str, int] = {}
    if primary is not None and primary in metrics:
        chosen[primary] = _metric_width(primary, unit_of(primary))
        room.left -= chosen[primary] + 1
    start = room.take(START_WIDTH)
    mode = min(max(longest_mode, SHORTEST_MODE), NARROW_MODE if narrow else LONGEST_MODE)
    mode = mode if longest_mode else 0
    mode = mode if mode and start and room.take(mode) else 0
    has_trend = False
    further = [metric for metric in metrics if metric not in chosen]
    for index, metric in enumerate([*further, ""]):
        if trend and primary is not None and index == min(TREND_AFTER, len(further)):
            has_trend = room.take(TREND_WIDTH)
        cells = _metric_width(metric, unit_of(metric)) if metric else 0
        if not metric or not room.take(cells):
            break
        chosen[metric] = cells
    if room.left < 0:
        name = max(SHORTEST_NAME // 2, name + room.left)
    else:
        extra = min(room.left, max(0, longest_name - name))
        name += extra
        room.left -= extra
        wider = min(room.left, min(longest_mode, LONGEST_MODE) - mode) if mode else 0
        mode += max(0, wider)
        room.left -= max(0, wider)
    longer = LONG_START_WIDTH - START_WIDTH
    start_width = LONG_START_WIDTH if room.left >= longer else START_WIDTH
    columns = [
        Column(Kind.FLAGS, "", FLAGS_WIDTH),
        Column(Kind.NAME, "run", name, shrinks=True),
        *([Column(Kind.START, "start", start_width)] if start else []),
        *([Column(Kind.MODE, "mode", mode, shrinks=True)] if mode else []),
        *(
            Column(Kind.METRIC, title_of(metric) + " ", chosen[metric], metric=metric, right=True)
            for metric in metrics
            if metric in chosen
        ),
        *([Column(Kind.TREND, "trend", TREND_WIDTH)] if has_trend else []),
    ]
    return ColumnPlan(tuple(columns))


class _Room:
    """Cells that are left to give away."""

    def __init__(self, cells: int) -> None:
        self.left = cells

    def take(self, cells: int) -> bool:
        """Take cells and the blank after them when they are there; say whether they were."""
        if self.left < cells + 1:
            return False
        self.left -= cells + 1
        return True


_NUMBER_WIDTHS = {Unit.RATE: 4, Unit.SCORE: 5, Unit.PERCENT: 5, Unit.USD: 6}


def _metric_width(metric: str, unit: Unit) -> int:
    """Return the cells of a metric's column: its head or its numbers, and the sign after them."""
    return max(cell_len(title_of(metric)), _NUMBER_WIDTHS.get(unit, METRIC_WIDTH)) + 1
