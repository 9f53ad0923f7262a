"""One entry from "parsed" to "finished".

The intent is committed before the create call, the identity travels in it, every time stamp comes
from the journal, and nothing counts as written before it was read back. So each step may be
repeated after a crash or a lost answer, by this process or another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from evaltui.domain.events import FileState
from evaltui.domain.plan import RunPlan
from evaltui.domain.run import Run, Tag
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import FileChangedError, sha256_file
from evaltui.engine.rewrite import is_trusted_more
from evaltui.engine.steps import compare
from evaltui.engine.steps.faults import (
    NotShownError,
    RunDeletedError,
    TakenAwayError,
    TargetRefusedError,
    WaitingError,
)
from evaltui.engine.steps.link import Links
from evaltui.engine.steps.store import Store
from evaltui.errors import ReportError, StoreRejectedError, StoreUnreachableError
from evaltui.ledger.journal import Action, Entry, Journal

MAX_TURNS = 16
"""Steps of one try; a store that shows other things than it was told must not keep us busy."""

ATTACH_MARK = "#attach:"
"""Between a report's content id and a companion's name in the id of an ATTACH entry."""

STEPS = (
    "parsed", "intent", "create_sent", "created", "values_sent", "logged", "artifacts_sent",
    "artifacts", "completed", "terminated", "verified", "linked", "finished",
)  # fmt: skip
"""Names that `crash_at` is called with, in their order."""


class Machine:
    """Takes the steps of entries that this process has claimed.

    Args:
        journal: The journal.
        store: The store.
        known_runs: Local index from content id to run ids.
        search_first: Search the store before every create.
        crash_at: Called with the name of each step when it is done.
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        *,
        known_runs: Callable[[str], tuple[str, ...]],
        search_first: bool,
        crash_at: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._store = store
        self._links = Links(journal, store)
        self._known_runs = known_runs
        self._search_first = search_first
        self._crash_at = crash_at
        self._to_rename: set[int] = set()
        self._lacks: dict[int, str] = {}
        self._steps: dict[FileState, Callable[[Entry], Entry]] = {
            FileState.PARSED: self._start,
            FileState.INTENT: self._start,
            FileState.CREATED: self._write_values,
            FileState.LOGGED: self._write_artifacts,
            FileState.ARTIFACTS: self._complete,
            FileState.VERIFIED: self._finish,
        }

    def run(self, entry: Entry) -> None:
        """Bring an entry to its end.

        Raises:
            StoreError: A call failed; the entry stands where it can go on.
            NotShownError: The store does not show what was written.
            WaitingError: It waits for another entry.
            TakenAwayError: It is no longer this process's.
            RunDeletedError: The run to be renewed was deleted.
        """
        self._crash_at("parsed")
        for _ in range(MAX_TURNS):
            if entry.state is FileState.FINISHED:
                self._to_rename.discard(entry.entry_id)
                self._lacks.pop(entry.entry_id, None)
                self._crash_at("finished")
                return
            try:
                entry = self._steps[entry.state](entry)
            except StoreRejectedError:
                if not entry.run_id or not self._is_gone(entry.run_id):
                    raise
                entry = self._start_again(entry)
        lacks = self._lacks.pop(entry.entry_id, "something")
        raise NotShownError(
            f"run {entry.run_id} was written, but the store does not show {lacks}",
            hint="look at the run in MLflow: is somebody else changing it?",
        )

    # -- getting a run ---------------------------------------------------------------------------

    def _start(self, entry: Entry) -> Entry:
        if entry.action is Action.ATTACH:
            return self._start_attach(entry)
        if entry.run_id:
            return self._resume(entry)
        experiment_id = self._experiment_id()
        if entry.unclear or self._search_first or self._known_runs(entry.content_id):
            found = self._search(entry)
            if found.older:
                entry = self._with_older(entry, found.older)
            if found.winner is not None:
                return self._adopt(entry, found.winner, found.twins)
        return self._create(entry, experiment_id)

    def _create(self, entry: Entry, experiment_id: str) -> Entry:
        entry = self._advance(entry, FileState.INTENT, unclear=True, plan=entry.plan, durable=True)
        self._crash_at("intent")
        try:
            run_id = self._store.writer.create_run(experiment_id, self._marked(entry.plan))
        except StoreUnreachableError as error:
            if not error.unclear:
                self._advance(entry, FileState.INTENT, unclear=False)
            raise
        except StoreRejectedError:
            # An experiment that is restored brings back the runs that were deleted with it.
            self._store.forget_experiment()
            self._experiment_id()  # a refused experiment is no fault of the report's
            raise
        self._crash_at("create_sent")
        entry = self._advance(entry, FileState.CREATED, run_id=run_id, unclear=False)
        self._crash_at("created")
        return entry

    def _marked(self, plan: RunPlan) -> RunPlan:
        tags = {
            **plan.create_tags,
            Tag.CONTENT_ID: plan.content_id,
            Tag.STATE: "logging",
            compare.JOURNAL_TAG: self._journal.journal_id,
        }
        return replace(plan, create_tags=tags)

    def _search(self, entry: Entry) -> compare.Found:
        runs = self._store.source.find_runs(entry.content_id)
        replaced = {
            old.run_id
            for entry_id in entry.predecessors
            if (old := self._journal.entry(entry_id)) is not None
        }
        rest = [run for run in runs if run.run_id not in replaced]
        return compare.choose(rest, entry.plan, journal_id=self._journal.journal_id)

    def _with_older(self, entry: Entry, older: tuple[Run, ...]) -> Entry:
        """Remember, in the plan's tags, runs of the store that the new one replaces."""
        ids = ",".join(run.run_id for run in older)
        return replace(
            entry, plan=replace(entry.plan, tags={**entry.plan.tags, Tag.SUPERSEDES: ids})
        )

    def _adopt(self, entry: Entry, winner: Run, twins: tuple[Run, ...]) -> Entry:
        """Go on with a run that the store has already."""
        self._links.clear_twins(twins, winner.run_id)
        entry = self._named_as_there(entry, winner)
        plan = compare.settled(entry.plan, winner)
        state = FileState.CREATED
        if compare.is_complete(winner) and not _mode_is_better(entry, winner):
            tags = {name: winner.tags.get(name, text) for name, text in plan.tags.items()}
            plan = replace(plan, name=winner.name, tags=tags)
            state = FileState.ARTIFACTS
        entry = self._advance(entry, state, run_id=winner.run_id, unclear=False, plan=plan)
        self._crash_at("created")
        return entry

    def _named_as_there(self, entry: Entry, run: Run) -> Entry:
        """Give the report the name that it has in the run, so that it is not there twice."""
        mine, theirs = compare.renamed_report(run, entry.plan, PurePath(entry.path).name)
        if mine == theirs:
            return entry
        self._journal.rename_artifact(entry.entry_id, mine, theirs)
        artifacts = tuple(
            replace(file, path=theirs) if file.path == mine else file
            for file in entry.plan.artifacts
        )
        return replace(entry, plan=replace(entry.plan, artifacts=artifacts))

    def _resume(self, entry: Entry) -> Entry:
        """Go on with the run the entry has, as far as it still fits."""
        run = self._store.source.get_run(entry.run_id)
        if run is None or not run.active:
            if self._is_gone(entry.run_id):
                return self._start_again(entry)
            raise StoreUnreachableError(f"the store does not show run {entry.run_id} just now")
        if entry.action is Action.LOG and compare.differs(run, entry.plan):
            # What an earlier version of the report left unfinished cannot be written over.
            self._links.clear_twins((run,), "")
            return self._start_again(entry)
        plan = compare.settled(entry.plan, run)
        return self._advance(entry, FileState.CREATED, unclear=False, plan=plan)

    def _start_again(self, entry: Entry) -> Entry:
        """Look for another run: the one this entry wrote to was deleted."""
        if entry.action is not Action.LOG:
            raise RunDeletedError
        return self._advance(entry, FileState.INTENT, run_id="", unclear=True)

    def _start_attach(self, entry: Entry) -> Entry:
        base = self._journal.active_entry(entry.content_id.partition(ATTACH_MARK)[0])
        if base is None or base.state in (FileState.QUARANTINED, FileState.DELETED):
            raise RunDeletedError
        if base.state is not FileState.FINISHED:
            raise WaitingError("waits for its report")
        return self._advance(entry, FileState.LOGGED, run_id=base.run_id)

    # -- writing ---------------------------------------------------------------------------------

    def _write_values(self, entry: Entry) -> Entry:
        tags = {name: text for name, text in entry.plan.tags.items() if name not in compare.OWN}
        plan = replace(entry.plan, tags=tags)
        self._store.writer.log_values(entry.run_id, plan)
        if entry.action is Action.REFRESH or entry.entry_id in self._to_rename:
            self._store.writer.rename_run(entry.run_id, plan.name)
        self._crash_at("values_sent")
        entry = self._advance(entry, FileState.LOGGED)
        self._crash_at("logged")
        return entry

    def _write_artifacts(self, entry: Entry) -> Entry:
        stamps = _stamps(entry.plan)
        changed = self._changed_files(entry)
        if changed:
            return self._without(entry, changed)
        if entry.plan.artifacts:
            self._store.writer.log_artifacts(entry.run_id, entry.plan.artifacts)
        if _stamps(entry.plan) != stamps and self._changed_files(entry):
            return self._start_over(entry)
        self._crash_at("artifacts_sent")
        entry = self._advance(entry, FileState.ARTIFACTS)
        self._crash_at("artifacts")
        return entry

    def _changed_files(self, entry: Entry) -> list[str]:
        """Return the artifacts that are uploaded from their path and are not what was read."""
        changed = []
        for file in entry.plan.artifacts:
            if file.local_path is None:
                continue
            try:
                digest = sha256_file(file.local_path)
            except (OSError, ReportError, FileChangedError):
                digest = ""
            # what the journal keeps as a file is named by its digest
            if digest not in (entry.file_sha256, file.local_path.name):
                changed.append(file.path)
        return changed

    def _without(self, entry: Entry, paths: list[str]) -> Entry:
        """Leave artifacts out, say so in the run, and go back to where that is written."""
        self._store.writer.remove_artifacts(entry.run_id, paths)  # an upload may have been cut off
        for path in paths:
            self._journal.drop_artifact(entry.entry_id, path)
        artifacts = tuple(file for file in entry.plan.artifacts if file.path not in paths)
        entry = replace(entry, plan=replace(entry.plan, artifacts=artifacts))
        if entry.action is Action.ATTACH:
            return entry
        told = [f"{path} was changed or removed before its upload: left out" for path in paths]
        notes = "\n".join(filter(None, [*told, entry.plan.tags.get(Tag.NOTES, "")]))
        tags = {**entry.plan.tags, Tag.NOTES: notes}
        return self._advance(entry, FileState.CREATED, plan=replace(entry.plan, tags=tags))

    def _start_over(self, entry: Entry) -> Entry:
        """Give up a run with a file in it that changed while it was uploaded."""
        if entry.action is not Action.LOG:
            return entry  # the file is left out now
        run = self._store.source.get_run(entry.run_id)
        if run is not None and run.active:
            self._links.clear_twins((run,), "")
        return self._start_again(entry)

    # -- the end ---------------------------------------------------------------------------------

    def _complete(self, entry: Entry) -> Entry:
        """Close the run, read it back whole, and go back to the step that writes what it lacks."""
        if entry.action is not Action.ATTACH:
            writer = self._store.writer
            writer.set_run_tags(entry.run_id, {Tag.STATE: compare.COMPLETE})
            self._crash_at("completed")
            writer.finish_run(entry.run_id, entry.plan.status, entry.plan.ended_ms)
            self._crash_at("terminated")
        run = self._store.source.get_run(entry.run_id)
        if run is None or not run.active:
            if self._is_gone(entry.run_id):
                return self._start_again(entry)
            raise StoreUnreachableError(f"the store does not show run {entry.run_id} just now")
        missing = self._missing(entry, run)
        if missing is not None:
            if missing.what == compare.NAME:
                self._to_rename.add(entry.entry_id)
            self._lacks[entry.entry_id] = missing.what
            return self._advance(entry, missing.back_to)
        entry = self._advance(entry, FileState.VERIFIED)
        self._crash_at("verified")
        return entry

    def _missing(self, entry: Entry, run: Run) -> compare.Missing | None:
        """Return what a run lacks; its artifacts are listed only if there shall be some."""
        found = None
        if entry.action is not Action.ATTACH:
            found = compare.missing_values(run, entry.plan) or compare.missing_end(run, entry.plan)
        if found is None and entry.plan.artifacts:
            held = self._store.source.list_artifacts(entry.run_id)
            if leftovers := compare.leftovers(held):
                self._store.writer.remove_artifacts(entry.run_id, leftovers)
            found = compare.missing_artifacts(held, entry.plan)
        return found

    def _finish(self, entry: Entry) -> Entry:
        replaced = False
        if entry.action is not Action.ATTACH:
            self._links.link(entry)
            replaced = self._links.link_back(entry)
        self._crash_at("linked")
        entry = self._advance(entry, FileState.FINISHED)
        if replaced:
            self._journal.deactivate(entry.entry_id, FileState.SUPERSEDED)
        return entry

    # -- inside ----------------------------------------------------------------------------------

    def _advance(
        self,
        entry: Entry,
        state: FileState,
        *,
        run_id: str | None = None,
        unclear: bool | None = None,
        plan: RunPlan | None = None,
        durable: bool = False,
    ) -> Entry:
        kept = self._journal.advance(
            entry.entry_id, state, run_id=run_id, unclear=unclear, plan=plan, durable=durable
        )
        if not kept:
            raise TakenAwayError
        return replace(
            entry,
            state=state,
            run_id=entry.run_id if run_id is None else run_id,
            unclear=entry.unclear if unclear is None else unclear,
            plan=entry.plan if plan is None else plan,
        )

    def _experiment_id(self) -> str:
        try:
            return self._store.experiment_id()
        except StoreRejectedError as error:
            raise TargetRefusedError(error.message, hint=error.hint) from error

    def _is_gone(self, run_id: str) -> bool:
        """Return whether a run is deleted; one empty answer is not believed."""
        run = self._store.source.get_run(run_id) or self._store.source.get_run(run_id)
        return run is None or not run.active


def _mode_is_better(entry: Entry, run: Run) -> bool:
    """Return whether the entry knows the mode from a better source than the run's writer."""
    return entry.mode != run.tags.get(Tag.MODE) and is_trusted_more(
        entry.mode_source, run.tags.get(Tag.MODE_SOURCE, "")
    )


def _stamps(plan: RunPlan) -> list[FileStamp | None]:
    """Return the stats of the files that are uploaded from their paths; None: it is gone."""
    found: list[FileStamp | None] = []
    for file in plan.artifacts:
        if file.local_path is not None:
            try:
                found.append(FileStamp.of(file.local_path, file.local_path.stat()))
            except OSError:
                found.append(None)
    return found
