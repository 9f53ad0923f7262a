"""Which runs a command compares: what people name, else the latest and its baseline."""

from __future__ import annotations

from evaltui.cli.output import note
from evaltui.domain.ages import older_text
from evaltui.domain.select import BaselineChoice, default_baseline, eligible_order, resolve
from evaltui.errors import ConfigError
from evaltui.reading import Reading

MOST_CANDIDATES = 19
"""A comparison is of 2 to 20 runs."""


def choose_pairs(
    reading: Reading, names: list[str], against: str | None
) -> tuple[int, list[int]] | None:
    """Return the baseline's row and the candidates' rows; None, with a line on stderr, without.

    Args:
        reading: The experiment.
        names: Runs as they were named: none for the latest, several for a baseline and candidates.
        against: The baseline by name, or None.

    Raises:
        RunNotFoundError: A name is no run.
        ConfigError: A run would be compared with itself.
    """
    table, shared = reading.table, reading.shared_baseline
    rows = [resolve(table, name, baseline_run_id=shared) for name in names]
    fixed = resolve(table, against, baseline_run_id=shared) if against else None
    if fixed is None and len(rows) > 1:
        fixed = rows.pop(0)
    if not rows:
        rows = [int(row) for row in eligible_order(table)[::-1] if row != fixed][:1]
    if not rows:
        note("nothing to compare: the experiment has no finished run")
        return None
    if fixed is not None:
        if fixed in rows:
            raise ConfigError("a run cannot be compared with itself", hint="name two runs")
        candidates = list(dict.fromkeys(rows))
        if len(candidates) > MOST_CANDIDATES:
            raise ConfigError(
                f"{len(candidates)} candidates are too many",
                hint=f"at most {MOST_CANDIDATES}, or groups of runs: compare --group-by",
            )
        return fixed, candidates
    choice = _baseline_of(reading, rows[0])
    if choice.row is None:
        note(f"nothing to compare {table.names[rows[0]]} with: {choice.why}")
        return None
    note(f"baseline: {choice.why}{_age(reading, choice.row, rows[0])}")
    return choice.row, [rows[0]]


def _baseline_of(reading: Reading, row: int) -> BaselineChoice:
    """Return the baseline of a run; the shared one does not serve for itself."""
    shared = reading.shared_baseline
    if shared == reading.table.run_ids[row]:
        note("this run is the shared baseline itself: compared with the previous one")
        shared = ""
    return default_baseline(reading.table, row, shared_run_id=shared)


def _age(reading: Reading, row: int, candidate: int) -> str:
    """Return how much older a baseline is than the candidate, or "" where that is not known."""
    before, after = (reading.run(item).started_ms for item in (row, candidate))
    shared = reading.table.run_ids[row] == reading.shared_baseline
    text = older_text(before, after, is_shared=shared)
    return f", {text}" if text else ""
