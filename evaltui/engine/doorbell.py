"""The kernel's word that there are file events, so that nobody has to ask for them all the time.

watchfiles hands events over only to who asks, so who wants them within milliseconds has to ask
hundreds of times a second. On Linux its inotify instance can be made to send a signal as well, to
the one thread that waits for it; that thread then asks.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

if sys.platform != "win32":
    import fcntl

_SET_OWNER = 15  # F_SETOWN_EX: Python's fcntl does not name it
_A_THREAD = 0  # F_OWNER_TID
_INOTIFY = "anon_inode:inotify"
_hanging = threading.Lock()
"""Held while a bell looks for its instance: the one without an owner is the one just made."""

_T = TypeVar("_T")


class Doorbell:
    """Rings on the thread that hung it up. Each listener has its own.

    Attributes:
        has_rung: Whether the kernel has rung at all. Where events come and it never does, it does
            not work here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self.has_rung = False

    @property
    def hangs(self) -> bool:
        """Whether somebody waits for it."""
        return self._thread is not None

    def hang(self, begin: Callable[[], _T]) -> _T:
        """Hang the bell for the calling thread, the only one that may wait for it.

        Args:
            begin: Makes an inotify instance; run now. Its result is returned, its errors raised.
                What it does not hand over had come before there was a bell.
        """
        if sys.platform != "linux":
            return begin()
        with _hanging:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})  # it waits to be asked for
            made = begin()
            hung = [_send_signals(handle) for handle in _new_instances()]
        if any(hung):
            with self._lock:
                self._thread = threading.get_ident()
        return made

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most so long; return whether it did. It has to hang."""
        if sys.platform != "linux":
            return False
        rang = signal.sigtimedwait({signal.SIGIO}, seconds) is not None
        self.has_rung = self.has_rung or rang
        return rang

    def ring(self) -> None:
        """End the wait, or the next one; any thread may."""
        with self._lock:  # its thread cannot end meanwhile
            if self._thread is not None:
                signal.pthread_kill(self._thread, signal.SIGIO)

    def take_down(self) -> None:
        """Ring no more; for the thread that hung it, before that ends."""
        with self._lock:
            self._thread = None


def inotify_handles() -> list[int]:
    """Return the inotify instances of this process; none where there is no procfs.

    Raises:
        OSError: The process has no file handle left to look with.
    """
    if not os.path.isdir("/proc/self/fdinfo"):  # noqa: PTH112 - procfs is no place of ours
        return []
    found: list[int] = []
    for handle in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the same
        try:
            if os.readlink(f"/proc/self/fd/{handle}") == _INOTIFY:  # noqa: PTH115
                found.append(int(handle))
        except FileNotFoundError:
            continue  # closed meanwhile
    return found


def watched_folders() -> int | None:
    """Return how many folders the kernel tells this process of, or None where nobody can tell."""
    if not os.path.isdir("/proc/self/fdinfo"):  # noqa: PTH112 - procfs is no place of ours
        return None
    number = 0
    try:
        for handle in inotify_handles():
            try:
                told = Path(f"/proc/self/fdinfo/{handle}").read_bytes()
            except FileNotFoundError:
                continue  # closed meanwhile
            number += told.count(b"\ninotify ")
    except OSError:
        return None
    return number


def _new_instances() -> list[int]:
    try:
        return [handle for handle in inotify_handles() if not _owner(handle)]
    except OSError:
        return []


def _owner(handle: int) -> int:
    try:
        return fcntl.fcntl(handle, fcntl.F_GETOWN)
    except OSError:  # closed meanwhile
        return -1


def _send_signals(handle: int) -> bool:
    """Let an instance send a signal to this thread; return whether it will."""
    try:
        owner = struct.pack("ii", _A_THREAD, threading.get_native_id())
        fcntl.fcntl(handle, _SET_OWNER, owner)
        flags = fcntl.fcntl(handle, fcntl.F_GETFL)
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | os.O_ASYNC)
    except OSError:  # a kernel that does not know how, or the handle is closed
        return False
    return True
