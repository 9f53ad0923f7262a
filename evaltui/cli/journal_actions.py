"""What `evaltui journal` does beyond looking: retry, ignore, and verify against the store."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.cli.file_lines import exit_code, file_line
from evaltui.cli.output import Column, Table, note, print_result
from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.domain.report import ModeSource
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import Outcome
from evaltui.errors import ConfigError, ExitCode
from evaltui.log import redact
from evaltui.settings import Settings
from evaltui.submit import (
    Desk,
    Wish,
    absolute,
    evaluations_first,
    forced_mode,
    log_taken,
    one_shot,
    take_named,
)

if TYPE_CHECKING:
    from evaltui.engine.audit import Audit
    from evaltui.ledger.journal import Journal
    from evaltui.tracking.target import Target

_LOGGED = frozenset({FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED})
_WITH_ENTRY = PENDING_STATES - {FileState.SEEN, FileState.SETTLING, FileState.SPOOLED}
_BATCH = 50
_BUSY_S = 5.0
_LOOK_S = 0.1


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Retry or ignore files; prints one line per file."""
    with one_shot(settings, os.environ, notify=lambda text: note(redact(text))) as desk:
        if args.action == "ignore":
            return _ignore(args, desk)
        return _retry(args, desk, settings)


# -- ignore ----------------------------------------------------------------------------------------


def _ignore(args: argparse.Namespace, desk: Desk) -> ExitCode:
    code = ExitCode.OK
    for text in args.paths:
        path = _known_name(desk.journal, text)
        why = _give_up(desk, path)
        if why:
            note(f"{path} is not ignored: {redact(why)}")
            code = ExitCode.REPORT
        else:
            outcome = desk.ingestor.outcome(path) or Outcome(path, FileState.IGNORED)
            print(file_line(outcome, args.format), flush=True)
    return code


def _give_up(desk: Desk, path: str) -> str:
    """Ignore one path, known to the journal or not; return why not, or ""."""
    journal = desk.journal
    if journal.file(path) is None and not journal.entries_of(path):
        if not Path(path).is_file():
            return "no such file, and the journal does not know it"
        stamp = FileStamp.of(Path(path), Path(path).stat())
        journal.record(stamp, root="", state=FileState.SEEN)
    deadline = time.monotonic() + _BUSY_S
    while (why := desk.ingestor.ignore(path)).startswith("another process"):
        if time.monotonic() > deadline:
            break
        time.sleep(_LOOK_S)  # a watcher writes it just now
    return why


# -- retry -----------------------------------------------------------------------------------------


def _retry(args: argparse.Namespace, desk: Desk, settings: Settings) -> ExitCode:
    found: list[Outcome] = []
    problems = 0
    paths = [_known_name(desk.journal, text) for text in args.paths]
    if args.everything:
        paths += [path for path in _all_in_trouble(desk.journal) if path not in paths]
    for path in _in_order(paths):
        for outcome, problem in _retry_one(desk, path, settings):
            print(file_line(outcome, args.format), flush=True)
            if problem:
                note(f"{path}: {redact(problem)}")
                problems += 1
            else:
                found.append(outcome)
    if args.everything and not paths:
        note("nothing waits or was quarantined")
    code = exit_code(found, named=True)
    return ExitCode.REPORT if problems and code is ExitCode.OK else code


def _all_in_trouble(journal: Journal) -> list[str]:
    """Return what waits for the store or was quarantined, newest first."""
    rows = [file.row for file in (*journal.accounts(), *journal.unfiled())]
    return [
        row.path
        for row in rows
        if row.state is FileState.QUARANTINED or row.state in PENDING_STATES
    ]


def _in_order(paths: Iterable[str]) -> list[str]:
    wishes = evaluations_first(Wish(Path(path)) for path in paths)
    return [str(wish.path) for wish in wishes]


