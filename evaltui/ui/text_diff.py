"""Two texts against each other, line by line: cleaned, and bounded whatever they are."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from evaltui.domain.text import clean_lines
from evaltui.late_dataclass import dataclass

MOST_LINES = 400
"""Lines of each text that are compared, after what both have at the beginning and the end."""

_CONTEXT = 3
_WIDTH = 500


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line: `sign` is "-" for the first text only, "+" for the second, " " both, "@" a gap."""

    sign: str
    text: str


def text_diff(before: str, after: str) -> list[DiffLine]:
    """Return what differs between two texts, with some lines around it; empty when nothing does.

    Args:
        before: First text, foreign.
        after: Second text, foreign.
    """
    first, second = (clean_lines(text, width=_WIDTH) if text else [] for text in (before, after))
    if first == second:
        return []
    head = _common(first, second)
    tail = _common(first[head:][::-1], second[head:][::-1])
    ends = len(first) - tail, len(second) - tail
    keep = max(0, head - _CONTEXT)
    low, high = first[head : ends[0]], second[head : ends[1]]
    cut = len(low) > MOST_LINES or len(high) > MOST_LINES
    lines = [DiffLine("@", f"{keep:,} equal lines")] if keep else []
    lines += [DiffLine(" ", text) for text in first[keep:head]]
    lines += _changes(low[:MOST_LINES], high[:MOST_LINES])
    if cut:
        lines.append(DiffLine("@", f"only {MOST_LINES} lines from the first change on compared"))
    else:
        lines += [DiffLine(" ", text) for text in first[ends[0] : ends[0] + _CONTEXT]]
        if tail > _CONTEXT:
            lines.append(DiffLine("@", f"{tail - _CONTEXT:,} equal lines"))
    return lines


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _changes(first: list[str], second: list[str]) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(None, first, second)
    last = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        gap = group[0][1] - last
        if gap > 0:
            yield DiffLine("@", f"{gap:,} equal lines")
        last = group[-1][2]
        for kind, low, high, other_low, other_high in group:
            if kind == "equal":
                yield from (DiffLine(" ", text) for text in first[low:high])
                continue
            yield from (DiffLine("-", text) for text in first[low:high])
            yield from (DiffLine("+", text) for text in second[other_low:other_high])
    if last < len(first):
        yield DiffLine("@", f"{len(first) - last:,} equal lines")
