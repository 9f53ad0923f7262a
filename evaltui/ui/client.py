"""The screen's end of the engine link: starts the engine, reads its frames, asks questions.

The engine is a child process. It may die, hang or never start; the screen keeps what it last knew,
says so, and starts another one after a while. Nothing here ever waits for the engine to quit.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evaltui.domain.events import Notice
from evaltui.engine.link import (
    Event,
    FrameError,
    FrameReader,
    Noticed,
    Reply,
    Request,
    Verb,
    encode,
)
from evaltui.late_dataclass import dataclass
from evaltui.settings import Settings
from evaltui.ui.engine_process import READ_BYTES, EngineProcess, attach
from evaltui.ui.engine_spawn import EARLY_NUMBER, EarlyEngine, spawn, start_args

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 30.0
"""An engine that lived this long starts the back-off anew."""

STOP_GRACE_S = 0.1
"""How long quitting gives the engine before it is killed; its journal makes that safe."""

REAP_S = 0.1
"""How long quitting waits for a killed engine to be gone."""

DRAIN_S = 0.5
"""How long an engine's stream is read on when the engine has ended, and the other way round."""


@dataclass(frozen=True, slots=True)
class EngineDown:
    """The engine ended without being asked.

    Attributes:
        reason: One line, foreign text.
        retry_in_s: Seconds until another one is started.
    """

    reason: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class EngineUp:
    """The engine was started; `again` when it is not the first one."""

    again: bool


LinkEvent = Event | EngineDown | EngineUp
"""What the link delivers to the screen."""


