"""What the screen asks of the engine, and the answers.

Questions to the store run on threads of their own with a deadline: neither the ingest nor the
reading of further requests waits for them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evaltui.domain.events import FileState, RunDetail
from evaltui.domain.metric import Direction
from evaltui.domain.ports import RunSource, RunWriter
from evaltui.domain.run import DIRECTION_PREFIX, LOCAL_PREFIX, Tag
from evaltui.engine.link import Reply, Request, Verb
from evaltui.engine.parts import Link
from evaltui.engine.poll import Poller
from evaltui.engine.roots import WatchRoot, parse_root
from evaltui.errors import (
    ConfigError,
    EvaltuiError,
    RunNotFoundError,
    StoreRejectedError,
    StoreUnreachableError,
)
from evaltui.late_dataclass import dataclass
from evaltui.ledger.journal import Journal
from evaltui.tracking.deadline import BoundedCalls, OverdueError

if TYPE_CHECKING:
    from evaltui.engine.comparing import Comparer
    from evaltui.engine.comparison_desk import ComparisonDesk

DETAIL_DEADLINE_S = 20.0
SURVEY_DEADLINE_S = 6.0
FOLDER_DEADLINE_S = 15.0

COMPARE_DEADLINE_S = 60.0  # twenty reports, at worst

SLOW = frozenset(
    {
        *(Verb.DETAIL, Verb.BASELINE, Verb.SURVEY, Verb.WATCH),
        *(Verb.COMPARE, Verb.CASE, Verb.DIRECTION, Verb.FOLDER),
    }
)
"""Verbs that may wait for a network or a disk; `Lanes` keeps them apart from the others."""

_FOR_SESSION = "it holds for this session"

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Controls:
    """What requests may do to the running engine; every one returns at once.

    Attributes:
        refresh: Poll and sweep now, and try what waits for the store.
        pause: Stop polling, or go on.
        add_root: Watch one more directory.
        retry: Try a path again.
        ignore: Leave a path alone until it is retried.
        stop: Begin to stop.
    """

    refresh: Callable[[], None]
    pause: Callable[[bool], None]
    add_root: Callable[[WatchRoot], None]
    retry: Callable[[str], None]
    ignore: Callable[[str], None]
    stop: Callable[[], None]


class Desk:
    """Answers requests, each in the thread that brings it.

    Args:
        controls: The engine's levers.
        poller: Says which experiment and baseline there are.
        journal: Knows reports that the store does not have yet.
        open_source: Opens a reader of the store.
        open_writer: Opens a writer of the store.
        link: Finds the web page of runs.
        make_folder: Makes the folder that the experiment lacks.
        cwd: Directory that relative paths start from.
        make_comparer: Makes what reads the cases of runs, at the first comparison; default: one
            that keeps them in memory only.
    """

    def __init__(
        self,
        controls: Controls,
        *,
        poller: Poller,
        journal: Journal,
        open_source: Callable[[], RunSource],
        open_writer: Callable[[], RunWriter],
        link: Link,
        make_folder: Callable[[], None] = lambda: None,
        cwd: Path,
        make_comparer: Callable[[], Comparer] | None = None,
    ) -> None:
        self._controls = controls
        self._poller = poller
        self._journal = journal
        self._open_source = open_source
        self._open_writer = open_writer
        self._link = link
        self._make_folder = make_folder
        self._cwd = cwd
        self._calls = BoundedCalls()
        self._make_comparer = make_comparer
        self._comparing = threading.Lock()
        self._comparison_desk: ComparisonDesk | None = None
        self._answers: Mapping[Verb, Callable[[Payload], Payload]] = {
            Verb.START: lambda _: {},
            Verb.REFRESH: self._refresh,
            Verb.PAUSE: self._pause,
            Verb.DETAIL: self._detail,
            Verb.PAGE: self._page,
            Verb.BASELINE: self._baseline,
            Verb.COMPARE: self._compare,
            Verb.CASE: self._case,
            Verb.DIRECTION: self._direction,
            Verb.FOLDER: self._folder,
            Verb.WATCH: self._watch,
            Verb.RETRY: self._retry,
            Verb.IGNORE: self._ignore,
            Verb.SURVEY: self._survey,
            Verb.STOP: self._stop,
        }

    def answer(self, request: Request) -> Reply:
        """Do what is asked; what goes wrong is in the reply."""
        try:
            payload = self._answers[request.verb](request.args)
        except EvaltuiError as error:
            return Reply(request.number, {}, error.message, error.hint or "")
        except (KeyError, TypeError, ValueError) as error:
            return Reply(request.number, {}, f"{request.verb} lacks an argument: {error}")
        return Reply(request.number, payload)

    # -- at once -----------------------------------------------------------------------------------

    def _refresh(self, _: Payload) -> Payload:
        self._controls.refresh()
        return {}

    def _pause(self, args: Payload) -> Payload:
        self._controls.pause(bool(args["on"]))
        return {}

    def _retry(self, args: Payload) -> Payload:
        self._controls.retry(str(args["path"]))
        return {}

    def _ignore(self, args: Payload) -> Payload:
        self._controls.ignore(str(args["path"]))
        return {}

    def _page(self, args: Payload) -> Payload:
        experiment_id = self._poller.status.experiment_id
        asked = [str(run_id) for run_id in args["run_ids"]]
        run_ids = [run_id for run_id in asked if not run_id.startswith(LOCAL_PREFIX)]
        if asked and not run_ids:
            raise RunNotFoundError("not in the store yet: it has a page once it is logged")
        if not experiment_id:
            raise StoreRejectedError(
                "the experiment has no page yet", hint="the first report that is logged makes it"
            )
        return dataclasses.asdict(self._link(experiment_id, run_ids))

    def _stop(self, _: Payload) -> Payload:
        self._controls.stop()
        return {}

    # -- with a deadline ---------------------------------------------------------------------------

    def _watch(self, args: Payload) -> Payload:
        text = str(args["path"])
        root = self._within(SURVEY_DEADLINE_S, lambda: self._root(text), doing=f"looking at {text}")
        self._controls.add_root(root)
        return {"path": str(root)}

    def _root(self, text: str) -> WatchRoot:
        root = parse_root(text, self._cwd)
        if not root.path.is_dir():
            raise ConfigError(
                f"{root.path}: no such directory", hint="make it, or correct the path"
            )
        return root

    def _survey(self, args: Payload) -> Payload:
        from evaltui.engine.survey import survey  # noqa: PLC0415 - with all readers

        path = self._cwd / Path(str(args["path"])).expanduser()
        found = self._within(SURVEY_DEADLINE_S, lambda: survey(path), doing=f"looking below {path}")
        return dataclasses.asdict(found)

    def _detail(self, args: Payload) -> Payload:
        run_id = str(args["run_id"])
        if run_id.startswith(LOCAL_PREFIX):
            found = self._local_detail(run_id)
        else:
            found = self._store_detail(run_id)
        return dataclasses.asdict(found)

    def _local_detail(self, run_id: str) -> RunDetail:
        number = run_id.removeprefix(LOCAL_PREFIX)
        if not number.isdecimal():
            note = "the file is not read yet: it is still being written"
            return RunDetail(run_id, cases_note=note, link_note="not in the store yet")
        entry = self._journal.entry(int(number))
        if entry is None:
            raise RunNotFoundError("this report is no longer on its way to the store")
        if entry.state is FileState.FINISHED and entry.run_id:  # logged since the question came up
            return dataclasses.replace(self._store_detail(entry.run_id), run_id=run_id)
        notes = (entry.path, entry.error, entry.hint)
        from evaltui.engine.detail import planned_detail  # noqa: PLC0415 - with all readers

        return planned_detail(run_id, entry.plan, notes=notes)

    def _store_detail(self, run_id: str) -> RunDetail:
        from evaltui.engine.detail import run_detail  # noqa: PLC0415 - with all readers

        def ask() -> RunDetail:
            with contextlib.closing(self._open_source()) as source:
                return run_detail(source, run_id, link=self._link)

        return self._within(DETAIL_DEADLINE_S, ask, doing="reading the run")

    def _compare(self, args: Payload) -> Payload:
        return self._within(
            COMPARE_DEADLINE_S,
            lambda: self._comparisons().compare(args),
            doing="comparing the runs",
        )

    def _case(self, args: Payload) -> Payload:
        return self._within(
            DETAIL_DEADLINE_S, lambda: self._comparisons().case(args), doing="reading the case"
        )

    def _comparisons(self) -> ComparisonDesk:
        """Return what compares; made at the first question, as is what it imports."""
        from evaltui.engine.comparing import Comparer  # noqa: PLC0415
        from evaltui.engine.comparison_desk import ComparisonDesk  # noqa: PLC0415

        with self._comparing:  # COMPARE and CASE come from a thread each
            if self._comparison_desk is None:
                self._comparison_desk = ComparisonDesk(
                    (self._make_comparer or Comparer)(),
                    poller=self._poller,
                    journal=self._journal,
                    open_source=self._open_source,
                )
            return self._comparison_desk

    def _baseline(self, args: Payload) -> Payload:
        run_id = str(args["run_id"] or "")
        previous = self._poller.status.baseline_run_id
        if run_id.startswith(LOCAL_PREFIX) and not self._poller.status.read_only:
            note = f"not in the store yet: {_FOR_SESSION}"
        else:
            note = self._share(Tag.BASELINE, run_id)
        return {"run_id": run_id, "shared": not note, "previous": previous, "note": note}

    def _direction(self, args: Payload) -> Payload:
        metric, word = str(args["metric"]), str(args["direction"] or "")
        if word:
            Direction(word)
        note = self._share(f"{DIRECTION_PREFIX}{metric}", word)
        return {"metric": metric, "direction": word, "shared": not note, "note": note}

    def _share(self, key: str, value: str) -> str:
        """Set or remove a tag of the experiment; return why that was not possible, or ""."""
        status = self._poller.status
        if status.read_only:
            return f"read-only: {_FOR_SESSION}"
        if not status.experiment_id:
            return f"the experiment is not there yet: {_FOR_SESSION}"
        try:
            writer = self._open_writer()  # bounds its calls itself
            if value:
                writer.set_experiment_tag(status.experiment_id, key, value)
            else:
                writer.delete_experiment_tag(status.experiment_id, key)
        except EvaltuiError as error:
            _log.warning("the tag %s was not shared: %s", key, error.message)
            return f"{error.message}: {_FOR_SESSION}"
        self._controls.refresh()
        return ""

    def _folder(self, args: Payload) -> Payload:
        path, missing = str(args["path"]), self._poller.status.missing_folder
        if self._poller.status.read_only:
            raise ConfigError("read-only: no folder is made", hint="leave --read-only out")
        if path != missing:  # what was asked about may be there by now; nothing else is made
            raise ConfigError(f"the folder {path} is not missing any more")
        self._within(FOLDER_DEADLINE_S, self._make_folder, doing=f"making the folder {path}")
        self._controls.refresh()
        return {"path": path}

    def _within(self, limit_s: float, work: Callable[[], _T], *, doing: str) -> _T:
        try:
            return self._calls.run(work, limit_s=limit_s)
        except OverdueError as error:
            raise StoreUnreachableError(f"{doing}: {error}", unclear=error.sent) from error


class Lanes:
    """Threads that answer slow requests: one per verb, made when needed and gone when idle.

    Of questions of one kind that wait, only the newest is answered; the others come back as
    superseded. Wishes (BASELINE, DIRECTION, WATCH) are all done, in order.

    Args:
        answer: Answers one request.
        reply: Takes the answers, from the lanes' threads.
    """

    def __init__(self, answer: Callable[[Request], Reply], reply: Callable[[Reply], None]) -> None:
        self._answer = answer
        self._reply = reply
        self._lock = threading.Lock()
        self._waiting: dict[Verb, deque[Request]] = {}

    def submit(self, request: Request) -> None:
        """Answer a request on its lane; returns at once."""
        stale: list[Request] = []
        with self._lock:
            queue = self._waiting.get(request.verb)
            if queue is not None:
                if request.verb in {Verb.DETAIL, Verb.SURVEY, Verb.COMPARE, Verb.CASE}:
                    stale = list(queue)
                    queue.clear()
                queue.append(request)
            else:
                self._waiting[request.verb] = deque([request])
                threading.Thread(
                    target=self._work,
                    args=(request.verb,),
                    name=f"evaltui-{request.verb}",
                    daemon=True,
                ).start()
        for old in stale:
            self._reply(Reply(old.number, {}, "superseded by a later question"))

    def _work(self, verb: Verb) -> None:
        while True:
            with self._lock:
                queue = self._waiting[verb]
                if not queue:
                    del self._waiting[verb]
                    return
                request = queue.popleft()
            self._reply(self._answer(request))
