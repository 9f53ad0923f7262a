"""Puts the engine together: the only place that knows every adapter."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.domain.events import Notice, StoreStatus
from evaltui.domain.metric import Direction
from evaltui.domain.recalled import Recalled
from evaltui.engine.link import Event
from evaltui.engine.parts import KnownRuns, Store
from evaltui.engine.poll import SWEEP_S
from evaltui.engine.roots import WatchRoot, merge_roots, parse_root
from evaltui.engine.runtime import Engine
from evaltui.engine.settle import UNREADABLE_PATIENCE_S
from evaltui.errors import JournalError
from evaltui.ledger.journal import Journal
from evaltui.recall import TargetMirror, first_status, recall_shown
from evaltui.settings import Settings, state_dir
from evaltui.tracking import open_resumable, open_source, open_writer
from evaltui.tracking.identity import ask_user, named_by_credential
from evaltui.tracking.target import Target, TargetKind, resolve_target
from evaltui.tracking.workspace_folders import ExperimentFolder

if TYPE_CHECKING:
    from evaltui.domain.web_page import WebPage
    from evaltui.engine.comparing import Comparer
    from evaltui.engine.ingest import Ingestor
    from evaltui.engine.parts import Ingest
    from evaltui.engine.watcher import Watcher

DATABRICKS_SWEEP_S = 60.0
DATABRICKS_JITTER_RATIO = 0.2
"""Searches are limited to seven a second per workspace, all colleagues together."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_JOURNAL_SUFFIXES = ("", "-wal", "-shm", "-journal")


def build(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    emit: Callable[[Event], None],
    cwd: Path | None = None,
    patience_s: float = UNREADABLE_PATIENCE_S,
    shown: str | None = None,
) -> Engine:
    """Return an engine for the settings, not started yet.

    Args:
        settings: What the person wants.
        environ: Where the tracking target is looked for.
        emit: Called with every event, from several threads.
        cwd: Directory that relative paths start from; default: the current one.
        patience_s: Longest wait for a file that stays incomplete or unreadable; default: minutes,
            for a writer may be slow. `watch --once` does not wait for those.
        shown: Token of the mirror that a screen shows, "" for none; None without a screen, whose
            mirror is then left alone.

    Raises:
        ConfigError: The target or a watched directory makes no sense.
        JournalError: The journal cannot be opened.
    """
    base = cwd or Path.cwd()
    target = resolve_target(settings, environ)
    roots = merge_roots(parse_root(text, base) for text in settings.watch)
    if roots:
        _check_backlog(settings.backlog)
    folder = ExperimentFolder(target)
    notices: list[Notice] = []
    journal = open_journal(settings, target, notify=notices.append)
    engine = Engine(
        _store(target, folder),
        journal,
        make_ingestor=lambda known: make_ingestor(
            settings, target, journal, known_runs=known, folder=folder
        ),
        make_watcher=lambda ingestor: _watcher(roots, journal, ingestor, settings, patience_s),
        emit=emit,
        cwd=base,
        watches=bool(roots),
        make_comparer=lambda: make_comparer(settings),
        mirror=TargetMirror(target) if settings.mirror and shown is not None else None,
        shown=_shown(target, shown) if settings.mirror and shown else None,
    )
    for notice in notices:
        engine.notice(notice)
    return engine


def make_comparer(settings: Settings) -> Comparer:
    """Return what reads the cases of runs, with its cache below the state directory.

    Raises:
        ConfigError: The state directory cannot be made.
    """
    from evaltui.engine.case_cache import CaseCache  # noqa: PLC0415 - at the first comparison
    from evaltui.engine.comparing import Comparer  # noqa: PLC0415

    directions = {name: Direction(word) for name, word in settings.metrics.items()}
    return Comparer(CaseCache(state_dir(settings) / "cases"), directions=directions)


