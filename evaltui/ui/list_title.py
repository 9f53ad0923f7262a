"""What stands above the run list: how many runs, in which order, held against what."""

from __future__ import annotations

from evaltui.domain.text import clean
from evaltui.ui.model import Workbench


def list_title(bench: Workbench) -> str:
    """Return the title of the list: count, filter, order, marks."""
    count = f"{len(bench.order):,} of {bench.total:,}" if bench.filter_text else f"{bench.total:,}"
    parts = [f"Runs {count}"]
    if bench.loading and bench.table.size:
        of = f" of {bench.table.total:,}" if bench.table.total else ""
        parts = [f"Runs {bench.table.size:,}{of} loading"]
    if bench.filter_text:
        parts.append(f"/{clean(bench.filter_text, limit=30)}")
    parts.append(f"by {clean(bench.sort.label, limit=30)}")
    if bench.marks:
        parts.append(f"{len(bench.marks)} marked")
    if bench.follow:
        parts.append("following")
    return "  ".join(parts)


def baseline_words(bench: Workbench) -> str:
    """Return the baseline that somebody chose, or "" without a choice."""
    run_id = bench.fixed_baseline_id
    if not run_id:
        return ""
    name = clean(bench.name_of(run_id), limit=32) or "(gone)"
    where = " (this session)" if bench.session_baseline is not None else ""
    return f"baseline {name}{where}"
