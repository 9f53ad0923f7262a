"""Comparisons as a comment under a pull request, in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from evaltui.cli.comparison_tables import (
    case_table,
    case_title,
    delta_text,
    interval_text,
    is_supporting,
    left_out,
)
from evaltui.cli.output import Column, Table, markdown_text, to_markdown
from evaltui.domain.comparison import Comparison, MetricDelta, Verdict

MOST_METRICS = 100
"""Metrics of one comparison that are listed: a comment may have 65,536 characters."""

_URL_SIGNS = ":/?#@!$&'()*+,;=%[]~"
"""What stays in an address; everything else, such as angle brackets, is percent-encoded."""

_TELLING = frozenset({Verdict.REGRESSED, Verdict.SOFT, Verdict.IMPROVED})
_HEADS = ("metric", "baseline", "candidate", "delta", "interval", "verdict", "why")
_RIGHT = frozenset(_HEADS[1:4])


def to_comment(
    results: Sequence[Comparison], *, supporting: bool = False, page: str | None = None
) -> str:
    """Return the comment: verdict, what moved, cases, and everything else folded away.

    Args:
        results: The comparisons, at least one.
        supporting: List counts, spreads and standard errors behind other metrics, too.
        page: Address of the web page that shows the runs side by side, or None.
    """
    parts = [_comment(result, supporting=supporting) for result in results]
    if page:
        parts.append(f"[The runs in MLflow](<{quote(page, safe=_URL_SIGNS)}>)")
    return "\n\n".join(parts) + "\n"


def _comment(result: Comparison, *, supporting: bool) -> str:
    shown = [delta for delta in result.metrics if supporting or not is_supporting(delta)]
    telling = [
        delta for delta in shown if delta.name in result.primaries or delta.verdict in _TELLING
    ]
    names = [_bold(item.name) for item in (result.candidate, result.baseline)]
    parts = [
        f"### {result.verdict.value.capitalize()}: {names[0]} against {names[1]}",
        markdown_text(result.reason),
        "\n".join(f"- {item.level}: {markdown_text(item.reason)}" for item in result.comparability),
        to_markdown(_metrics(telling)) if telling else "",
        *_cases(result),
        _folded(f"All metrics ({len(shown)})", to_markdown(_metrics(shown[:MOST_METRICS]))),
        _foot(result, len(shown)),
    ]
    return "\n\n".join(part for part in parts if part)


def _metrics(deltas: Sequence[MetricDelta]) -> Table:
    rows = tuple(
        (
            delta.name,
            delta.baseline,
            delta.candidate,
            delta_text(delta, None),
            interval_text(delta, None),
            delta.verdict.value,
            delta.reason,
        )
        for delta in deltas
    )
    return Table(tuple(Column(name, right=name in _RIGHT) for name in _HEADS), rows)


def _cases(result: Comparison) -> list[str]:
    if result.cases is None:
        return ["No cases of both runs are known: only the runs' own values were compared."]
    table = case_table(result.cases)
    title = case_title(result.cases)
    parts = [markdown_text(title[:1].upper() + title[1:])]
    if table.rows:
        more = left_out(result.cases)
        rest = f"\n\nand {more} more" if more else ""
        listed = to_markdown(Table(table.columns, table.rows)) + rest
        parts.append(_folded(f"Changed cases ({len(table.rows) + more})", listed))
    return parts


def _foot(result: Comparison, shown: int) -> str:
    left = shown - MOST_METRICS
    more = f"{left} more metrics are left out. " if left > 0 else ""
    corrected = {"bh": "Benjamini-Hochberg", "holm": "Holm", "none": "not corrected"}
    return (
        f"<sub>{more}alpha = {result.alpha:g}, {result.tests} tests, "
        f"p-values: {corrected[result.correction]}.</sub>"
    )


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _bold(text: str) -> str:
    return f"**{markdown_text(text)}**"
