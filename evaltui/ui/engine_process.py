"""The engine as a child process on the event loop: its pipes, its end, and whatever it started."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading

from evaltui.ui.engine_spawn import kill_group

READ_BYTES = 64 * 1024
"""Most bytes decoded before the event loop gets its turn."""


class EngineProcess:
    """An engine process whose pipes the event loop serves; made by `attach`.

    Whatever the engine started can hold its pipes open for ever; `exited` tells of the process
    alone.

    Args:
        popen: The process.
        stdin: Leads to its input.
        stdout: What it writes.
        reading: Where that comes from.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        stdin: asyncio.WriteTransport,
        stdout: asyncio.StreamReader,
        reading: asyncio.ReadTransport,
    ) -> None:
        self.pid = popen.pid
        self.stdout = stdout
        self.exited = asyncio.Event()
        self._popen = popen
        self._stdin = stdin
        self._reading = reading
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._wait, name="evaltui-engine-exit", daemon=True).start()

    def _wait(self) -> None:
        self._popen.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self.exited.set)

    def close(self) -> None:
        """Let go of the pipes; a process that still runs ends because its input has ended."""
        self._stdin.close()
        self._reading.close()

    def kill(self) -> None:
        """Kill the process, which leads its own group, and everything in the group."""
        kill_group(self.pid)

    def how_it_ended(self) -> str:
        """Return how the process ended, in words."""
        status = self._popen.returncode
        if status is not None and status < 0:
            with contextlib.suppress(ValueError):
                return f"the engine was ended by {signal.Signals(-status).name}"
        return f"the engine ended with status {status}"

    def write(self, data: bytes) -> None:
        """Send bytes; they fall away when the engine does not read any more."""
        if not self._stdin.is_closing():
            self._stdin.write(data)

    def close_stdin(self) -> None:
        """Let the engine see the end of its input, after what was written."""
        self._stdin.close()


async def attach(popen: subprocess.Popen[bytes]) -> EngineProcess:
    """Serve the pipes of an engine on the running event loop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(READ_BYTES * 4, loop)  # slows the engine down when it is full
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), popen.stdout
    )
    stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, popen.stdin)
    return EngineProcess(popen, stdin, reader, reading)
