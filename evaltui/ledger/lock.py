"""One process per watched directory ingests; the others look on and take over when it ends."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from evaltui.errors import JournalError
from evaltui.ledger.owner import is_alive, this_process

_ATTEMPTS = 10  # lock files unlinked under our hands; more is somebody who deletes in a loop


class IngestLock:
    """The right of one user's process to ingest what appears below a root.

    The kernel keeps it (flock) and drops it with the process, however that ends. The file also
    tells who holds it. It is not passed on to programs that the process starts.

    Args:
        state_dir: State directory; `locks` below it is made when it is missing.
        root: Watched directory; names that lead to the same directory are the same lock. It need
            not exist.
    """

    def __init__(self, state_dir: Path, root: Path) -> None:
        key = f"{os.path.realpath(root)}\0{os.getuid()}"
        name = hashlib.sha256(os.fsencode(key)).hexdigest()[:32]
        self.path = state_dir / "locks" / f"{name}.lock"
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; never waits. True when this object holds it now.

        Raises:
            JournalError: The lock file cannot be made or locked.
        """
        if self.held:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for _ in range(_ATTEMPTS):
                handle = self._try()
                if handle is None:
                    return False
                if self._claim(handle):
                    self._handle = handle
                    return True
        except OSError as error:
            raise self._failed(error) from error
        raise JournalError(f"the lock {self.path} is deleted again and again")

    def holder(self) -> int | None:
        """Return the pid of the process that holds the lock, or None when nobody visible does.

        Asking does not touch the lock. None while `acquire` fails means a holder that has not
        written its name yet, or one in another container.
        """
        try:
            owner = self.path.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return None
        pid = owner.partition(":")[0]
        return int(pid) if pid.isdecimal() and is_alive(owner) else None

    def release(self) -> None:
        """Give the lock back; no error when it is not held."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            os.ftruncate(handle, 0)  # while it is still ours: the next holder writes its own name
        except OSError:
            pass  # a full or vanished disk must not keep the lock
        finally:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _try(self) -> int | None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            os.close(handle)
            raise
        return handle

    def _claim(self, handle: int) -> bool:
        """Sign the locked file; close it and return False when it is no longer the lock."""
        try:
            current = self._is_current(handle)
            if current:
                os.ftruncate(handle, 0)
                os.pwrite(handle, this_process().encode("ascii"), 0)
        except OSError:
            os.close(handle)
            raise
        if not current:
            os.close(handle)
        return current

    def _is_current(self, handle: int) -> bool:
        """Whether the path still names the locked file (a cleaner may have deleted it)."""
        try:
            return os.path.samestat(os.fstat(handle), self.path.stat())
        except FileNotFoundError:
            return False

    def _failed(self, error: OSError) -> JournalError:
        unsupported = error.errno in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}
        return JournalError(
            f"the lock {self.path} cannot be taken: {error.strerror or error}",
            hint="put the state directory on a local disk: set EVALTUI_STATE_DIR"
            if unsupported
            else "check the directory's permissions and free space, or set EVALTUI_STATE_DIR",
        )
