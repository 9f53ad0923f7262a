"""From a file that was found to a file that was taken: what it is, whether it settled, its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from evaltui import readers
from evaltui.domain.events import FileRole, FileState
from evaltui.domain.report import ModeSource
from evaltui.domain.stamp import FileStamp
from evaltui.engine.backlog import BacklogRule, Candidate, CandidateQueue
from evaltui.engine.case_rows import CaseRows
from evaltui.engine.file_rows import REPORT_ROLES, FileRows
from evaltui.engine.filebytes import FileBytes, FileChangedError, read_file, read_head
from evaltui.engine.neighbours import Neighbours, gather, source_of
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.engine.roots import WatchRoot
from evaltui.engine.settle import (
    OLD_S,
    QUIET_S,
    SLOW_QUIET_S,
    SettleQueue,
)
from evaltui.engine.taker import Taker
from evaltui.engine.watch_settings import WatchSettings
from evaltui.errors import JournalError, ReportError, ReportSyntaxError, ReportTooLargeError
from evaltui.ledger.journal import Journal

COMPANION_S = 900.0
"""A companion that was not changed for so long is left to the report that gathers it."""

_BUG_HINT = "the log tells more; please report it with the file; it is read again when it changes"
_TEXT_SUFFIXES = frozenset({".json", ".jsonl", ".xml", ".yaml", ".yml", ".eval"})


class Intake:
    """Looks into files that were found, waits until they settle, and hands them over.

    Args:
        journal: Takes the rows of files that are not handed over (yet).
        ingestor: Takes the files.
        settings: How files are watched.
        owner: Tells the root a path belongs to; None when this process does not ingest it.
        clock: Epoch seconds.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        journal: Journal,
        ingestor: Taker,
        *,
        settings: WatchSettings,
        owner: Callable[[Path], WatchRoot | None],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.queue = CandidateQueue()
        self.settle = SettleQueue(monotonic, patience_s=settings.patience_s)
        self.cases = CaseRows(journal, max_bytes=settings.max_report_bytes, clock=clock)
        self._rows = FileRows(journal)
        self._ingestor = ingestor
        self._settings = settings
        self._rule = BacklogRule.parse(settings.backlog, clock())
        self._owner = owner
        self._clock = clock
        self._bulk_files: set[Path] = set()
        self._unknown: set[Path] = set()
        self.lost = False
        """Whether a file was not where it was found: a scan tells where it went."""

    def found(self, stamp: FileStamp, *, placed: bool = False, old: bool = False) -> None:
        """Take note of a new version of a path.

        Args:
            stamp: The version.
            placed: It was complete when it got its name.
            old: It was there when the watch of its root began.
        """
        path = stamp.path
        if placed or path in self._unknown:  # what is known of the old version tells nothing
            self.settle.drop(path)
            self._unknown.discard(path)
        if not self.settle.changed(stamp):
            self.queue.put(Candidate(stamp, placed=placed, old=old))

    # -- looking ---------------------------------------------------------------------------------

    def look_into(self, candidate: Candidate) -> Outcome | None:
        """Find out what a file is, and take it or let it settle.

        Returns:
            What became of it, None while it settles or when it is nothing to tell of.
        """
        stamp = candidate.stamp
        root = self._owner(stamp.path)
        if root is None:
            return None
        if self._rows.is_given_up(stamp.path):
            self._rows.given_up(stamp, root)
            return None
        try:
            head = read_head(stamp.path, readers.HEAD_BYTES, root=root.path)
        except (FileNotFoundError, NotADirectoryError):
            return None  # the next scan tells that it is gone, or where it went
        except ReportError as error:
            self._rows.ignored(stamp, root, readers.Recognition(), error.message)
            return None
        except OSError as error:
            self.settle.put(stamp, wait_s=0.0)
            return self._unreadable(stamp, root, error)
        return self._sort(candidate, root, readers.recognise(head, stamp.path.name))

    def _sort(
        self, candidate: Candidate, root: WatchRoot, found: readers.Recognition
    ) -> Outcome | None:
        stamp = candidate.stamp
        quiet_s = self._quiet_s(stamp)
        if self._is_nothing(stamp, found, quiet_s):
            self._rows.ignored(stamp, root, found)
            return None
        if found.role in REPORT_ROLES and self._left_out(candidate):
            self._rows.left_out(stamp, root, found)
            return None
        self._forget(stamp.path)
        if found.role is FileRole.GENERATION:
            self._bulk_files.add(stamp.path)
            if candidate.old and not candidate.late:
                self.queue.put(replace(candidate, late=True))
                return None
        if quiet_s >= OLD_S or candidate.asked or (candidate.placed and not found.slow):
            self.settle.put(stamp, wait_s=0.0, quiet_s=quiet_s if quiet_s >= OLD_S else 0.0)
            self.queue.finish(candidate)  # if taking it fails, it is due and not found again
            if found.role is FileRole.REPORT and stamp.size > self._settings.max_report_bytes:
                self._rows.settling(stamp, root, found)  # taking it is for the next turn: its row
                return None  # is on screen before the seconds that it takes
            return self.take(stamp)
        unknown = found.role is FileRole.UNKNOWN
        if unknown:
            self._unknown.add(stamp.path)
        self.settle.put(stamp, wait_s=SLOW_QUIET_S if found.slow or unknown else QUIET_S)
        if found.role in REPORT_ROLES:
            self._rows.settling(stamp, root, found)
        return None

    def _is_nothing(self, stamp: FileStamp, found: readers.Recognition, quiet_s: float) -> bool:
        if found.role is FileRole.UNKNOWN:
            return not readers.has_report_name(stamp.path.name)
        if found.role is FileRole.COMPANION:
            return quiet_s > COMPANION_S or stamp.size > self._settings.max_report_bytes
        return False

    def _left_out(self, candidate: Candidate) -> bool:
        return candidate.old and not candidate.asked and self._rule.leaves_out(candidate.stamp)

    def _quiet_s(self, stamp: FileStamp) -> float:
        """Return the seconds since the last change; less than none when clocks disagree."""
        return self._clock() - max(stamp.mtime_ns, stamp.ctime_ns) / 1e9

    # -- taking ----------------------------------------------------------------------------------

    def due(self) -> list[FileStamp]:
        """Return the versions that have settled, bulk files last."""
        return sorted(self.settle.due(), key=lambda stamp: stamp.path in self._bulk_files)

    def take(self, stamp: FileStamp) -> Outcome | None:
        """Read a settled version and hand it over; None when it has to wait on.

        Raises:
            JournalError: The journal failed; the file is due again.
            Exception: A programming error; the file is given up.
        """
        root = self._owner(stamp.path)
        if root is None:
            self.settle.drop(stamp.path)
            return None
        if self._rows.is_given_up(stamp.path):  # while it settled
            self._drop(stamp.path)
            return None
        try:
            file = read_file(
                stamp.path,
                max_bytes=readers.MAX_BYTES,
                max_held=self._settings.max_report_bytes,
                root=root.path,
            )
        except (FileChangedError, ReportError, OSError) as error:
            return self._not_read(stamp, root, error)
        if file.stamp != stamp:
            self.settle.changed(file.stamp)
            return None
        try:
            return self._hand_over(file, root)
        except JournalError:
            raise  # no fault of the file: it is due again
        except (FileChangedError, OSError) as error:  # one that is not held is read once more
            return self._not_read(stamp, root, error)
        except Exception as error:  # broad: a bug of ours may be any; it is raised again
            # A file that trips the program up must do so once only, or it stops the whole watch.
            self._give_up(stamp, root, f"internal error: {type(error).__name__}", _BUG_HINT)
            self.settle.drop(stamp.path)
            raise

    def _not_read(self, stamp: FileStamp, root: WatchRoot, error: Exception) -> Outcome | None:
        if isinstance(error, FileChangedError):
            self.settle.changed(error.stamp)
            return None
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            self.lost = True
            return None
        if isinstance(error, OSError):
            return self._unreadable(stamp, root, error)
        hint = error.hint if isinstance(error, ReportError) else None
        outcome = self._give_up(stamp, root, str(error), hint or "")
        self.settle.drop(stamp.path)
        return outcome

    def _hand_over(self, file: FileBytes, root: WatchRoot) -> Outcome | None:
        path = file.stamp.path
        found = readers.recognise(file.head, path.name)
        if found.role is FileRole.UNKNOWN:
            broken = _broken(file, self._settings.max_report_bytes)
            if broken is not None:
                return self._not_whole(file.stamp, root, broken)
        near = Neighbours()
        if found.role is FileRole.REPORT:
            near = gather(path, root.path, max_bytes=self._settings.max_report_bytes)
        outcome = self._ingestor.take(
            ReportFile(
                file=file,
                root=root.word,
                mode=self._mode(root),
                neighbours=near.companions,
                generations=near.generations,
            )
        )
        if outcome.state is FileState.SETTLING:
            return self._incomplete(file.stamp, root, outcome.reason)
        self.settle.drop(path)
        self._forget(path)
        if outcome.state is not FileState.QUARANTINED:
            self.cases.taken(file, root, found.role)
        return outcome

    def _mode(self, root: WatchRoot) -> tuple[str, ModeSource] | None:
        return None if root.mode is None else (root.mode, ModeSource.ARGUMENT)

    # -- what has to wait, or is given up --------------------------------------------------------

    def _not_whole(
        self, stamp: FileStamp, root: WatchRoot, error: ReportSyntaxError | ReportTooLargeError
    ) -> Outcome | None:
        """Treat a file that is too little to be recognised by, too large, or no text at all."""
        if isinstance(error, ReportSyntaxError) and error.incomplete:
            return self._incomplete(stamp, root, error.message)
        outcome = self._give_up(stamp, root, error.message, error.hint or "")
        self.settle.drop(stamp.path)
        return outcome

    def _incomplete(self, stamp: FileStamp, root: WatchRoot, reason: str) -> Outcome | None:
        wait_s = self.settle.incomplete(stamp.path)
        if wait_s is None:
            return self._give_up(
                stamp,
                root,
                f"truncated? {reason.removeprefix('truncated: ')}".rstrip(),
                "write it again, or move it into place when it is complete;"
                " it is read again when it changes",
            )
        self._rows.waits(stamp.path, reason or "incomplete", self._clock() + wait_s)
        return None

    def _unreadable(self, stamp: FileStamp, root: WatchRoot, error: OSError) -> Outcome | None:
        reason = f"cannot be read: {error.strerror or error}"
        hint = "check its permissions; it is read again when they change"
        name = stamp.path.name
        if not readers.has_report_name(name) and stamp.path.suffix not in _TEXT_SUFFIXES:
            self.settle.drop(stamp.path)
            self._rows.ignored(stamp, root, readers.Recognition(), reason)
            return None
        wait_s = self.settle.unreadable(stamp.path)
        if wait_s is None:
            return self._give_up(stamp, root, reason, hint)
        self._rows.settling(
            stamp,
            root,
            readers.Recognition(),
            reason=reason,
            hint=hint,
            retry_at=self._clock() + wait_s,
        )
        return None

    def _give_up(self, stamp: FileStamp, root: WatchRoot, reason: str, hint: str) -> Outcome:
        self._forget(stamp.path)
        return self._ingestor.quarantine(stamp, root=root.word, reason=reason, hint=hint)

    # -- what became of a path -------------------------------------------------------------------

    def gone(self, path: Path) -> Outcome | None:
        """Note that a file is gone; what was read of it is logged all the same."""
        self._drop(path)
        self.cases.gone(path)
        return self._rows.gone(path)

    def renamed(self, old: Path, new: FileStamp) -> Outcome | None:
        """Let the row of a file follow it; what its name may have decided is decided anew."""
        if self._owner(new.path) is not None and self._rows.follow(old, new):
            self._drop(old)
            self.cases.gone(old)
            return None
        outcome = self.gone(old)
        self.queue.put(Candidate(new, placed=True))
        return outcome

    def ignore(self, path: Path) -> None:
        """Wait for a path no longer: a person gave it up."""
        self._drop(path)

    def _drop(self, path: Path) -> None:
        self.queue.drop(path)
        self.settle.drop(path)
        self._forget(path)

    def _forget(self, path: Path) -> None:
        self._bulk_files.discard(path)
        self._unknown.discard(path)


def _broken(file: FileBytes, max_whole: int) -> ReportSyntaxError | ReportTooLargeError | None:
    """Return what is wrong with a file that has a report's name and was not recognised."""
    try:
        readers.read_reports(file.content, source_of(file), max_whole=max_whole)
    except (ReportSyntaxError, ReportTooLargeError) as error:
        return error
    except ReportError:
        pass  # well formed, and no report
    return None
