"""The journal against the store: what one says that the other does not, and what to do about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from evaltui.domain.events import FileState
from evaltui.domain.ports import RunSource
from evaltui.domain.run import Run, Tag
from evaltui.engine.steps import compare
from evaltui.late_dataclass import dataclass
from evaltui.ledger.journal import Action, Entry, Journal


class Kind(StrEnum):
    """In what journal and store differ."""

    MISSING = "missing"
    """The store has no such run."""
    DELETED = "deleted"
    """The run was deleted."""
    RESTORED = "restored"
    """A run is there that the journal knows as deleted."""
    LACKING = "lacking"
    """The run lacks values, or its end."""
    CHANGED = "changed"
    """The run holds other values than were written."""
    TWINS = "twins"
    """Several runs count for one report."""
    REPLACED = "replaced"
    """A run counts although another one replaces it."""
    UNKNOWN = "unknown"
    """A run of this journal's that no entry knows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which journal and store differ.

    Attributes:
        kind: In what.
        what: One line; may hold foreign text.
        remedy: One line what to do.
        path: File of the report, or "" when none is known.
        run_id: The run.
        content_id: Identity of the report.
    """

    kind: Kind
    what: str
    remedy: str
    path: str = ""
    run_id: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """What a comparison of journal and store found.

    Attributes:
        finished: Entries that say they are in the store.
        runs: Active runs of the experiment that evaltui made.
        waiting: Entries that are not in the store yet, and say so.
        elsewhere: Runs that other journals made (other machines, or one that was set aside).
        differences: Sorted by path.
    """

    finished: int = 0
    runs: int = 0
    waiting: int = 0
    elsewhere: int = 0
    differences: tuple[Difference, ...] = ()


def audit(journal: Journal, source: RunSource) -> Audit:
    """Compare every finished entry with its run, and every run of the experiment with its entry.

    Args:
        journal: The journal of the experiment.
        source: A fresh reader of the experiment.

    Raises:
        StoreError: The store does not answer, or refuses.
        JournalError: The journal cannot be read.
    """
    return _Auditor(journal, source).run()


class _Auditor:
    """One comparison; keeps ids and content ids in memory, not runs."""

    def __init__(self, journal: Journal, source: RunSource) -> None:
        self._journal = journal
        self._source = source
        self._seen: set[str] = set()
        self._counting: defaultdict[str, list[str]] = defaultdict(list)
        self._elsewhere = 0

    def run(self) -> Audit:
        found = list(self._of_runs())
        found += self._twins()
        counts: Counter[str] = Counter()
        for entry in self._journal.all_entries():
            if not entry.active or entry.action is Action.ATTACH:
                continue
            counts["waiting"] += entry.is_open
            if entry.state is FileState.FINISHED:
                counts["finished"] += 1
                if entry.run_id not in self._seen:
                    found += filter(None, [self._of_absent(entry)])
        return Audit(
            counts["finished"],
            len(self._seen),
            counts["waiting"],
            self._elsewhere,
            tuple(sorted(found, key=lambda item: (item.path, item.run_id, item.kind))),
        )

    def _of_runs(self) -> Iterator[Difference]:
        for batch in self._source.changes():
            for run in batch.runs:
                content_id = run.tags.get(Tag.CONTENT_ID, "")
                if not content_id or not run.active or run.run_id in self._seen:
                    continue
                self._seen.add(run.run_id)
                if not compare.is_set_aside(run):
                    self._counting[content_id].append(run.run_id)
                yield from filter(None, [self._of_run(run)])

    def _of_run(self, run: Run) -> Difference | None:
        entries = self._journal.entries_of_run(run.run_id)
        if not entries:
            return self._without_entry(run)
        entry = entries[0]
        if not entry.active:
            return self._of_replaced(entry, run)
        if entry.state is FileState.DELETED:
            return _difference(
                Kind.RESTORED, entry, "it was deleted and is there again", "{retry} takes it back"
            )
        return None if entry.is_open else examine(entry, run)

    def _without_entry(self, run: Run) -> Difference | None:
        if run.tags.get(compare.JOURNAL_TAG) != self._journal.journal_id:
            self._elsewhere += 1
            return None
        content_id = run.tags[Tag.CONTENT_ID]
        if compare.is_set_aside(run):
            return None
        entry = self._journal.active_entry(content_id)
        if entry is not None and (entry.is_open or entry.run_id):
            return None  # it waits to be adopted or cleared; two that count are twins
        return Difference(
            Kind.UNKNOWN,
            f"this journal made it, from {run.tags.get(Tag.SOURCE, 'a file')}, and has no entry",
            "evaltui log REPORT adopts it; or delete it in MLflow",
            run_id=run.run_id,
            content_id=content_id,
        )

    def _of_replaced(self, entry: Entry, run: Run) -> Difference | None:
        if entry.state is not FileState.SUPERSEDED or compare.is_set_aside(run):
            return None
        later = self._journal.successors(entry.entry_id)
        done = [item for item in later if item.state is FileState.FINISHED and item.run_id]
        if not done or any(item.is_open for item in later):
            return None
        return _difference(
            Kind.REPLACED,
            entry,
            f"it counts, although run {done[-1].run_id} replaces it",
            f"set its tag {Tag.SUPERSEDED_BY} to {done[-1].run_id} in MLflow, or delete it",
        )

    def _twins(self) -> Iterator[Difference]:
        for content_id, run_ids in self._counting.items():
            if len(run_ids) < 2:  # noqa: PLR2004 - a twin is one of two
                continue
            entry = self._journal.active_entry(content_id)
            if entry is not None and entry.is_open:
                continue  # its own steps clear them
            first, *others = sorted(run_ids)
            yield Difference(
                Kind.TWINS,
                f"the same report as run {', '.join(others)}",
                "a watcher clears it within minutes; or delete all but one in MLflow",
                path="" if entry is None else entry.path,
                run_id=first,
                content_id=content_id,
            )

    def _of_absent(self, entry: Entry) -> Difference | None:
        """Look at a run that the listing did not bring: it may be newer, moved or deleted."""
        # One empty answer is not believed.
        run = self._source.get_run(entry.run_id) or self._source.get_run(entry.run_id)
        if run is None:
            return _difference(
                Kind.MISSING, entry, "the store has no such run", "{retry} logs it again"
            )
        if not run.active:
            return _difference(Kind.DELETED, entry, "it was deleted", "{retry} logs it again")
        return examine(entry, run)


def examine(entry: Entry, run: Run) -> Difference | None:
    """Return in what the run of a finished entry differs from it, or None.

    Names and tags may be changed by people; values, identity and end may not.
    """
    if run.tags.get(Tag.CONTENT_ID) != entry.content_id:
        what = f"its tag {Tag.CONTENT_ID} is of another report"
        return _difference(Kind.CHANGED, entry, what, _DELETE_FIRST)
    other = compare.differs(run, entry.plan)
    if other:
        return _difference(Kind.CHANGED, entry, other, _DELETE_FIRST)
    values = replace(entry.plan, name=run.name, tags={})
    lacks = compare.missing_values(run, values) or compare.missing_end(run, entry.plan)
    if lacks is not None:
        what = f"it lacks {lacks.what}"
        return _difference(Kind.LACKING, entry, what, "{retry} writes it again")
    return None


_DELETE_FIRST = "if that is wrong, delete the run in MLflow, then {retry}"


def _difference(kind: Kind, entry: Entry, what: str, remedy: str) -> Difference:
    return Difference(
        kind,
        what,
        remedy.replace("{retry}", "evaltui journal retry FILE"),
        entry.path,
        entry.run_id,
        entry.content_id,
    )
