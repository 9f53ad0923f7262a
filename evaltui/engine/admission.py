"""From a settled file to journal entries: what is in it, and what is to be done about it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.plan import ArtifactFile
from evaltui.domain.report import ModeSource, Report, ReportKind
from evaltui.engine.neighbours import source_of
from evaltui.engine.outcome import IngestSettings, Outcome, ReportFile
from evaltui.engine.provenance import git_commit
from evaltui.engine.rewrite import Change, Reading, change_of, mode_wins, refreshed
from evaltui.errors import ReportError, ReportSyntaxError, UnknownFormatError
from evaltui.late_dataclass import dataclass
from evaltui.ledger.journal import Action, Entry, Journal, NewEntry
from evaltui.readers import (
    Recognition,
    has_report_name,
    join_generation,
    pick_generation,
    read_reports,
    recognise,
)
from evaltui.tracking.mapping import PlanContext, choose_mode, plan_run, values_digest

GENERATION_TAG = "evaltui.generation"
"""Tag that says why no bulk file was joined."""

CORRECT = "correct the file: it is read again when it changes"

READ_ONLY = "read-only: nothing is written to the store"

_STARTED = frozenset(
    {FileState.INTENT, FileState.CREATED, FileState.LOGGED, FileState.ARTIFACTS, FileState.VERIFIED}
)
"""States of entries of which the store may hold a run."""

_BEGIN_TRIES = 5  # another process can begin or replace the same content between look and begin


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that was read, or the outcome when there is nothing to log in it.

    Attributes:
        recognition: What the head says.
        reports: The reports, at least one, unless `outcome` is there.
        outcome: Why there are none.
    """

    recognition: Recognition
    reports: tuple[Report, ...] = ()
    outcome: Outcome | None = None


def parse(file: ReportFile, *, max_whole: int) -> Parsed:
    """Recognise and read a file; never raises for what is in it.

    Args:
        file: The file.
        max_whole: Largest part of one that is not held that is read whole, in bytes.

    Raises:
        FileChangedError: One that is not held changed.
        OSError: It cannot be read any more.
    """
    path = file.file.stamp.path
    found = recognise(file.file.head, path.name)
    outcome = Outcome(str(path), FileState.IGNORED, format=found.format, role=found.role)
    if found.role is FileRole.UNKNOWN:
        return Parsed(found, outcome=_unknown(outcome, file))
    if found.role is FileRole.COMPANION or (found.role is FileRole.CASE and not file.named):
        return Parsed(found, outcome=_not_alone(outcome, file))
    try:
        reports = read_reports(
            file.file.content,
            source_of(file.file),
            neighbours=file.neighbours,
            max_whole=max_whole,
            keeps_texts=lambda _: False,  # a run holds none
        )
    except UnknownFormatError:
        return Parsed(found, outcome=_unknown(outcome, file))
    except ReportError as error:
        incomplete = isinstance(error, ReportSyntaxError) and error.incomplete
        state = FileState.SETTLING if incomplete else FileState.QUARANTINED
        failed = replace(outcome, state=state, reason=error.message, hint=error.hint or CORRECT)
        return Parsed(found, outcome=failed)
    if not reports:
        empty = replace(outcome, state=FileState.QUARANTINED, reason="it holds no evaluation")
        return Parsed(found, outcome=replace(empty, hint=CORRECT))
    return Parsed(found, reports)


def _not_alone(outcome: Outcome, file: ReportFile) -> Outcome:
    """Say of a named file why it is no run; others of its kind have no line."""
    return replace(
        outcome,
        listed=file.named,
        reason="goes along with a report, and is no run of its own" if file.named else "",
        hint="log the report beside it" if file.named else "",
    )