def journal_directory(settings: Settings, target: Target) -> Path:
    """Return the directory of the journal of a target and experiment; it may not exist yet.

    Raises:
        ConfigError: The state directory cannot be made.
    """
    name = hashlib.sha256(target.key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state_dir(settings) / "journals" / name


def open_journal(
    settings: Settings, target: Target, *, notify: Callable[[Notice], None] = lambda _: None
) -> Journal:
    """Open the journal of a target and experiment, making it when it is missing.

    A damaged one is renamed aside and a new one is begun: reports that are in the store are
    recognised there, so nothing is logged twice by that.

    Args:
        settings: Where the state is kept.
        target: Store and experiment.
        notify: Told when a damaged journal was set aside.

    Raises:
        ConfigError: The state directory cannot be made.
        JournalError: The journal cannot be opened.
    """
    directory = journal_directory(settings, target)
    scope = f"{target.label} {target.experiment or target.experiment_id}"
    try:
        return Journal(directory, scope=scope)
    except JournalError as error:
        if getattr(error.__cause__, "sqlite_errorcode", None) not in _DAMAGED:
            raise
        aside = _set_aside(directory)
    notify(
        Notice(
            "warning",
            "the journal was damaged; a new one was begun",
            f"the old one is kept as {aside}; reports in the store are not logged again",
        )
    )
    return Journal(directory, scope=scope)


def make_ingestor(
    settings: Settings,
    target: Target,
    journal: Journal,
    *,
    search_first: bool = False,
    known_runs: KnownRuns | None = None,
    folder: ExperimentFolder | None = None,
) -> Ingestor:
    """Return the ingest of a target, with its adapters.

    Args:
        settings: What holds for every report.
        target: Store and experiment.
        journal: Its journal.
        search_first: Search the store before every create (one-shot commands).
        known_runs: Who has a content; None where no poll runs.
        folder: Told which folder a new experiment lacks.
    """
    from evaltui.engine.ingest import Ingestor  # noqa: PLC0415 - where something is watched
    from evaltui.engine.outcome import IngestSettings  # noqa: PLC0415

    return Ingestor(
        journal,
        open_source=lambda: open_source(target),
        open_writer=lambda: open_writer(target, folder),
        experiment=target.experiment,
        settings=IngestSettings(
            read_only=target.read_only,
            model=settings.model,
            host=socket.gethostname(),
            max_spool_bytes=settings.max_report_mb * 1_000_000,
        ),
        known_runs=known_runs,
        search_first=search_first,
    )


def _check_backlog(text: str) -> None:
    """Refuse a date that is none now, not when the watch begins."""
    from evaltui.engine.backlog import BacklogRule  # noqa: PLC0415 - as the watcher

    BacklogRule.parse(text, time.time())


def _watcher(
    roots: Sequence[WatchRoot],
    journal: Journal,
    ingestor: Ingest,
    settings: Settings,
    patience_s: float,
) -> Watcher:
    from evaltui.engine.watcher import Watcher, WatchSettings  # noqa: PLC0415 - as the ingestor

    how = WatchSettings(
        backlog=settings.backlog,
        events=settings.events,
        max_report_bytes=settings.max_report_mb * 1_000_000,
        mode=settings.mode,
        patience_s=patience_s,
    )
    return Watcher(roots, journal, ingestor, settings=how)


def _page(target: Target, experiment_id: str, run_ids: Sequence[str]) -> WebPage:
    from evaltui.tracking.links import web_page  # noqa: PLC0415 - when somebody asks for it

    return web_page(target, experiment_id, run_ids)


def _store(target: Target, folder: ExperimentFolder) -> Store:
    shared = target.kind is TargetKind.DATABRICKS
    return Store(
        status=_named(first_status(target), target),
        open_source=lambda: open_source(target),
        open_writer=lambda: open_writer(target),
        link=lambda experiment_id, run_ids: _page(target, experiment_id, run_ids),
        resume_source=(lambda: open_resumable(target)) if target.database is None else None,
        ask_user=(lambda: ask_user(target)) if shared else None,
        missing_folder=lambda: folder.missing,
        make_folder=folder.make,
        sweep_s=DATABRICKS_SWEEP_S if shared else SWEEP_S,
        jitter_ratio=DATABRICKS_JITTER_RATIO if shared else 0.0,
    )


def _shown(target: Target, token: str) -> Recalled | None:
    """Return what the screen shows, with who we are."""
    found = recall_shown(target, token)
    return None if found is None else replace(found, status=_named(found.status, target))


def _named(status: StoreStatus, target: Target) -> StoreStatus:
    return replace(status, user=named_by_credential(target))


def _set_aside(directory: Path) -> Path:
    """Rename a damaged journal with what belongs to it; return its new path."""
    aside = directory / f"journal.db.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
    for suffix in _JOURNAL_SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            (directory / f"journal.db{suffix}").rename(aside.with_name(aside.name + suffix))
    return aside