class EngineLink:
    """One engine process after the other, and the conversation with it.

    Args:
        settings: Sent to the engine with the first frame.
        deliver: Called on the event loop with everything that arrives, Replies excepted.
        command: Program to start instead of the engine (tests).

    Attributes:
        starts: Engines started so far.
        left_pid: Process that was left to finish the report at hand, or None.
        shown: Token of the mirror that is on show when the first engine starts, or "".
        early: An engine that was started already, to be the first one, or None.
    """

    def __init__(
        self,
        settings: Settings,
        deliver: Callable[[LinkEvent], None],
        *,
        command: Sequence[str] | None = None,
    ) -> None:
        self._settings = settings
        self._deliver = deliver
        self._command = command
        self._process: EngineProcess | None = None
        self._waiting: dict[int, asyncio.Future[Reply | None]] = {}
        self._slots: dict[str, int] = {}
        self._number = 0
        self._start_number = 0
        self._fault = ""
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self.starts = 0
        self.left_pid: int | None = None
        self.shown = ""
        self.early: EarlyEngine | None = None

    @property
    def alive(self) -> bool:
        """Whether an engine process is running."""
        return self._process is not None and not self._process.exited.is_set()

    @property
    def pid(self) -> int | None:
        """Process id of the running engine, or None."""
        return self._process.pid if self._process is not None and self.alive else None

    # -- life ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep an engine running until `stop`."""
        delay = FIRST_DELAY_S
        while not self._stopping.is_set():
            born = time.monotonic()
            reason = await self._live()
            self._process = None
            self._answer_all(None)
            if self._stopping.is_set():
                return
            if time.monotonic() - born >= STEADY_S:
                delay = FIRST_DELAY_S
            self._wake.clear()
            self._deliver(EngineDown(reason, delay))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    def retry_now(self) -> None:
        """Start a dead engine at once instead of after its delay."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the engine to stop; returns at once. `close` or `kill` follow."""
        self._stopping.set()
        self._wake.set()
        self._drop_early()
        process = self._process
        if process is not None and self.alive:
            process.write(encode(Request(self._next(), Verb.STOP)))
            process.close_stdin()

    async def close(self, grace_s: float = STOP_GRACE_S, *, finish: bool = False) -> None:
        """Stop the engine; kill it when it takes longer than `grace_s` seconds.

        Returns within that time and the moment that killing takes.

        Args:
            grace_s: Seconds it has.
            finish: Do not kill it: it finishes the report at hand, unwatched, and ends by itself.
        """
        self.stop()
        process = self._process
        if process is None:
            return
        if finish:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.exited.wait(), grace_s)
            self.left_pid, self._process = self.pid, None
            process.close()
            return
        for wait_s in (grace_s, REAP_S):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.exited.wait(), wait_s)
            self.kill()

    def kill(self) -> None:
        """Kill the engine with whatever it started; safe at any time, never waits."""
        self._stopping.set()
        self._wake.set()
        self._drop_early()
        if self._process is not None:
            self._process.kill()

    def _drop_early(self) -> None:
        early, self.early = self.early, None
        if early is not None:
            early.drop()

    async def _live(self) -> str:
        """Start one engine, read it to its end; return why it ended."""
        early, self.early = self.early, None
        try:
            popen = early.take() if early else spawn(self._settings, self._command)
            process = await attach(popen)
        except OSError as error:
            return f"cannot start the engine: {error.strerror or error}"
        self._process = process
        self._fault = ""
        if self._stopping.is_set():  # asked to stop while the process was being made
            process.kill()
        self.starts += 1
        self._deliver(EngineUp(again=self.starts > 1))
        self._start_number = EARLY_NUMBER
        if early is None or not early.asked:
            # an engine that starts again sends everything: what is on show has moved on
            start = start_args(self._settings, shown=self.shown if self.starts == 1 else "")
            self._start_number = self._next()
            self._send(Request(self._start_number, Verb.START, start))
        problem = await self._converse(process)
        if self._process is not process:  # it was left to finish its work
            return ""
        process.kill()
        await process.exited.wait()
        process.close()
        return problem or self._fault or process.how_it_ended()

    async def _converse(self, process: EngineProcess) -> str:
        """Read until the engine is done; return what was wrong with its stream, or "".

        The stream and the process end in any order: something that the engine started may hold
        the stream open, and an engine that closed it is of no use any more.
        """
        reading = asyncio.ensure_future(self._read(process))
        ended = asyncio.ensure_future(process.exited.wait())
        await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({reading, ended}, timeout=DRAIN_S)
        ended.cancel()
        if not reading.done():
            reading.cancel()
            return ""
        return reading.result()

    async def _read(self, process: EngineProcess) -> str:
        """Deliver frames until the stream ends; return what was wrong with it, or ""."""
        reader = FrameReader()
        while data := await process.stdout.read(READ_BYTES):
            try:
                for message in reader.feed(data):
                    self._receive(message)
                    await asyncio.sleep(0)  # keys come before the next frame
            except FrameError as error:
                return f"the engine spoke nonsense: {error}"
        return ""

    def _receive(self, message: Request | Event) -> None:
        if isinstance(message, Reply):
            if message.number == self._start_number and message.error:
                self._fault = message.error
                self._deliver(Noticed(Notice("error", message.error, message.hint)))
            future = self._waiting.pop(message.number, None)
            if future is not None and not future.done():
                future.set_result(message)
        elif not isinstance(message, Request):
            self._deliver(message)

    # -- questions -------------------------------------------------------------------------------

    async def request(
        self, verb: Verb, args: Mapping[str, Any] | None = None, *, slot: str = ""
    ) -> Reply | None:
        """Ask the engine.

        Args:
            verb: What to ask for.
            args: JSON values.
            slot: Questions of one slot supersede each other: only the newest is answered.

        Returns:
            The answer, or None when the question was superseded or the engine is not there.
        """
        if not self.alive or self._stopping.is_set():
            return None
        number = self._next()
        if slot:
            self._forget(self._slots.get(slot))
            self._slots[slot] = number
        future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._send(Request(number, verb, dict(args or {})))
        return await future

    def tell(self, verb: Verb, args: Mapping[str, Any] | None = None) -> bool:
        """Send a wish whose answer nobody waits for; False when the engine is not there."""
        if not self.alive or self._stopping.is_set():
            return False
        self._send(Request(self._next(), verb, dict(args or {})))
        return True

    def _forget(self, number: int | None) -> None:
        future = self._waiting.pop(number, None) if number is not None else None
        if future is not None and not future.done():
            future.set_result(None)

    def _answer_all(self, answer: Reply | None) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_result(answer)
        self._waiting.clear()
        self._slots.clear()

    def _send(self, request: Request) -> None:
        if self._process is not None:
            self._process.write(encode(request))

    def _next(self) -> int:
        self._number += 1
        return self._number