def _unknown(outcome: Outcome, file: ReportFile) -> Outcome:
    listed = file.named or has_report_name(file.file.stamp.path.name)
    return replace(
        outcome,
        role=FileRole.UNKNOWN,
        listed=listed,
        reason="not a report: no reader knows its content" if listed else "",
        hint="README lists the formats; any script can write evaltui.report/1" if listed else "",
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One report of a file.

    Attributes:
        file: The file.
        report: The report, with its bulk file joined.
        number: Position in the file.
        joined: Content id of that bulk file, or "".
        note: Why none was joined, or "".
    """

    file: ReportFile
    report: Report
    number: int
    joined: str
    note: str

    @property
    def path(self) -> str:
        """Path of the file."""
        return str(self.file.file.stamp.path)


class Admission:
    """Begins the entries of a file's reports.

    Args:
        journal: The journal.
        settings: What holds for every report.
        clock: Epoch seconds.
    """

    def __init__(
        self, journal: Journal, settings: IngestSettings, clock: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock

    def begin(self, file: ReportFile, report: Report, number: int) -> tuple[str, bool]:
        """Journal what is to be done about one report.

        Returns:
            Its content id, and whether there is something new to be written.
        """
        item = _item(file, report, number)
        content_id = item.report.content_id
        for _ in range(_BEGIN_TRIES):
            old = self._journal.active_entry(content_id)
            if old is None:
                new = None if self._is_settled(item) else self._first(item)
            else:
                new = self._renewal(item, old)
            if new is None:
                return content_id, False
            replaces = None if old is None else old.entry_id
            if self._journal.begin(new, replaces=replaces) is not None:
                self._spare_generation(new)
                return content_id, True
        return content_id, False

    def _is_settled(self, item: Item) -> bool:
        """Return whether a content without an active entry needs no run of its own."""
        content_id = item.report.content_id
        if self._journal.joined_entry(content_id) is not None:
            return True
        latest = self._journal.latest_entry(content_id)
        if latest is None or latest.state is not FileState.SUPERSEDED:
            return False
        if item.report.kind is ReportKind.GENERATION:
            return True
        # Put back where it was replaced, it counts again; a copy elsewhere is just a copy.
        return bool(latest.run_id) and latest.path != item.path

    def _first(self, item: Item) -> NewEntry:
        new = self._entry(item)
        same_evaluation = [
            old.entry_id
            for old in reversed(self._journal.entries_of(new.path))
            if old.content_id != new.content_id
            and old.action is not Action.ATTACH
            and old.evaluation_id == new.evaluation_id != ""
            and old.item == new.item
        ]
        return replace(new, predecessors=(*new.predecessors, *same_evaluation))

    def _renewal(self, item: Item, old: Entry) -> NewEntry | None:
        """Return the entry that takes the old one's place, or None when nothing is to be done."""
        file = item.file
        if old.state is FileState.DELETED:
            return None
        reading = Reading(
            same_path=old.path == item.path, named=file.named, renamed=file.run_name is not None
        )
        new = self._entry(item)
        if new.mode != old.mode and not mode_wins(old, new, reading):
            new = self._entry(item, mode=(old.mode, ModeSource(old.mode_source)))
        if old.state is FileState.QUARANTINED:
            again = file.named or new.file_sha256 != old.file_sha256
            return _continued(new, old) if again else None
        change = change_of(old, new, reading)
        if change is Change.VALUES:
            return _replacing(new, old)
        if change is Change.NONE:
            return None
        if old.state is FileState.FINISHED:
            return replace(refreshed(old, new, reading), action=Action.REFRESH)
        written = bool(old.run_id) or old.state in _STARTED
        return _continued(refreshed(old, new, reading, written=written), old)

    def _entry(self, item: Item, mode: tuple[str, ModeSource] | None = None) -> NewEntry:
        file, report = item.file, item.report
        chosen, source = choose_mode(report, forced=mode or file.mode)
        stamp = file.file.stamp
        plan = plan_run(
            report,
            PlanContext(
                mode=chosen,
                mode_source=source,
                model=file.model or self._settings.model,
                run_name=file.run_name,
                file_sha256=file.file.sha256,
                file_name=stamp.path.name,
                host=self._settings.host,
                now_ms=int(self._clock() * 1000),
                file_ms=stamp.mtime_ns // 1_000_000,
                artifacts=self._artifacts(file),
                git_commit=file.git_commit or git_commit(stamp.path.parent),
                extra_tags={GENERATION_TAG: item.note} if item.note else {},
            ),
        )
        generation = self._journal.active_entry(item.joined) if item.joined else None
        return NewEntry(
            content_id=report.content_id,
            item=item.number,
            path=item.path,
            file_sha256=file.file.sha256,
            format=report.format,
            kind=report.kind.value,
            evaluation_id=report.evaluation_id or "",
            values_digest=values_digest(plan),
            mode=chosen,
            mode_source=source.value,
            plan=plan,
            predecessors=() if generation is None else (generation.entry_id,),
            joined=item.joined,
            attached=tuple(attachment(name, data) for name, data in file.neighbours.items()),
            error=READ_ONLY if self._settings.read_only else "",
        )

    def _artifacts(self, file: ReportFile) -> tuple[ArtifactFile, ...]:
        path = file.file.stamp.path
        if not file.file.held or len(file.file.data) > self._settings.max_spool_bytes:
            report = ArtifactFile(path.name, local_path=path)
        else:
            report = ArtifactFile(path.name, data=file.file.data)
        beside = sorted(file.neighbours.items())
        return (report, *(ArtifactFile(name, data=data) for name, data in beside))

    def _spare_generation(self, new: NewEntry) -> None:
        """Make no run of a bulk file whose evaluation came before its run was begun."""
        for entry_id in new.predecessors:
            old = self._journal.entry(entry_id)
            if old is None or old.content_id != new.joined or old.state is not FileState.PARSED:
                continue
            if self._journal.claim(entry_id):
                self._journal.deactivate(entry_id, FileState.SUPERSEDED)


def attachment(name: str, data: bytes) -> str:
    """Return how an entry remembers a companion that went with it."""
    return f"{hashlib.sha256(data).hexdigest()[:16]} {name}"


def _item(file: ReportFile, report: Report, number: int) -> Item:
    joined, note = "", ""
    if report.kind is ReportKind.EVALUATION and file.generations:
        generation, note = pick_generation(report, file.generations)
        if generation is not None:
            report = join_generation(report, generation)
            joined, note = generation.content_id, ""
    report = report.with_metrics(file.metrics)
    if file.as_new:
        # The same content on purpose: an identity of its own that begins with the real one.
        report = replace(report, content_id=f"{report.content_id}:{secrets.token_hex(4)}")
    return Item(file, report, number, joined, note)


def _continued(new: NewEntry, old: Entry) -> NewEntry:
    """Return `new` in the place of an entry that is not finished, going on with its run."""
    return replace(
        new,
        action=old.action,
        run_id=old.run_id,
        unclear=old.unclear or old.state in _STARTED or old.state is FileState.QUARANTINED,
        predecessors=tuple(dict.fromkeys((*old.predecessors, *new.predecessors))),
    )


def _replacing(new: NewEntry, old: Entry) -> NewEntry:
    """Return `new` as a version with other values, whose run replaces the old entry's."""
    earlier = () if old.state is FileState.FINISHED else old.predecessors
    return replace(
        new,
        predecessors=tuple(dict.fromkeys((*new.predecessors, *earlier, old.entry_id))),
        unclear=old.unclear or old.state in _STARTED,
    )
