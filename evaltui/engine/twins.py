"""Runs that stand for the same report twice, made by a lost answer or by another machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from evaltui.domain.run import Run, Tag
from evaltui.engine.rewrite import evaluation_params
from evaltui.engine.steps import compare
from evaltui.engine.steps.link import Links
from evaltui.engine.steps.store import Store
from evaltui.errors import StoreError
from evaltui.ledger.journal import Journal

GRACE_S = 300.0
"""How long an unfinished twin of another machine's may still be worked on."""


class Twins:
    """Finds and clears twins.

    Among complete twins the smallest run id stays, so that two machines that look at the same
    moment choose the same one. Complete runs with other values are other versions, not twins.

    Args:
        journal: The journal.
        store: The store.
        clock: Epoch seconds.
    """

    def __init__(self, journal: Journal, store: Store, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._store = store
        self._links = Links(journal, store)
        self._clock = clock
        self._first_seen: dict[str, float] = {}

    def clear(self, runs: Iterable[Run]) -> tuple[str, ...]:
        """Delete (softly) the losers among these runs; return their ids.

        Raises:
            StoreError: The store failed for some contents; the others were dealt with.
        """
        groups: dict[str, list[Run]] = defaultdict(list)
        runs = list(runs)
        for run in runs:
            content_id = run.tags.get(Tag.CONTENT_ID)
            if content_id and _counts(run):
                groups[content_id].append(run)
        twins = {content_id: found for content_id, found in groups.items() if len(found) > 1}
        single = {run.run_id for run in runs} - {
            r.run_id for found in twins.values() for r in found
        }
        self._first_seen = {key: at for key, at in self._first_seen.items() if key not in single}
        cleared: list[str] = []
        failed: StoreError | None = None
        for content_id, found in twins.items():
            try:
                cleared += self._clear_group(content_id, found)
            except StoreError as error:
                failed = error
        if failed is not None:
            raise failed
        return tuple(cleared)

    def _clear_group(self, content_id: str, found: list[Run]) -> tuple[str, ...]:
        entry = self._journal.active_entry(content_id)
        if entry is not None and entry.is_open:
            return ()  # its own steps look for twins
        winner, *others = sorted(found, key=_order)
        losers = [run for run in others if self._loses(run, winner)]
        sure = compare.is_complete(winner) and not compare.is_set_aside(winner)
        if not sure or not losers or not self._is_still(winner):
            return ()
        losers = [run for run in losers if self._is_still(run)]
        cleared = self._links.clear_twins(losers, winner.run_id)
        if entry is not None and entry.run_id in cleared:
            self._journal.mark_entry(entry.entry_id, entry.state, run_id=winner.run_id)
        return cleared

    def _loses(self, run: Run, winner: Run) -> bool:
        if _other_values(run, winner):
            return False
        if compare.is_complete(run) or self._is_ours(run):
            return True
        first_seen = self._first_seen.setdefault(run.run_id, self._clock())
        return self._clock() - first_seen >= GRACE_S

    def _is_ours(self, run: Run) -> bool:
        return run.tags.get(compare.JOURNAL_TAG) == self._journal.journal_id

    def _is_still(self, run: Run) -> bool:
        """Return whether a run is what the listing said, or further: listings can be old."""
        now = self._store.source.get_run(run.run_id)
        return now is not None and _counts(now) and _order(now) == _order(run)


def _counts(run: Run) -> bool:
    """Return whether a run is in the account, or was to leave it and could not be deleted."""
    return run.active and not run.tags.get(Tag.SUPERSEDED_BY)


def _order(run: Run) -> tuple[bool, tuple[bool, str]]:
    return bool(run.tags.get(Tag.DUPLICATE_OF)), compare.order(run)


def _other_values(run: Run, winner: Run) -> bool:
    """Return whether two runs hold different values for the same metric or param."""
    held = evaluation_params(winner.params)
    return any(
        winner.metrics.get(name, value) != value for name, value in run.metrics.items()
    ) or any(held.get(name, text) != text for name, text in evaluation_params(run.params).items())