def _retry_one(desk: Desk, path: str, settings: Settings) -> Iterator[tuple[Outcome, str]]:
    """Try one path again; yield what became of it and what only a person can put right."""
    before = desk.ingestor.outcome(path) or _unfiled(desk, path)
    if before is None:
        raise ConfigError(
            f"{path}: the journal does not know it", hint=f"log it: evaltui log {path}"
        )
    problem = ""
    if before.state in _LOGGED:
        problem = desk.ingestor.mend(path)
        before = desk.ingestor.outcome(path) or before
        if problem or before.state in _LOGGED:
            yield replace(before, reason=before.reason or "it is in the store"), problem
            return
    reopened = desk.ingestor.retry(path) or _reopen_unfiled(desk, before)
    if reopened or before.state in _WITH_ENTRY:
        taken = desk.ingestor.outcome(path) or replace(before, state=FileState.PARSED)
    elif not Path(path).is_file():
        reason = "the file is gone, and what was in it was not kept"
        yield replace(before, reason=reason, hint="have it written again"), reason
        return
    else:
        desk.journal.heed(path)
        taken = take_named(
            desk.ingestor,
            _wish(desk.journal, path, settings),
            max_held=settings.max_report_mb * 1_000_000,
        )
    for outcome in log_taken(desk.ingestor, [taken], patience_s=desk.patience_s):
        yield outcome, ""


def _wish(journal: Journal, path: str, settings: Settings) -> Wish:
    """Return how the file was taken before: below its root, with the mode of that."""
    from evaltui.engine.roots import parse_root  # noqa: PLC0415

    root = journal.root_of(path)
    if not root:
        return Wish(
            Path(path), mode=forced_mode(settings, os.environ), model=settings.model, root=None
        )
    found = parse_root(root, Path("/"))
    mode = settings.mode or found.mode
    forced = None if mode is None else (mode, ModeSource.ARGUMENT)
    return Wish(Path(path), mode=forced, model=settings.model, root=found.path)


def _unfiled(desk: Desk, path: str) -> Outcome | None:
    """Return the outcome of a run that no file was read for, by what stands for its path."""
    entries = desk.journal.entries_of(path)
    if not entries:
        return None
    entry = entries[0]
    return Outcome(
        path,
        entry.state,
        (entry.run_id,) if entry.run_id else (),
        entry.format,
        reason=entry.error,
        hint=entry.hint,
        content_ids=(entry.content_id,),
    )


def _reopen_unfiled(desk: Desk, outcome: Outcome) -> bool:
    if desk.journal.file(outcome.path) is not None:
        return False
    quarantined = [
        entry
        for entry in desk.journal.entries_of(outcome.path)
        if entry.state is FileState.QUARANTINED
    ]
    for entry in quarantined:
        desk.journal.reopen(entry.entry_id)
    return bool(quarantined)


def _known_name(journal: Journal, text: str) -> str:
    """Return the path a word means; a run of a script has a name in place of one."""
    path = str(absolute(text))
    if journal.file(path) is None and journal.entries_of(text):
        return text
    return path


# -- verify ----------------------------------------------------------------------------------------


def verify(
    args: argparse.Namespace, settings: Settings, target: Target, journal: Journal | None
) -> ExitCode:
    """Compare the journal with the store; exit 3 when they differ."""
    from evaltui.engine.audit import Audit, audit  # noqa: PLC0415
    from evaltui.reading import open_store  # noqa: PLC0415

    if journal is None:
        found = Audit()
    else:
        _, source = open_store(settings)
        with closing(source):
            found = audit(journal, source)
    _print_audit(args, found, target)
    return ExitCode.REPORT if found.differences else ExitCode.OK


def _print_audit(args: argparse.Namespace, found: Audit, target: Target) -> None:
    document: dict[str, object] = {
        "schema": "evaltui.journal-verify/1",
        "target": redact(target.label),
        "experiment": target.experiment_label,
        "finished": found.finished,
        "runs": found.runs,
        "waiting": found.waiting,
        "elsewhere": found.elsewhere,
        "differences": [
            {
                "kind": item.kind.value,
                "path": item.path or None,
                "run_id": item.run_id or None,
                "content_id": item.content_id or None,
                "what": redact(item.what),
                "remedy": item.remedy,
            }
            for item in found.differences
        ],
    }
    columns = ("difference", "file", "run", "what", "what to do")
    rows = tuple(
        (item.kind.value, item.path or None, item.run_id or None, redact(item.what), item.remedy)
        for item in found.differences
    )
    print_result(args, document, [Table(tuple(map(Column, columns)), rows)])
    words = [f"{found.finished} finished entries, {found.runs} runs in the store"]
    if found.waiting:
        words.append(f"{found.waiting} still to be written")
    if found.elsewhere:
        words.append(f"{found.elsewhere} runs are of other journals")
    number = len(found.differences)
    words.append(f"{number} differences" if number else "no difference")
    note(", ".join(words))
